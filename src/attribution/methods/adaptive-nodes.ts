import { filled, mapped } from '../../tensor/filled.ts';
import type { Quadrature } from './quadrature.ts';
import type { TargetOnPath } from './refined-nodes.ts';

/** A piece of the path with the target at its ends, the node in its middle with the slope there, and its error. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly atFrom: number;
  readonly atTo: number;
  readonly slope: number;
  /** `h f'(middle) − (f(to) − f(from))`, or that of Gauss's rule over `parts`. */
  readonly error: number;
  /** Set where Gauss's rule of three nodes errs less than its three nodes as midpoints of pieces of their own. */
  readonly parts?: readonly Piece[];
}

/** Of all nodes, those that lie evenly before any piece is cut. */
const firstShare = 0.52;
/** Pieces that err at least this much of the worst one are cut in the same round, so many at most. */
const worthCutting = 0.25;
const mostAtOnce = 5;
/** Distance of the two places whose difference is the slope, relative to the piece. */
const slopeWidth = 0.02;

/** Gauss's nodes of three lie at ½ ± this; pieces that end at twice the outer ones have their middles there. */
const outer = Math.sqrt(0.6) / 2;
const cutAt = 1 - 2 * outer;
const gaussWeights = [5 / 18, 8 / 18, 5 / 18] as const;

/** How often {@link adaptiveNodes} asks for the target at most: ends and slopes of the first pieces, then of the cut ones. */
export function adaptiveLooks(count: number): number {
  const first = firstPieces(count);
  return 3 * first + 1 + 3 * (count - first);
}

function firstPieces(count: number): number {
  const first = Math.ceil(firstShare * count);
  // Each cut adds two.
  return Math.min(count, first + ((count - first) % 2));
}

/**
 * Nodes where the target needs them: about half of them evenly, the others by cutting the pieces that err most,
 * `|h f'(middle) − (f(to) − f(from))|`, each so that its middle stays a middle and the new ones are Gauss's outer nodes.
 * The two rules on the same three nodes are compared: where Gauss's errs less (a smooth stretch) it is taken, else the
 * three pieces (a kink). Cuts at .225 and .775 come near an end of the path in few rounds: a target that changes within
 * the first thousandths, as of a model that does not mind the size of its input, is found.
 *
 * Forward passes only, {@link adaptiveLooks} of them at most: slopes are differences of the target. Gradients then run
 * in full batches, with weights that are known, so that memory does not grow with the nodes. Nothing forces their sum
 * to be `T`.
 */
export async function adaptiveNodes(targetAt: TargetOnPath, count: number): Promise<Quadrature> {
  const first = firstPieces(count);
  const ends = filled(new Float64Array(first + 1), (i) => i / first);
  const at = await targetAt(ends);
  let pieces = await withSlopes(
    targetAt,
    Array.from({ length: first }, (_, i) => ({ from: ends[i], to: ends[i + 1], atFrom: at[i], atTo: at[i + 1] })),
  );
  for (let nodes = first; nodes < count; ) {
    const worst = worstOf(pieces, Math.min(mostAtOnce, (count - nodes) / 2));
    const gone = new Set(worst);
    const cut = await cutUp(targetAt, worst.map(opened));
    nodes += 2 * worst.length;
    pieces = [...pieces.filter((one) => !gone.has(one)), ...worst.flatMap(restOf), ...cut];
  }
  const nodes = pieces.flatMap(nodesOf).sort((a, b) => a.position - b.position);
  return {
    positions: mapped(Float64Array, nodes, ({ position }) => position),
    weights: mapped(Float64Array, nodes, ({ weight }) => weight),
  };
}

const middleOf = ({ from, to }: Pick<Piece, 'from' | 'to'>) => (from + to) / 2;

function worstOf(pieces: readonly Piece[], most: number): Piece[] {
  const inOrder = [...pieces].sort((a, b) => Math.abs(b.error) - Math.abs(a.error));
  const least = worthCutting * Math.abs(inOrder[0].error);
  return inOrder.filter(({ error }) => Math.abs(error) >= least).slice(0, most);
}

/** The piece that is cut: of one under Gauss's rule the part that errs most. */
function opened(piece: Piece): Piece {
  return piece.parts ? worstOf(piece.parts, 1)[0] : piece;
}

function restOf(piece: Piece): readonly Piece[] {
  const cut = opened(piece);
  return piece.parts?.filter((part) => part !== cut) ?? [];
}

/** Each piece in three, or under Gauss's rule. */
async function cutUp(targetAt: TargetOnPath, pieces: readonly Piece[]): Promise<Piece[]> {
  const cuts = pieces.flatMap(({ from, to }) => [from + cutAt * (to - from), to - cutAt * (to - from)]);
  const at = await targetAt(Float64Array.from(cuts));
  const outers = await withSlopes(
    targetAt,
    pieces.flatMap(({ from, to, atFrom, atTo }, i) => [
      { from, to: cuts[2 * i], atFrom, atTo: at[2 * i] },
      { from: cuts[2 * i + 1], to, atFrom: at[2 * i + 1], atTo },
    ]),
  );
  return pieces.flatMap((piece, i) => {
    const [left, right] = [outers[2 * i], outers[2 * i + 1]];
    const middle = withError({
      from: left.to,
      to: right.from,
      atFrom: left.atTo,
      atTo: right.atFrom,
      slope: piece.slope,
    });
    const parts = [left, middle, right];
    const mean = gaussWeights.reduce((sum, weight, k) => sum + weight * parts[k].slope, 0);
    const error = (piece.to - piece.from) * mean - (piece.atTo - piece.atFrom);
    const apart = parts.reduce((sum, part) => sum + Math.abs(part.error), 0);
    return Math.abs(error) < apart ? [{ ...piece, error, parts }] : parts;
  });
}

function nodesOf(piece: Piece): { readonly position: number; readonly weight: number }[] {
  const length = piece.to - piece.from;
  if (!piece.parts) return [{ position: middleOf(piece), weight: length }];
  return piece.parts.map((part, k) => ({ position: middleOf(part), weight: gaussWeights[k] * length }));
}

async function withSlopes(targetAt: TargetOnPath, pieces: readonly Omit<Piece, 'slope' | 'error'>[]): Promise<Piece[]> {
  const half = ({ from, to }: Pick<Piece, 'from' | 'to'>) => ((to - from) * slopeWidth) / 2;
  const at = await targetAt(
    Float64Array.from(pieces.flatMap((one) => [middleOf(one) - half(one), middleOf(one) + half(one)])),
  );
  return pieces.map((one, i) => withError({ ...one, slope: (at[2 * i + 1] - at[2 * i]) / (2 * half(one)) }));
}

function withError(piece: Omit<Piece, 'error'>): Piece {
  const { from, to, atFrom, atTo, slope } = piece;
  return { ...piece, error: (to - from) * slope - (atTo - atFrom) };
}
