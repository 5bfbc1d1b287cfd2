import type { TargetSurroundings } from '../attribution/targets/kind.ts';
import { readTarget } from '../attribution/targets/text.ts';
import { readModelInputs } from '../data/inputs/read-model-input.ts';
import { type LoadedModel, labelsOf } from '../data/model/loaded-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import { WhereforeError } from '../errors.ts';
import { predict } from '../explain/prediction.ts';
import type { TargetChoice } from '../explain/request.ts';
import { toNumbers } from '../tensor/convert.ts';
import type { Tensor } from '../tensor/tensor.ts';

/**
 * Reads a target as a person writes it.
 * @throws WhereforeError `invalid-argument` naming the forms that exist, `unknown-name` for a label that the model lacks
 */
export function parseTarget(text: string, model: LoadedModel, preprocessing: Preprocessing): Promise<TargetChoice> {
  return readTarget(text, surroundingsOf(model, preprocessing));
}

/** What the texts of targets may speak of: the model's labels, and inputs read as its own are. */
function surroundingsOf(model: LoadedModel, preprocessing: Preprocessing): TargetSurroundings {
  return {
    labels: labelsOf(model, preprocessing),
    embedding: (source) => embed(source, model, preprocessing),
  };
}

/** @throws WhereforeError as {@link readModelInputs}; `invalid-argument` where the source names several inputs */
async function embed(source: string, model: LoadedModel, preprocessing: Preprocessing) {
  const inputs = await readModelInputs(model, source, preprocessing);
  if (inputs.length !== 1) {
    throw new WhereforeError('invalid-argument', '--target similar: one input to compare with', {
      got: `${inputs.length} inputs`,
      expected: 'similar:INPUT, e.g. similar:other.png',
    });
  }
  const [{ tensors }] = inputs;
  // Of several outputs the one that is said to be an embedding.
  const embedding = Object.keys(preprocessing.outputs).find(
    (name) => preprocessing.outputs[name]?.kind === 'embedding',
  );
  const { summary } = await predict(model, tensors, preprocessing, undefined, { output: embedding });
  const { graph } = await model.executor.specialise(model.graph, tensors);
  const values = (await model.executor.run(graph, tensors, [summary.output])).get(summary.output) as Tensor;
  return { output: summary.output, values: toNumbers(values) };
}
