import { largestAt } from '../tensor/extremes.ts';
import { type Matrix, rowOf } from './matrix.ts';

/** Rows of a class from which something can be said of it. */
const fewestRows = 5;

/** Share of the rows by which the labels must fit better in another order. */
const leastGain = 0.1;

/**
 * Labels that are right but numbered in another order than the model's outputs: most rows of some classes are predicted as
 * another class, each as one of its own. Everything that is said of such rows would be about the wrong class.
 * @param probabilities rows × classes
 * @returns a note that names these classes; none where the order fits, or the model confuses classes otherwise
 */
export function classOrderNotes(
  probabilities: Matrix,
  labels: Int32Array,
  classes: readonly string[],
): readonly string[] {
  const size = probabilities.columns;
  const counts = new Uint32Array(size * size);
  for (const [i, label] of labels.entries()) counts[label * size + largestAt(rowOf(probabilities, i))]++;
  const mostly = Array.from({ length: size }, (_, k) => largestAt(counts.subarray(k * size, (k + 1) * size)));
  const rows = mostly.map((_, k) => counts.subarray(k * size, (k + 1) * size).reduce((sum, one) => sum + one, 0));
  const moved = mostly.flatMap((to, k) => (rows[k] >= fewestRows && to !== k ? [k] : []));
  const reached = mostly.filter((_, k) => rows[k] > 0);
  if (moved.length < 2 || new Set(reached).size < reached.length) return [];
  if (!moved.every((k) => counts[k * size + mostly[k]] > rows[k] / 2)) return [];
  const gain = moved.reduce((sum, k) => sum + counts[k * size + mostly[k]] - counts[k * size + k], 0);
  if (gain < leastGain * labels.length) return [];
  const told = moved
    .slice(0, 3)
    .map((k) => `${counts[k * size + mostly[k]]} of ${rows[k]} rows of ${classes[k]} as ${classes[mostly[k]]}`);
  return [
    `the classes seem to stand in another order than the outputs of the model, which predicts ${told.join(', ')}: then nothing said here is about the right class. List them in the order of the outputs as "labels" in wherefore.yaml`,
  ];
}
