import { requiredInputs } from '../../onnx/graph.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Audio } from '../formats/audio.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { Preprocessing } from '../model/preprocessing.ts';
import type { ModelInput } from './model-input.ts';
import { tensorInput } from './tensor-input.ts';
import type { FoundText } from './text-sources.ts';

/** Texts as inputs of a model, each under the name of its source and its place there. */
export async function textsAsInputs(
  model: LoadedModel,
  texts: readonly FoundText[],
  told: string,
  preprocessing: Preprocessing,
): Promise<ModelInput[]> {
  const { textInputs } = await import('./text-input.ts');
  const inputs: ModelInput[][] = [];
  for (const { text, place, notes } of texts) {
    const source = `${told}${place}`;
    const complete = (tensors: ReadonlyMap<string, Tensor>) =>
      tensorInput(model, tensors, source, undefined, preprocessing);
    const parts = await textInputs(model, text, source, preprocessing, complete);
    inputs.push(parts.map((part) => ({ ...part, notes: [...notes, ...part.notes] })));
  }
  return inputs.flat();
}

/** A recording as input of a model; what else the model takes has to follow from it. */
export async function audioAsInput(
  model: LoadedModel,
  audio: Audio,
  { source, hash }: { readonly source: string; readonly hash: string },
  preprocessing: Preprocessing,
): Promise<ModelInput> {
  const { prepareAudio } = await import('./audio-input.ts');
  const { name, tensor, rate, notes } = prepareAudio(audio, requiredInputs(model.graph), preprocessing, source);
  const input = tensorInput(model, new Map([[name, tensor]]), source, hash, preprocessing);
  return { ...input, layout: { spatialAxes: [tensor.shape.length - 1] }, rate, notes: [...notes, ...input.notes] };
}
