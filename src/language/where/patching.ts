import { WhereforeError } from '../../errors.ts';
import { type Tensor, tensor } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';
import { patchable } from './patchable.ts';
import { readValues } from './read-values.ts';

/** What is patched: values of the stream or of what blocks add to it, each at every position. */
export interface PatchRequest {
  /** The text as it is, and another one of equally many tokens. */
  readonly clean: readonly number[];
  readonly corrupted: readonly number[];
  /** Values of the graph, as rows of the grid. */
  readonly values: readonly { readonly name: string; readonly value: string }[];
  /** What is looked at behind the last token: Σ weight · logit. */
  readonly weights: ReadonlyMap<number, number>;
  readonly signal?: AbortSignal;
}

/** Activation patching, both ways. */
export interface Patching {
  readonly rows: readonly string[];
  /** F of the clean text and of the corrupted one. */
  readonly clean: number;
  readonly corrupted: number;
  /**
   * The clean run with one value taken from the corrupted one: `(F(clean) − F) / (F(clean) − F(corrupted))`, 1 where that
   * value alone is what the corruption breaks.
   */
  readonly noising: readonly (readonly number[])[];
  /** The corrupted run with one clean value: `(F − F(corrupted)) / (F(clean) − F(corrupted))`, 1 where it restores all. */
  readonly denoising: readonly (readonly number[])[];
}

/** Rows of a batch. */
const mostRows = 32;

/**
 * Exchanges one value at one position between two runs, for every value and position, both ways: noising and denoising
 * find different halves of a circuit.
 * @throws WhereforeError `invalid-argument` where the texts differ in length, or F does not tell them apart
 * @source Vig et al. 2020, arXiv 2004.12265; Heimersheim, Nanda 2024, arXiv 2404.15255
 */
export async function activationPatching(language: LanguageModel, request: PatchRequest): Promise<Patching> {
  const { clean, corrupted, values, weights, signal } = request;
  if (clean.length !== corrupted.length) {
    throw new WhereforeError('invalid-argument', 'the corrupted text does not have as many tokens as the clean one', {
      got: `${clean.length} and ${corrupted.length}`,
      fix: 'exchange a word for one of equally many tokens',
    });
  }
  const names = values.map(({ value }) => value);
  const [own, other] = [
    await readValues(language, clean, names, signal),
    await readValues(language, corrupted, names, signal),
  ];
  const F = { language, weights, names, signal };
  const [[cleanF], [corruptedF]] = [
    await measured(F, clean, own.values, []),
    await measured(F, corrupted, own.values, []),
  ];
  const difference = cleanF - corruptedF;
  if (Math.abs(difference) < 1e-4) {
    throw new WhereforeError('invalid-argument', 'the corruption changes nothing of what is looked at', {
      got: `${cleanF.toPrecision(4)} and ${corruptedF.toPrecision(4)}`,
      fix: 'corrupt a word that the answer depends on',
    });
  }
  const cells = values.flatMap((_, row) => clean.map((_, position) => ({ row, position })));
  const broken = await measured(F, clean, other.values, cells);
  const restored = await measured(F, corrupted, own.values, cells);
  const grid = (at: (i: number) => number) =>
    values.map((_, row) => clean.map((_, position) => at(row * clean.length + position)));
  return {
    rows: values.map(({ name }) => name),
    clean: cleanF,
    corrupted: corruptedF,
    noising: grid((i) => (cleanF - broken[i]) / difference),
    denoising: grid((i) => (restored[i] - corruptedF) / difference),
  };
}

interface Measured {
  readonly language: LanguageModel;
  readonly weights: ReadonlyMap<number, number>;
  readonly names: readonly string[];
  readonly signal?: AbortSignal;
}

/** F of a text with each of some cells patched; without cells, of the text alone. */
async function measured(
  { language, weights, names, signal }: Measured,
  ids: readonly number[],
  patches: ReadonlyMap<string, Tensor<'float32'>>,
  cells: readonly { readonly row: number; readonly position: number }[],
): Promise<number[]> {
  const { model, logits } = language;
  const graph = patchable(model.graph, names, logits);
  const all = cells.length === 0 ? [undefined] : cells;
  const found: number[] = [];
  for (let at = 0; at < all.length; at += mostRows) {
    const part = all.slice(at, at + mostRows);
    const size = Math.min(mostRows, all.length);
    const feeds = new Map<string, Tensor>(feedsOf(language, new Array(size).fill(ids)));
    for (const [row, name] of names.entries()) {
      const mask = new Uint8Array(size * ids.length);
      for (const [r, cell] of part.entries()) if (cell?.row === row) mask[r * ids.length + cell.position] = 1;
      feeds.set(`patch/${name}/where`, tensor('bool', [size, ids.length, 1], mask));
      feeds.set(`patch/${name}`, patches.get(name) as Tensor);
    }
    const results = await model.executor.run(graph, feeds, ['patch/last'], { signal });
    const data = results.get('patch/last')?.data as Float32Array;
    const vocabulary = data.length / size;
    for (let r = 0; r < part.length; r++) {
      let value = 0;
      for (const [token, weight] of weights) value += weight * data[r * vocabulary + token];
      found.push(value);
    }
  }
  return found;
}
