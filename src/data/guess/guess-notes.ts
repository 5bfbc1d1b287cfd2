import { describeImageInput } from '../inputs/image-input.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { Preprocessing } from '../model/preprocessing.ts';
import { imageProcessorUsed, isWritten } from '../model/used-beside.ts';
import { roleOf, settledPreprocessing } from './settled-preprocessing.ts';

/**
 * What was guessed of how inputs are made and outputs read, in words: what a `wherefore.yaml` leaves out, and how images
 * become the input where nobody says it. Nothing is said of what the caller brought himself.
 * @param isImage whether the input was an image, rather than tensors of which nothing had to be made. Default true
 */
export function guessNotes(model: LoadedModel, used: Preprocessing, isImage = true): string[] {
  const settled = settledPreprocessing(model);
  return [...filledIn(model, used, settled), ...(isImage ? guessedImages(model, used, settled) : [])];
}

function filledIn({ preprocessing: written }: LoadedModel, used: Preprocessing, settled: Preprocessing): string[] {
  if (!written) return [];
  const said = written.preprocessing;
  const isGuessed = (name: string) => !(name in said.inputs) && settled.inputs[name]?.kind === used.inputs[name].kind;
  const inputs = Object.entries(used.inputs).filter(([name, { kind }]) => kind !== 'tensor' && isGuessed(name));
  const outputs = Object.entries(used.outputs).filter(
    ([name, { kind }]) => !(name in said.outputs) && settled.outputs[name]?.kind === kind,
  );
  const parts = [
    ...(said.task === undefined && used.task !== undefined && used.task === settled.task ? [`task ${used.task}`] : []),
    ...inputs.map(([name, input]) => `input "${name}" ${roleOf(input)}`),
    ...outputs.map(([name, { kind }]) => `output "${name}" ${kind}`),
  ];
  return parts.length > 0
    ? [`left open by wherefore.yaml, and guessed: ${parts.join(', ')} (wherefore inspect shows why)`]
    : [];
}

function guessedImages(model: LoadedModel, used: Preprocessing, settled: Preprocessing): string[] {
  if (isWritten(model, 'image')) return [];
  return Object.entries(used.inputs).flatMap(([name, input]) =>
    input.kind === 'image' && isSame(input, settled.inputs[name]) && !imageProcessorUsed(model, input)
      ? [
          `how images become the input was guessed from the graph, which cannot be sure of colours and scale: ${describeImageInput(input)}. If scores look wrong: wherefore inspect, and a wherefore.yaml beside the model`,
        ]
      : [],
  );
}

/** Whether two descriptions of an input say the same, in whatever order. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => isSame((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]));
}
