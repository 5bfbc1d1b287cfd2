import { type Box, intersectionOverUnion } from '../detector-grid.ts';

/** A row of a detector's grid with the class that fits best. */
export interface Detection {
  readonly anchor: number;
  readonly class: number;
  readonly score: number;
  /** Where it was found, where the preprocessing says how boxes are read. */
  readonly box?: Box;
}

/** Two boxes of one class that overlap by this much, as intersection over union, are of one object. */
const sameObject = 0.5;

/** Rows with less than this score show nothing. */
const leastScore = 0.01;

/**
 * The objects of a detector's grid, the strongest first: of rows of one class whose boxes overlap the strongest
 * (non-maximum suppression), of rows without boxes the strongest of each class.
 * @param detections rows of the grid, the strongest first
 */
export function distinctObjects(detections: readonly Detection[]): Detection[] {
  const kept: Detection[] = [];
  for (const row of detections) {
    if (row.score < leastScore && kept.length > 0) break;
    const isKnown = kept.some(
      (other) =>
        other.class === row.class &&
        (!row.box || !other.box || intersectionOverUnion(row.box, other.box) >= sameObject),
    );
    if (!isKnown) kept.push(row);
  }
  return kept;
}
