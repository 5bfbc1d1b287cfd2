import { filled } from '../../../tensor/filled.ts';
import { float32 } from '../../../tensor/tensor.ts';
import type { Rewriter } from '../rewrite.ts';
import { expressions } from './expression.ts';

/** Platt's two numbers for each pair of classes. */
interface Platt {
  readonly a: readonly number[];
  readonly b: readonly number[];
  /** How many classes. */
  readonly count: number;
}

/** What the runtime and libsvm keep a pair's probability away from 0 and 1. */
const smallest = 1e-7;
/** Sweeps that are laid out; libsvm stops at 0.005/k after one to five on real data, and after 100 at most. */
const sweeps = 8;

/**
 * Probabilities [batch, k] of k classes from the scores of their pairs: each pair's probability
 * r_ij = 1 − σ(a·score + b), then the p that minimises Σ_i Σ_{j≠i} (r_ji p_i − r_ij p_j)² with Σ p = 1, by libsvm's sweeps
 * over the classes, which stop where the largest error is below 0.005/k. Each row stops by itself, so that the numbers are
 * libsvm's and scikit-learn's.
 *
 * Source: Wu, Lin, Weng, "Probability estimates for multi-class classification by pairwise coupling", JMLR 5 (2004),
 * algorithm 2.
 */
export function coupledProbabilities(scores: string, { a, b, count: k }: Platt, to: Rewriter): string {
  const { add, div, matmul, mul, reshape, sub } = expressions(to);
  const rowSum = (value: string) => to.op('ReduceSum', [value, to.ints([1])]);
  const matrix = quadratic(scores, { a, b, count: k }, to);
  const times = (p: string) => reshape(matmul(matrix, reshape(p, [-1, k, 1])), [-1, k]);
  const classes = Array.from({ length: k }, (_, i) => {
    const unit = filled(new Float32Array(k), (j) => (i === j ? 1 : 0));
    const column = reshape(to.op('Gather', [matrix, to.ints([i])], { axis: 2 }), [-1, k]);
    const pick = to.constant(float32([k, 1], unit));
    return { unit: to.constant(float32([1, k], unit)), pick, column, diagonal: matmul(column, pick) };
  });

  // One uniform row stands for all until they part.
  let p = to.constant(float32([1, k], new Float32Array(k).fill(1 / k)));
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let product = times(p);
    let square = rowSum(mul(p, product));
    const error = to.op('ReduceMax', [to.op('Abs', [sub(product, square)]), to.ints([1])]);
    const isDone = to.op('Less', [error, to.scalar(0.005 / k)]);
    let next = p;
    for (const { unit, pick, column, diagonal } of classes) {
      const step = div(sub(square, matmul(product, pick)), diagonal);
      const total = add(step, to.scalar(1));
      next = div(add(next, mul(step, unit)), total);
      product = div(add(product, mul(step, column)), total);
      square = rowSum(mul(next, product));
    }
    p = to.op('Where', [isDone, p, next]);
  }
  to.note({
    code: 'assumed',
    node: to.origin,
    operator: 'ai.onnx.ml.SVMClassifier',
    text: `its probabilities are coupled in at most ${sweeps} sweeps, where libsvm stops after 100`,
  });
  return p;
}

/** Q [batch, k, k]: Q_ii = Σ_j r_ji², Q_ij = −r_ji·r_ij, where r_ij is the probability that i wins against j. */
function quadratic(scores: string, { a, b, count: k }: Platt, to: Rewriter): string {
  const { add, concat, gather, mul, reshape, sub, transpose } = expressions(to);
  const pairs = a.length;
  const [slope, shift] = [a, b].map((values) => to.constant(float32([pairs], values)));
  const first = to.op('Sigmoid', [to.op('Neg', [add(mul(scores, slope), shift)])]);
  const kept = to.op('Clip', [first, to.scalar(smallest), to.scalar(1 - smallest)]);
  // Both sides of every pair and a column of zeros for the diagonal, [batch, 2·pairs + 1], spread over the matrix.
  const other = sub(to.scalar(1), kept);
  const zero = sub(gather(kept, to.ints([0]), 1), gather(kept, to.ints([0]), 1));
  const positions = new Array<number>(k * k).fill(2 * pairs);
  for (let i = 0, pair = 0; i < k; i++) {
    for (let j = i + 1; j < k; j++, pair++) {
      positions[i * k + j] = pair;
      positions[j * k + i] = pairs + pair;
    }
  }
  const r = reshape(gather(concat([kept, other, zero], 1), to.ints(positions), 1), [-1, k, k]);
  const eye = new Float32Array(k * k);
  for (let i = 0; i < k; i++) eye[i * k + i] = 1;
  const lost = to.op('ReduceSum', [mul(r, r), to.ints([1])]);
  return sub(mul(lost, to.constant(float32([k, k], eye))), mul(r, transpose(r, [0, 2, 1])));
}
