import type { Rewriter } from '../rewrite.ts';
import { scalarLike } from '../upgraders/attributes.ts';
import { expressions } from './expression.ts';

/** The smallest float32: what a masked logit becomes. Infinity would make not-a-numbers of rows that are masked whole. */
export const masked = -3.4028234663852886e38;

export interface Attention {
  /** batch × heads × sequence × size each; keys and values may have another sequence length. */
  readonly query: string;
  readonly key: string;
  readonly value: string;
  /** Factor of the logits; undefined: 1 / sqrt(head size). */
  readonly scale: number | undefined;
  /** Added to the logits, broadcastable to batch × heads × query × key. */
  readonly biases?: readonly string[];
  /** Where attention is allowed (booleans), broadcastable likewise. */
  readonly allowed?: readonly string[];
  /** Whether a query that may attend to nothing gets zeros; else it attends to all alike, as the runtime's own do. */
  readonly emptyRowsAreZero?: boolean;
  /** Logits become cap · tanh(logits / cap). */
  readonly softcap?: number;
  /** One more logit per head (1 × heads × 1 × 1) that takes its share of each softmax and has no value. */
  readonly sink?: string;
}

/** What attention passes through, for operators that output one of the stages. */
export interface Stages {
  readonly scaled: string;
  readonly capped: string;
  readonly biased: string;
  readonly weights: string;
  readonly output: string;
}

/** softmax(cap(scale · query × keyᵀ) + biases) × value. */
export function attend(attention: Attention, to: Rewriter): Stages {
  const { add, cast, concat, dimension, div, matmul, mul, slice, sqrt, tanh, transpose } = expressions(to);
  const { query, key, value, scale, softcap, sink } = attention;
  const factor =
    scale === undefined
      ? to.op('CastLike', [to.op('Reciprocal', [sqrt(cast(dimension(query, -1), 'float32'))]), query])
      : scalarLike(scale, query, to);
  const scaled = mul(matmul(query, transpose(key, [0, 1, 3, 2])), factor);
  const cap = softcap ? scalarLike(softcap, query, to) : '';
  const capped = cap ? mul(tanh(div(scaled, cap)), cap) : scaled;
  let biased = (attention.biases ?? []).reduce((sum, bias) => add(sum, bias), capped);
  const [first, ...others] = attention.allowed ?? [];
  const allowed = first && others.reduce((both, other) => to.op('And', [both, other]), first);
  if (allowed) biased = to.op('Where', [allowed, biased, scalarLike(masked, query, to)]);
  let weights: string;
  if (sink) {
    const column = add(mul(slice(biased, -1, 0, 1), scalarLike(0, query, to)), sink);
    weights = slice(to.op('Softmax', [concat([biased, column], -1)], { axis: -1 }), -1, 0, -1);
  } else weights = to.op('Softmax', [biased], { axis: -1 });
  if (allowed && attention.emptyRowsAreZero) weights = to.op('Where', [allowed, weights, scalarLike(0, query, to)]);
  return { scaled, capped, biased, weights, output: matmul(weights, value) };
}

/**
 * For query i and key j of the given lengths (one-dimensional int64), whether j ≤ i + offset, and j > i + offset -
 * window. The offset has one element, or broadcasts to batch × 1 × 1 × 1; '' is 0.
 */
export function causal(queries: string, keys: string, offset: string, window: number, to: Rewriter): string {
  const { add, range, sub, unsqueeze } = expressions(to);
  const rows = unsqueeze(range(queries), [1]);
  const last = offset ? add(rows, offset) : rows;
  const column = unsqueeze(range(keys), [0]);
  const notAfter = to.op('LessOrEqual', [column, last]);
  if (window <= 0) return notAfter;
  return to.op('And', [notAfter, to.op('Greater', [column, sub(last, to.ints([window]))])]);
}

/** Repeats each head `times` times in a row. */
export function repeatHeads(x: string, heads: number, times: number, to: Rewriter): string {
  const { gather } = expressions(to);
  if (times === 1) return x;
  return gather(x, to.ints(Array.from({ length: heads * times }, (_, i) => Math.floor(i / times))), 1);
}
