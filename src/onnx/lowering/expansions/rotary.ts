import { floatAttribute, intAttribute } from '../../graph.ts';
import type { Rewriter } from '../rewrite.ts';
import { type Expansion, expressions, inputOf, toTheEnd } from './expression.ts';

export interface Rotation {
  /** cos and sin, broadcastable to batch × heads × sequence × rotated/2. */
  readonly cos: string;
  readonly sin: string;
  /** Whether pairs are neighbours; else the first half pairs with the second. */
  readonly interleaved: boolean;
  /** How many numbers of each head rotate; 0: all. */
  readonly width: number;
}

/**
 * Rotary position embedding of x (batch × heads × sequence × head size): each pair (a, b) becomes
 * (a·cos - b·sin, a·sin + b·cos).
 */
export function rotate(x: string, { cos, sin, interleaved, width }: Rotation, to: Rewriter): string {
  const { add, concat, mul, shape, slice, sub, unsqueeze } = expressions(to);
  const turning = width ? slice(x, -1, 0, width) : x;
  const [a, b] = interleaved
    ? [slice(turning, -1, 0, toTheEnd, 2), slice(turning, -1, 1, toTheEnd, 2)]
    : to.ops('Split', [turning], { axis: -1, num_outputs: 2 }, 2);
  const first = sub(mul(a, cos), mul(b, sin));
  const second = add(mul(a, sin), mul(b, cos));
  const turned = interleaved
    ? to.op('Reshape', [concat([unsqueeze(first, [-1]), unsqueeze(second, [-1])], -1), shape(turning)])
    : concat([first, second], -1);
  return width ? concat([turned, slice(x, -1, width, toTheEnd)], -1) : turned;
}

/** batch × sequence × (heads · size) as batch × heads × sequence × size. */
export function splitHeads(x: string, heads: number, to: Rewriter): string {
  const { reshape, transpose } = expressions(to);
  return transpose(reshape(x, [0, 0, heads, -1]), [0, 2, 1, 3]);
}

/** The reverse of {@link splitHeads}. */
export function joinHeads(x: string, to: Rewriter, output?: string): string {
  const { reshape, transpose } = expressions(to);
  return reshape(transpose(x, [0, 2, 1, 3]), [0, 0, -1], output);
}

/** The opset-23 operator: caches of positions × rotated/2 with position ids, or of batch × sequence × rotated/2 without. */
const standard: Expansion = (node, to) => {
  const { gather, named, unsqueeze } = expressions(to);
  const [x, cosines, sines] = node.inputs;
  const positions = inputOf(node, 3);
  const rank = to.rankOf(x);
  const heads = intAttribute(node, 'num_heads', 0);
  if (rank === undefined) return 'the rank of its input is not known';
  if (rank === 3 && !heads) return 'it does not say how many heads its input has';
  const at = (cache: string) => unsqueeze(positions ? gather(cache, positions, 0) : cache, [1]);
  const rotation: Rotation = {
    cos: at(cosines),
    sin: at(sines),
    interleaved: intAttribute(node, 'interleaved', 0) === 1,
    width: intAttribute(node, 'rotary_embedding_dim', 0),
  };
  const turned = rotate(rank === 3 ? splitHeads(x, heads, to) : x, rotation, to);
  if (rank === 3) joinHeads(turned, to, node.outputs[0]);
  else named(turned, node.outputs[0]);
  return undefined;
};

/** The runtime's operator: positions are one offset for all, or one per token. */
const contrib: Expansion = (node, to) => {
  const { add, dimension, gather, named, range, unsqueeze } = expressions(to);
  const [x, positions, cosines, sines] = node.inputs;
  const [rank, positionRank] = [x, positions].map((name) => to.rankOf(name));
  const width = intAttribute(node, 'rotary_embedding_dim', 0);
  const heads = intAttribute(node, 'num_heads', 0);
  const scale = floatAttribute(node, 'scale', 1);
  if (rank === undefined || positionRank === undefined) return 'the rank of an input is not known';
  if (intAttribute(node, 'is_packed_batching', 0)) return 'its batches are packed';
  if (scale !== 1) return 'it scales';
  // The head size is twice the cache's width, where only part of a head does not rotate.
  const cache = to.typeOf(cosines) && to.initializerOf(cosines)?.shape[1];
  if (rank === 3 && !heads && !cache) return 'the size of its heads is not known';
  const length = dimension(x, rank === 3 ? 1 : 2);
  const indices = positionRank === 1 ? unsqueeze(add(range(length), positions), [0]) : positions;
  const rotation: Rotation = {
    cos: unsqueeze(gather(cosines, indices, 0), [1]),
    sin: unsqueeze(gather(sines, indices, 0), [1]),
    interleaved: intAttribute(node, 'interleaved', 0) === 1,
    width,
  };
  if (rank === 4) {
    named(rotate(x, rotation, to), node.outputs[0]);
    return undefined;
  }
  const { reshape, transpose } = expressions(to);
  const split = heads
    ? splitHeads(x, heads, to)
    : transpose(reshape(x, [0, 0, -1, 2 * (cache as number)]), [0, 2, 1, 3]);
  joinHeads(rotate(split, rotation, to), to, node.outputs[0]);
  return undefined;
};

export const rotaryExpansions: Readonly<Record<string, Expansion>> = {
  RotaryEmbedding: standard,
  'com.microsoft.RotaryEmbedding': contrib,
};
