/** A piece of the path with the target at its ends and the slope of the target in its middle. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly atFrom: number;
  readonly atTo: number;
  readonly slope: number;
}

/** The target at several places of a path, 0 the baseline and 1 the input. */
export type TargetOnPath = (places: Float64Array) => Promise<Float64Array>;

/** Of all pieces, those that the path is cut into before any is refined. */
const firstShare = 0.28;
/** Of the first pieces, how many are refined in one round. */
const roundShare = 0.45;
/** Distance of the two places whose difference is the slope, relative to the piece. */
const slopeWidth = 0.01;

/**
 * Cuts a path into `count` pieces so that midpoints catch the target best: a piece whose midpoint errs most,
 * `|h f'(middle) − (f(end) − f(start))|`, is cut into three, which keeps its middle, until there are enough.
 *
 * Forward passes only, `3 count + 1` of them: slopes are differences of the target. The weights of the nodes
 * stay the lengths of their pieces, so that the sum is a quadrature like any other and nothing forces it to be `T`.
 *
 * @returns the `count + 1` ends of the pieces, from 0 to 1
 */
export async function refinedEdges(targetAt: TargetOnPath, count: number): Promise<Float64Array> {
  let first = Math.min(count, Math.max(1, Math.ceil(firstShare * count)));
  // Each refinement adds two.
  if ((count - first) % 2) first++;
  const ends = await targetAt(Float64Array.from({ length: first + 1 }, (_, i) => i / first));
  let pieces = await withSlopes(
    targetAt,
    Array.from({ length: first }, (_, i) => ({
      from: i / first,
      to: (i + 1) / first,
      atFrom: ends[i],
      atTo: ends[i + 1],
    })),
  );
  const perRound = Math.max(1, Math.floor(roundShare * first));
  while (pieces.length < count) {
    const worst = [...pieces]
      .sort((a, b) => midpointError(b) - midpointError(a))
      .slice(0, Math.min(perRound, (count - pieces.length) / 2));
    const cuts = worst.flatMap(({ from, to }) => [from + (to - from) / 3, to - (to - from) / 3]);
    const at = await targetAt(Float64Array.from(cuts));
    const middle = worst.map(({ slope }, i) => ({
      from: cuts[2 * i],
      to: cuts[2 * i + 1],
      atFrom: at[2 * i],
      atTo: at[2 * i + 1],
      slope,
    }));
    const outer = worst.flatMap(({ from, to, atFrom, atTo }, i) => [
      { from, to: cuts[2 * i], atFrom, atTo: at[2 * i] },
      { from: cuts[2 * i + 1], to, atFrom: at[2 * i + 1], atTo },
    ]);
    const gone = new Set(worst);
    pieces = [...pieces.filter((piece) => !gone.has(piece)), ...middle, ...(await withSlopes(targetAt, outer))];
  }
  const starts = pieces.map(({ from }) => from).sort((a, b) => a - b);
  return Float64Array.from([...starts, 1]);
}

async function withSlopes(targetAt: TargetOnPath, pieces: readonly Omit<Piece, 'slope'>[]): Promise<Piece[]> {
  const half = (piece: Omit<Piece, 'slope'>) => ((piece.to - piece.from) * slopeWidth) / 2;
  const at = await targetAt(
    Float64Array.from(
      pieces.flatMap((piece) => {
        const middle = (piece.from + piece.to) / 2;
        return [middle - half(piece), middle + half(piece)];
      }),
    ),
  );
  return pieces.map((piece, i) => ({ ...piece, slope: (at[2 * i + 1] - at[2 * i]) / (2 * half(piece)) }));
}

function midpointError({ from, to, atFrom, atTo, slope }: Piece): number {
  return Math.abs((to - from) * slope - (atTo - atFrom));
}
