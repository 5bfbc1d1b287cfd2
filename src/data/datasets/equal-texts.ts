import { eachPiece } from '../../dataset/pieces.ts';
import { WhereforeError } from '../../errors.ts';
import { requiredInputs } from '../../onnx/graph.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { describedText } from '../inputs/described-text.ts';
import { tensorInput } from '../inputs/tensor-input.ts';
import { textInputs } from '../inputs/text-input.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { Preprocessing } from '../model/preprocessing.ts';
import type { OpenedContents } from './contents.ts';

/** Difference of the outputs, as a share of the largest, below which filling up changes nothing. */
const tolerance = 1e-4;

/**
 * Texts of different lengths at one length, for a model that takes a mask: filled up to the longest of them. Undefined
 * where they are of one length already and where nothing would hide what is filled up. Where `wherefore.yaml`
 * states a length, it says how many texts are cut to it.
 *
 * The shortest text is run both ways first: a mask says that the model ignores what it hides, and not that it does.
 * @throws WhereforeError `invalid-data` where the model's answer depends on how far a text is filled up
 */
export async function equalTexts(
  opened: OpenedContents,
  model: LoadedModel,
  preprocessing: Preprocessing,
): Promise<{ readonly preprocessing: Preprocessing; readonly notes: readonly string[] } | undefined> {
  const described = describedText(preprocessing);
  if (opened.contents.kind !== 'text' || !described) return undefined;
  const fixed = requiredInputs(model.graph).find(({ name }) => name === described.name)?.shape?.[1];
  const stated = described.input.length;
  const mask = Object.entries(preprocessing.inputs).find(([, input]) => input.kind === 'text' && input.part === 'mask');
  if (typeof fixed === 'number' || (stated === undefined && !mask)) return undefined;

  const lengths = await lengthsOf(opened, opened.contents.texts, model, withLength(preprocessing, described.name));
  if (stated !== undefined) {
    const cut = lengths.all.filter((count) => count > stated).length;
    const notes = [`${cut} of ${opened.length} texts are longer than ${stated} tokens, and cut`];
    return cut > 0 ? { preprocessing, notes } : undefined;
  }
  const { shortest, longest, sample } = lengths;
  if (!mask || shortest === longest) return undefined;
  const filled = withLength(preprocessing, described.name, longest);
  const difference = await outputDifference(model, [
    (await made(model, sample, preprocessing)).tensors,
    (await made(model, sample, filled)).tensors,
  ]);
  if (difference === undefined) return undefined;
  if (!(difference <= tolerance)) {
    throw new WhereforeError('invalid-data', `the model's answer depends on how far a text is filled up`, {
      where: sample.source,
      got: `outputs that differ by ${(100 * difference).toPrecision(2)} % with ${longest} tokens in place of ${shortest}, although "${mask[0]}" hides the others`,
      fix: `state the length that the model was trained with in wherefore.yaml (inputs: { ${described.name}: { kind: text, length: ${longest} }, ${mask[0]}: { kind: text, part: mask } })`,
    });
  }
  return {
    preprocessing: filled,
    notes: [
      `texts have ${shortest} to ${longest} tokens: all are filled up to ${longest}, which "${mask[0]}" hides (seen on the shortest: its outputs differ by ${(100 * difference).toPrecision(1)} %)`,
    ],
  };
}

interface Sample {
  readonly text: string;
  readonly source: string;
}

/** Tokens of each text as the model takes it by itself, and the shortest text. */
async function lengthsOf(
  { length, describe }: OpenedContents,
  texts: (indices: Uint32Array) => Promise<string[]>,
  model: LoadedModel,
  preprocessing: Preprocessing,
) {
  const all: number[] = [];
  let [shortest, longest] = [Number.POSITIVE_INFINITY, 0];
  let sample: Sample = { text: '', source: '' };
  for await (const indices of eachPiece(length)) {
    for (const [i, text] of (await texts(indices)).entries()) {
      const one = { text, source: describe(indices[i]) };
      const { tensors } = await made(model, one, preprocessing);
      const count = tensors.get(describedText(preprocessing)?.name ?? '')?.shape[1] ?? 0;
      all.push(count);
      longest = Math.max(longest, count);
      if (count < shortest) [shortest, sample] = [count, one];
    }
  }
  return { all, shortest, longest, sample };
}

/** A text as input of a model; of one that is read in windows, the first. */
async function made(model: LoadedModel, { text, source }: Sample, preprocessing: Preprocessing) {
  const complete = (tensors: ReadonlyMap<string, Tensor>) =>
    tensorInput(model, tensors, source, undefined, preprocessing);
  const [first] = await textInputs(model, text, source, preprocessing, complete);
  return first;
}

/** With a length of all texts, or with none. */
function withLength(preprocessing: Preprocessing, name: string, length?: number): Preprocessing {
  const input = preprocessing.inputs[name];
  if (input?.kind !== 'text') return preprocessing;
  return { ...preprocessing, inputs: { ...preprocessing.inputs, [name]: { ...input, length } } };
}

/** The largest difference of what the model says of two inputs, as a share of the largest number; undefined where it says more of the longer one. */
async function outputDifference(
  { graph, executor }: LoadedModel,
  inputs: readonly [ReadonlyMap<string, Tensor>, ReadonlyMap<string, Tensor>],
): Promise<number | undefined> {
  const [{ name }] = graph.outputs;
  const [one, other] = [await executor.run(graph, inputs[0], [name]), await executor.run(graph, inputs[1], [name])];
  const [a, b] = [one.get(name)?.data ?? [], other.get(name)?.data ?? []];
  if (a.length !== b.length) return undefined;
  let [largest, difference] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    largest = Math.max(largest, Math.abs(Number(a[i])));
    difference = Math.max(difference, Math.abs(Number(a[i]) - Number(b[i])));
  }
  return largest === 0 ? difference : difference / largest;
}
