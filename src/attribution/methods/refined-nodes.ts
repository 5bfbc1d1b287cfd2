import { filled, mapped } from '../../tensor/filled.ts';
import type { Quadrature } from './quadrature.ts';

/** A piece of the path with the target at its ends, and its node with the slope of the target there. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly atFrom: number;
  readonly atTo: number;
  readonly node: number;
  readonly slope: number;
}

/** The target at several positions of a path, 0 the baseline and 1 the input. */
export type TargetOnPath = (positions: Float64Array) => Promise<Float64Array>;

/** Of all pieces, those that the path is cut into before any is refined. */
const firstShare = 0.28;
/** Of the first pieces, how many are refined in one round. */
const roundShare = 0.45;
/** Of the pieces, those that may take another node than their middle: the ones that err most. */
const movedShare = 1 / 3;
/** Where in its piece such a node may lie. */
const positionsInPiece = [0.3, 0.7];
/** What of its error must be left at most for a node to move: the middle is best for all that the target does not show. */
const worthMoving = 0.9;
/** Distance of the two places whose difference is the slope, relative to the piece. */
const slopeWidth = 0.01;

/** How often {@link refinedNodes} asks for the target. */
export function looksFor(count: number): number {
  return 3 * count + 1 + 2 * positionsInPiece.length * movedPieces(count);
}

const movedPieces = (count: number) => Math.ceil(movedShare * count);

/**
 * Nodes that catch the target on a path. A piece whose node errs most, `|h f'(node) − (f(end) − f(start))|`, is cut into
 * three, which keeps its middle, until there are `count`. Of the third that then err most, the node moves to where in
 * the piece the slope is nearest to the mean slope, of three positions.
 *
 * Forward passes only, {@link looksFor} of them: slopes are differences of the target. The weights of the nodes
 * stay the lengths of their pieces, so that the sum is a quadrature like any other and nothing forces it to be `T`.
 *
 * @returns the nodes with their weights, and the `count + 1` ends of their pieces, from 0 to 1
 */
export async function refinedNodes(
  targetAt: TargetOnPath,
  count: number,
): Promise<Quadrature & { readonly edges: Float64Array }> {
  let first = Math.min(count, Math.max(1, Math.ceil(firstShare * count)));
  // Each refinement adds two.
  if ((count - first) % 2) first++;
  const ends = await targetAt(filled(new Float64Array(first + 1), (i) => i / first));
  let pieces = await withSlopes(
    targetAt,
    Array.from({ length: first }, (_, i) => piece(i / first, (i + 1) / first, ends[i], ends[i + 1])),
  );
  const perRound = Math.max(1, Math.floor(roundShare * first));
  while (pieces.length < count) {
    const worst = worstOf(pieces, Math.min(perRound, (count - pieces.length) / 2));
    const cuts = worst.flatMap(({ from, to }) => [from + (to - from) / 3, to - (to - from) / 3]);
    const at = await targetAt(Float64Array.from(cuts));
    const middle = worst.map(({ slope }, i) => ({
      ...piece(cuts[2 * i], cuts[2 * i + 1], at[2 * i], at[2 * i + 1]),
      slope,
    }));
    const outer = worst.flatMap(({ from, to, atFrom, atTo }, i) => [
      piece(from, cuts[2 * i], atFrom, at[2 * i]),
      piece(cuts[2 * i + 1], to, at[2 * i + 1], atTo),
    ]);
    const gone = new Set(worst);
    pieces = [...pieces.filter((one) => !gone.has(one)), ...middle, ...(await withSlopes(targetAt, outer))];
  }
  const moved = await withBestNodes(targetAt, worstOf(pieces, movedPieces(count)));
  pieces = pieces.map((one) => moved.get(one) ?? one).sort((a, b) => a.from - b.from);
  return {
    edges: Float64Array.from([...pieces.map(({ from }) => from), 1]),
    positions: mapped(Float64Array, pieces, ({ node }) => node),
    weights: mapped(Float64Array, pieces, ({ from, to }) => to - from),
  };
}

function piece(from: number, to: number, atFrom: number, atTo: number): Omit<Piece, 'slope'> {
  return { from, to, atFrom, atTo, node: (from + to) / 2 };
}

function worstOf(pieces: readonly Piece[], count: number): Piece[] {
  return [...pieces].sort((a, b) => errorOf(b) - errorOf(a)).slice(0, count);
}

/** Every piece with the node, of its own and the other places, whose slope errs least. */
async function withBestNodes(targetAt: TargetOnPath, pieces: readonly Piece[]): Promise<Map<Piece, Piece>> {
  const best = new Map(pieces.map((one) => [one, one]));
  for (const place of positionsInPiece) {
    const moved = await withSlopes(
      targetAt,
      pieces.map((one) => ({ ...one, node: one.from + place * (one.to - one.from) })),
    );
    moved.forEach((one, i) => {
      if (errorOf(one) < worthMoving * errorOf(best.get(pieces[i]) as Piece)) best.set(pieces[i], one);
    });
  }
  return best;
}

async function withSlopes(targetAt: TargetOnPath, pieces: readonly Omit<Piece, 'slope'>[]): Promise<Piece[]> {
  const half = ({ from, to }: Omit<Piece, 'slope'>) => ((to - from) * slopeWidth) / 2;
  const at = await targetAt(Float64Array.from(pieces.flatMap((one) => [one.node - half(one), one.node + half(one)])));
  return pieces.map((one, i) => ({ ...one, slope: (at[2 * i + 1] - at[2 * i]) / (2 * half(one)) }));
}

function errorOf({ from, to, atFrom, atTo, slope }: Piece): number {
  return Math.abs((to - from) * slope - (atTo - atFrom));
}
