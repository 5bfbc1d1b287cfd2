import { throwIfCancelled } from '../../runtime/runtime.ts';
import { choose, random } from '../../tensor/random.ts';
import type { Retraining } from '../material.ts';
import { type Matrix, type Matrix64, rowOf, zeros } from '../matrix.ts';

/** Trainings on parts of the rows: which rows each had, and what it gave for the queries. */
export interface SubsetBank {
  /** trainings × rows: 1 where the row was there. */
  readonly masks: Matrix;
  /** trainings × queries. */
  readonly values: Matrix;
}

/** Trains once on every mask; training `m` has seed `seed + m`, because a mean over seeds is what is asked for. */
export async function trainBank(
  retraining: Retraining,
  masks: Matrix,
  queries: number,
  seed: number,
  signal?: AbortSignal,
): Promise<SubsetBank> {
  const values = zeros(masks.rows, queries);
  for (let m = 0; m < masks.rows; m++) {
    throwIfCancelled(signal);
    const trained = await retraining.train(Uint32Array.from(rowOf(masks, m)), seed + m, signal);
    values.data.set(trained.queries, m * queries);
  }
  return { masks, values };
}

/** Random subsets of one size. */
export function fixedSizeMasks(subsets: number, rows: number, share: number, seed: number): Matrix {
  const masks = zeros(subsets, rows);
  const [source, size] = [random(seed, 3), Math.round(share * rows)];
  for (let m = 0; m < subsets; m++) for (const i of choose(rows, size, source)) masks.data[m * rows + i] = 1;
  return masks;
}

/** Every row in or out with probability ½; all subsets, each once, where there are not more than `subsets`. */
export function independentMasks(subsets: number, rows: number, seed: number): Matrix {
  const all = rows < 30 && 2 ** rows <= subsets;
  const masks = zeros(all ? 2 ** rows : subsets, rows);
  const source = random(seed, 3);
  for (let m = 0; m < masks.rows; m++)
    for (let i = 0; i < rows; i++) masks.data[m * rows + i] = all ? (m >> i) & 1 : source.integer(2);
  return masks;
}

/** `mean f(S ∋ i) − mean f(S ∌ i)` of every row i and query; 0 for a row that was always there or never. */
export function meanDifference({ masks, values }: SubsetBank): { values: Matrix64; constant: number } {
  const [n, queries] = [masks.columns, values.columns];
  const result = zeros(queries, n);
  let constant = 0;
  for (let i = 0; i < n; i++) {
    let inside = 0;
    for (let m = 0; m < masks.rows; m++) inside += masks.data[m * n + i];
    const outside = masks.rows - inside;
    if (inside === 0 || outside === 0) {
      constant++;
      continue;
    }
    for (let m = 0; m < masks.rows; m++) {
      const weight = masks.data[m * n + i] ? 1 / inside : -1 / outside;
      for (let q = 0; q < queries; q++) result.data[q * n + i] += weight * values.data[m * queries + q];
    }
  }
  return { values: result, constant };
}
