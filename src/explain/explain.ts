import type { ModelInput } from '../data/inputs/model-input.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { ExplainOptions, ExplainSource } from './explain-options.ts';
import type { Explained } from './explained.ts';

/**
 * Explains what a model says of an input: one explanation for each target, layer and method asked for.
 *
 * @param source one or several of: a path (image, `.npy`, `.npz`, `.safetensors`, `table.csv#row`, `.txt`), numbers written out
 *   (`ids=[[1,2,3]]`), a text for a model whose tokenizer is known, or tensors by input name; of
 *   several, also inputs that are read already
 * @throws WhereforeError with what, where and how to fix it; nothing is computed before everything is checked
 * @example
 * const model = await loadModel('model.onnx');
 * const [explanation] = await explain(model, 'image.png', { baseline: { kind: 'zero' } });
 * console.log(explanation.document.targetDescription, explanation.document.relativeError);
 */
export async function explain(
  model: LoadedModel,
  source: ExplainSource | readonly (ExplainSource | ModelInput)[],
  stated: ExplainOptions = {},
): Promise<Explained[]> {
  // Methods, targets and baselines come with the first question: a page opens its model without them.
  return (await import('./explain-inputs.ts')).explainInputs(model, source, stated);
}
