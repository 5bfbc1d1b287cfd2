import { describeNode, floatAttribute, intAttribute, intsAttribute, type Node } from '../../graph.ts';
import type { Rewriter } from '../rewrite.ts';
import { scalarLike } from '../upgraders/attributes.ts';
import { attend, causal, repeatHeads } from './attend.ts';
import { type Expansion, expressions, inputOf, wants } from './expression.ts';
import { joinHeads, type Rotation, rotate, splitHeads } from './rotary.ts';

const scaleOf = (node: Node): number | undefined => floatAttribute(node, 'scale', 0) || undefined;

/** Keys or values of the past before those of the present; named where the node outputs them. */
function withPast(past: string, now: string, output: string, to: Rewriter): string {
  const { concat, named } = expressions(to);
  if (past) return concat([past, now], 2, output || undefined);
  return output ? named(now, output) : now;
}

/** Adds mask_filter_value where a 0/1 mask is 0. */
function paddingBias(allowed: string, node: Node, like: string, to: Rewriter): string {
  const filter = floatAttribute(node, 'mask_filter_value', -10000);
  return to.op('Where', [allowed, scalarLike(0, like, to), scalarLike(filter, like, to)]);
}

/**
 * The runtime's padding masks as an added bias: rank 1 holds the number of tokens of each sequence (and, after these,
 * maybe where each starts); rank 2 is batch × keys; rank 3 batch × queries × keys.
 */
function padding(mask: string, rank: number, keys: string, node: Node, like: string, to: Rewriter): string {
  const { cast, concat, dimension, range, unsqueeze } = expressions(to);
  if (rank > 1) {
    const allowed = to.op('Greater', [cast(mask, 'int64'), to.scalar(0, 'int64')]);
    return paddingBias(unsqueeze(allowed, rank === 2 ? [1, 2] : [1]), node, like, to);
  }
  const batch = dimension(like, 0);
  const wide = cast(mask, 'int64');
  const both = concat([wide, to.op('Expand', [to.scalar(0, 'int64'), batch])], 0);
  const part = (start: string, end: string) => unsqueeze(to.op('Slice', [both, start, end, to.ints([0])]), [1, 2, 3]);
  const ends = part(to.ints([0]), batch);
  const starts = part(batch, to.op('Add', [batch, batch]));
  const positions = range(keys);
  const inside = to.op('And', [to.op('Less', [positions, ends]), to.op('GreaterOrEqual', [positions, starts])]);
  return paddingBias(inside, node, like, to);
}

/** Self-attention with its input projection: query, key and value are thirds of input × weights + bias. */
const attention: Expansion = (node, to) => {
  const { add, concat, dimension, gather, matmul, unsqueeze } = expressions(to);
  const [input, weights] = node.inputs;
  const [bias, mask, past, extra] = [2, 3, 4, 5].map((i) => inputOf(node, i));
  const heads = intAttribute(node, 'num_heads', 1);
  const maskRank = mask ? to.rankOf(mask) : 0;
  if (intAttribute(node, 'do_rotary', 0)) return 'it rotates positions without stating how far';
  if (intAttribute(node, 'past_present_share_buffer', 0)) return 'past and present share one buffer';
  if (maskRank === undefined || maskRank > 3) return 'its mask is not of a known rank up to 3';

  const projected = bias ? add(matmul(input, weights), bias) : matmul(input, weights);
  const sizes = intsAttribute(node, 'qkv_hidden_sizes');
  const parts = to.ops(
    'Split',
    sizes ? [projected, to.ints(sizes)] : [projected],
    { axis: -1, num_outputs: sizes ? undefined : 3 },
    3,
  );
  let [query, key, value] = parts.map((part) => splitHeads(part, heads, to));
  const sequence = dimension(query, 2);
  let offset = '';
  if (past) {
    const [pastKey, pastValue] = [0, 1].map((i) => gather(past, to.scalar(i, 'int64'), 0));
    offset = dimension(pastKey, 2);
    key = withPast(pastKey, key, '', to);
    value = withPast(pastValue, value, '', to);
  }
  if (node.outputs[1]) concat([unsqueeze(key, [0]), unsqueeze(value, [0])], 0, node.outputs[1]);
  const total = dimension(key, 2);
  const { output } = attend(
    {
      query,
      key,
      value,
      scale: scaleOf(node),
      biases: [...(extra ? [extra] : []), ...(mask ? [padding(mask, maskRank, total, node, query, to)] : [])],
      allowed: intAttribute(node, 'unidirectional', 0) ? [causal(sequence, total, offset, 0, to)] : [],
    },
    to,
  );
  joinHeads(output, to, node.outputs[0]);
  return undefined;
};

/** Attention of given queries, keys and values, which may come packed in one or two inputs. */
const multiHead: Expansion = (node, to) => {
  const { add, dimension, gather, transpose } = expressions(to);
  const [query, key, value, bias, mask, extra, pastKey, pastValue] = [0, 1, 2, 3, 4, 5, 6, 7].map((i) =>
    inputOf(node, i),
  );
  const heads = intAttribute(node, 'num_heads', 1);
  const queryRank = to.rankOf(query);
  const keyRank = key ? to.rankOf(key) : 0;
  const maskRank = mask ? to.rankOf(mask) : 0;
  if (inputOf(node, 8) || inputOf(node, 9)) return 'past and present share one buffer';
  if (wants(node, 3, to)) return 'its query-key product is read';
  if (queryRank === undefined || keyRank === undefined) return 'the rank of its query or key is not known';
  if (maskRank === undefined || maskRank > 3) return 'its mask is not of a known rank up to 3';

  // packed: batch × sequence × heads × (3 or 2) × size
  const unpacked = (x: string, i: number) => transpose(gather(x, to.scalar(i, 'int64'), 3), [0, 2, 1, 3]);
  const split = (x: string, rank: number) => (rank === 4 ? x : splitHeads(x, heads, to));
  let [q, k, v] =
    queryRank === 5
      ? [0, 1, 2].map((i) => unpacked(query, i))
      : keyRank === 5
        ? [split(query, queryRank), unpacked(key, 0), unpacked(key, 1)]
        : [split(query, queryRank), split(key, keyRank), split(value, keyRank)];
  if (bias) {
    // The bias has the hidden sizes of query, key and value one after the other, of which the first two are equal.
    const hidden = to.op('Mul', [dimension(q, -1), to.ints([heads])]);
    const ends = [hidden, to.op('Mul', [hidden, to.ints([2])])];
    const bounds: [string, string][] = [
      [to.ints([0]), ends[0]],
      [ends[0], ends[1]],
      [ends[1], to.ints([Number.MAX_SAFE_INTEGER])],
    ];
    [q, k, v] = [q, k, v].map((x, i) => {
      const part = to.op('Slice', [bias, bounds[i][0], bounds[i][1], to.ints([0])]);
      // A key that already has heads comes from a cache, to which the bias was added when it was made.
      return i > 0 && keyRank === 4 ? x : add(x, to.op('Reshape', [part, to.ints([1, heads, 1, -1])]));
    });
  }
  const sequence = dimension(q, 2);
  const offset = pastKey ? dimension(pastKey, 2) : '';
  k = withPast(pastKey, k, node.outputs[1] ?? '', to);
  v = withPast(pastValue, v, node.outputs[2] ?? '', to);
  const total = dimension(k, 2);
  const { output } = attend(
    {
      query: q,
      key: k,
      value: v,
      scale: scaleOf(node),
      biases: [...(extra ? [extra] : []), ...(mask ? [padding(mask, maskRank, total, node, q, to)] : [])],
      allowed: intAttribute(node, 'unidirectional', 0) ? [causal(sequence, total, offset, 0, to)] : [],
    },
    to,
  );
  joinHeads(output, to, node.outputs[0]);
  return undefined;
};

/**
 * Attention in which several query heads share a key head. Assumes that the past is as long as its tensor says (no
 * buffer longer than what it holds), which is how an exporter's dynamic cache works.
 */
const groupQuery: Expansion = (node, to) => {
  const { add, cast, dimension, gather, range, reshape, transpose, unsqueeze } = expressions(to);
  const [query, key, value, pastKey, pastValue, lengths] = [0, 1, 2, 3, 4, 5].map((i) => inputOf(node, i));
  const [cosines, sines, positionIds, extra, sinkInput] = [7, 8, 9, 10, 11].map((i) => inputOf(node, i));
  const [heads, keyHeads] = [intAttribute(node, 'num_heads', 1), intAttribute(node, 'kv_num_heads', 1)];
  const quantized = [12, 13].some((i) => inputOf(node, i)) || intAttribute(node, 'kv_cache_bit_width', 0);
  if (quantized) return 'its cache is quantized';
  if (inputOf(node, 14)) return 'it normalizes queries and keys itself';
  if (intAttribute(node, 'sliding_window_cache', 0)) return 'its cache holds a window';
  if (wants(node, 3, to)) return 'its query-key product is read';

  if (pastKey) {
    const text = `${describeNode(node)}: its past is taken to be as long as its tensor, not a longer buffer partly filled`;
    to.note({ code: 'assumed', node: node.name, operator: 'com.microsoft.GroupQueryAttention', text });
  }
  let q: string;
  let k: string;
  let v: string;
  if (key) {
    q = splitHeads(query, heads, to);
    [k, v] = [splitHeads(key, keyHeads, to), splitHeads(value, keyHeads, to)];
  } else {
    const all = transpose(reshape(query, [0, 0, heads + 2 * keyHeads, -1]), [0, 2, 1, 3]);
    [q, k, v] = to.ops('Split', [all, to.ints([heads, keyHeads, keyHeads])], { axis: 1 }, 3);
  }
  const sequence = dimension(q, 2);
  const offset = pastKey ? dimension(pastKey, 2) : '';
  if (intAttribute(node, 'do_rotary', 0)) {
    const counted = offset ? add(range(sequence), offset) : range(sequence);
    const positions = positionIds || unsqueeze(counted, [0]);
    const rotation: Rotation = {
      cos: unsqueeze(gather(cosines, positions, 0), [1]),
      sin: unsqueeze(gather(sines, positions, 0), [1]),
      interleaved: intAttribute(node, 'rotary_interleaved', 0) === 1,
      width: 0,
    };
    const cache = to.initializerOf(cosines)?.shape[1];
    [q, k] = [q, k].map((x) => rotate(x, cache ? { ...rotation, width: 2 * cache } : rotation, to));
  }
  k = withPast(pastKey, k, node.outputs[1] ?? '', to);
  v = withPast(pastValue, v, node.outputs[2] ?? '', to);
  const total = dimension(k, 2);
  const allowed: string[] = [];
  if (intAttribute(node, 'causal', 1))
    allowed.push(causal(sequence, total, offset, intAttribute(node, 'local_window_size', -1), to));
  // Sequences shorter than the longest of their batch are padded at the end: lengths holds the last key of each.
  const last = unsqueeze(cast(to.op('Reshape', [lengths, to.ints([-1])]), 'int64'), [1, 2, 3]);
  allowed.push(to.op('LessOrEqual', [range(total), last]));
  const smooth = intAttribute(node, 'smooth_softmax', -1) === 1;
  const { output } = attend(
    {
      query: q,
      key: repeatHeads(k, keyHeads, heads / keyHeads, to),
      value: repeatHeads(v, keyHeads, heads / keyHeads, to),
      scale: scaleOf(node),
      softcap: floatAttribute(node, 'softcap', 0),
      biases: extra ? [extra] : [],
      allowed,
      sink: sinkInput ? reshape(sinkInput, [1, heads, 1, 1]) : smooth ? scalarLike(0, query, to) : undefined,
    },
    to,
  );
  joinHeads(output, to, node.outputs[0]);
  return undefined;
};

/** Attention of opset 23. */
const standard: Expansion = (node, to) => {
  const { cast, dimension, named, range, sub, unsqueeze } = expressions(to);
  const [query, key, value, mask, pastKey, pastValue, lengths] = [0, 1, 2, 3, 4, 5, 6].map((i) => inputOf(node, i));
  const rank = to.rankOf(query);
  if (rank === undefined) return 'the rank of its query is not known';
  const heads = intAttribute(node, 'q_num_heads') ?? 0;
  const keyHeads = intAttribute(node, 'kv_num_heads') ?? 0;
  if (rank === 3 && !(heads && keyHeads)) return 'it does not say how many heads it has';
  if (intAttribute(node, 'left_window_size', -1) !== -1 || intAttribute(node, 'right_window_size', -1) !== -1)
    return 'it has a window';
  const maskType = mask ? to.typeOf(mask) : undefined;
  if (mask && !maskType) return 'the type of its mask is not known';
  const [headsOfQuery, headsOfKey] =
    rank === 3 ? [heads, keyHeads] : [dimensionOf(query, 1, to), dimensionOf(key, 1, to)];
  if (!headsOfQuery || !headsOfKey) return 'the number of its heads is not known';

  const split = (x: string, count: number) => (rank === 3 ? splitHeads(x, count, to) : x);
  const q = split(query, heads);
  const sequence = dimension(q, 2);
  const offset = pastKey ? dimension(pastKey, 2) : '';
  const k = withPast(pastKey, split(key, keyHeads), node.outputs[1] ?? '', to);
  const v = withPast(pastValue, split(value, keyHeads), node.outputs[2] ?? '', to);
  const total = dimension(k, 2);
  const times = headsOfQuery / headsOfKey;
  const allowed: string[] = [];
  const biases: string[] = [];
  if (mask) (maskType === 'bool' ? allowed : biases).push(padMask(mask, maskType === 'bool', total, to));
  const kept = lengths && unsqueeze(cast(lengths, 'int64'), [1, 2, 3]);
  if (intAttribute(node, 'is_causal', 0)) {
    // With a cache kept outside, the queries are the last of the tokens that count.
    allowed.push(causal(sequence, total, kept ? sub(kept, sequence) : offset, 0, to));
  }
  if (kept) allowed.push(to.op('Less', [range(total), kept]));
  const stages = attend(
    {
      query: q,
      key: repeatHeads(k, headsOfKey, times, to),
      value: repeatHeads(v, headsOfKey, times, to),
      scale: scaleOf(node),
      softcap: floatAttribute(node, 'softcap', 0),
      biases,
      allowed,
      emptyRowsAreZero: maskType === 'bool' || Boolean(lengths),
    },
    to,
  );
  if (rank === 3) joinHeads(stages.output, to, node.outputs[0]);
  else named(stages.output, node.outputs[0]);
  const { scaled, biased, capped, weights } = stages;
  if (node.outputs[3])
    named([scaled, capped, biased, weights][intAttribute(node, 'qk_matmul_output_mode', 0)], node.outputs[3]);
  return undefined;
};

function dimensionOf(name: string, axis: number, to: Rewriter): number | undefined {
  const declared = [...to.graph.inputs, ...to.graph.values.values()].find((value) => value.name === name)?.shape?.[
    axis
  ];
  return typeof declared === 'number' ? declared : to.initializerOf(name)?.shape[axis];
}

/** A mask may be shorter than the keys: what it leaves out is masked. */
function padMask(mask: string, boolean: boolean, total: string, to: Rewriter): string {
  const { concat, dimension, sub } = expressions(to);
  const missing = concat([to.ints([0]), sub(total, dimension(mask, -1))], 0);
  const filler = boolean ? to.scalar(0, 'bool') : to.op('CastLike', [to.scalar(-3.4028234663852886e38), mask]);
  return to.op('Pad', [mask, missing, filler, to.ints([-1])]);
}

export const attentionExpansions: Readonly<Record<string, Expansion>> = {
  Attention: standard,
  'com.microsoft.Attention': attention,
  'com.microsoft.MultiHeadAttention': multiHead,
  'com.microsoft.GroupQueryAttention': groupQuery,
};
