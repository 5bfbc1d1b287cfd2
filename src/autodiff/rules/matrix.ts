import { floatAttribute, intAttribute } from '../../onnx/graph.ts';
import { convert } from '../../tensor/convert.ts';
import { float32, sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { type RuleTable, smooth, unary } from './entry.ts';

/** Products of matrices. */
export const matrix = {
  MatMul: smooth((c, [g]) => productRule(c, g, { alpha: 1, transA: 0, transB: 0 })),
  'com.microsoft.FusedMatMul': smooth((c, [g]) => {
    const { node } = c;
    if (intAttribute(node, 'transBatchA', 0) || intAttribute(node, 'transBatchB', 0)) {
      throw c.refuse('the rule does not know transBatchA and transBatchB', 'save the model before graph optimisation');
    }
    const [transA, transB] = [intAttribute(node, 'transA', 0), intAttribute(node, 'transB', 0)];
    return productRule(c, g, {
      alpha: floatAttribute(node, 'alpha', 1),
      transA,
      transB,
    });
  }),
  Gemm: smooth(gemm),
  Det: smooth(unary(determinant)),
  'com.microsoft.Inverse': smooth(unary(inverse)),
} satisfies RuleTable;

interface Product {
  readonly alpha: number;
  readonly transA: number;
  readonly transB: number;
}

/** α·op(a)·op(b), with the transpositions inside the product where the runtime has a kernel for it. */
function product(
  c: RuleContext,
  a: string,
  b: string,
  { alpha, transA, transB }: Product,
  rank: { a: number; b: number },
): string {
  if (c.type(c.output()) === 'float32') {
    if (!transA && !transB && alpha === 1) return c.op('MatMul', [a, b]);
    return c.op('FusedMatMul', [a, b], { alpha: { float: alpha }, transA, transB }, { domain: 'com.microsoft' });
  }
  const turned = (name: string, turn: number, axes: number) =>
    turn
      ? c.transpose(
          name,
          Array.from({ length: axes }, (_, i) => (i < axes - 2 ? i : 2 * axes - 3 - i)),
        )
      : name;
  return c.scale(c.op('MatMul', [turned(a, transA, rank.a), turned(b, transB, rank.b)]), alpha, c.output());
}

/**
 * y = α·op(A)·op(B): Ā = α·ȳ·op(B)ᵀ and B̄ = α·op(A)ᵀ·ȳ, summed over the axes along which a factor was repeated.
 * A factor with one axis counts as a row (A) or a column (B).
 */
function productRule(c: RuleContext, g: string | undefined, { alpha, transA, transB }: Product): ReturnType<VjpRule> {
  if (!g) return [];
  const [aShape, bShape, yShape] = [c.inputShape(0), c.inputShape(1), c.outputShape()];
  const a2 = aShape.length === 1 ? [1, aShape[0]] : [...aShape];
  const b2 = bShape.length === 1 ? [bShape[0], 1] : [...bShape];
  const [rows, inner] = transA && aShape.length > 1 ? [a2.at(-1), a2.at(-2)] : [a2.at(-2), a2.at(-1)];
  const columns = transB && bShape.length > 1 ? b2.at(-2) : b2.at(-1);
  const batch = yShape.slice(0, yShape.length - (aShape.length > 1 ? 1 : 0) - (bShape.length > 1 ? 1 : 0));
  const y2 = [...batch, rows as number, columns as number];
  const a = c.reshapeTo(c.input(0), aShape, a2);
  const b = c.reshapeTo(c.input(1), bShape, b2);
  const dy = c.reshapeTo(g, yShape, y2);
  const rank = { a: a2.length, b: b2.length, y: y2.length };
  const [turnedA, turnedB] = [aShape.length > 1 ? transA : 0, bShape.length > 1 ? transB : 0];

  const gradientA = () => {
    const full = turnedA
      ? product(c, b, dy, { alpha, transA: turnedB, transB: 1 }, { a: rank.b, b: rank.y })
      : product(c, dy, b, { alpha, transA: 0, transB: turnedB ? 0 : 1 }, { a: rank.y, b: rank.b });
    const shape = [...batch, a2.at(-2) as number, a2.at(-1) as number];
    return c.reshapeTo(c.unbroadcast(full, shape, a2), a2, aShape);
  };
  const gradientB = () => {
    // A matrix of weights under a batch: one product over all rows, instead of one for each and a sum.
    if (rank.b === 2 && !turnedA && rank.a > 2) {
      const count = sizeOf(a2.slice(0, -1));
      const flatA = c.reshape(a, [count, inner as number]);
      const flatY = c.reshape(dy, [count, columns as number]);
      const factors = turnedB ? [flatY, flatA] : [flatA, flatY];
      return c.reshapeTo(c.op('Gemm', factors, { transA: 1, alpha: { float: alpha } }), b2, bShape);
    }
    const full = turnedB
      ? product(c, dy, a, { alpha, transA: 1, transB: turnedA }, { a: rank.y, b: rank.a })
      : product(c, a, dy, { alpha, transA: turnedA ? 0 : 1, transB: 0 }, { a: rank.a, b: rank.y });
    const shape = [...batch, b2.at(-2) as number, b2.at(-1) as number];
    return c.reshapeTo(c.unbroadcast(full, shape, b2), b2, bShape);
  };
  return [c.needs(0) ? gradientA() : undefined, c.needs(1) ? gradientB() : undefined];
}

/** y = α·op(A)·op(B) + β·C */
function gemm(c: RuleContext, [g]: readonly (string | undefined)[]): ReturnType<VjpRule> {
  if (!g) return [];
  const { node } = c;
  const [transA, transB] = [intAttribute(node, 'transA', 0), intAttribute(node, 'transB', 0)];
  const alpha = { float: floatAttribute(node, 'alpha', 1) };
  const [a, b] = [c.input(0), c.input(1)];
  const gradientA = () =>
    transA
      ? c.op('Gemm', [b, g], { alpha, transA: transB, transB: 1 })
      : c.op('Gemm', [g, b], { alpha, transB: transB ? 0 : 1 });
  const gradientB = () =>
    transB
      ? c.op('Gemm', [g, a], { alpha, transA: 1, transB: transA })
      : c.op('Gemm', [a, g], { alpha, transA: transA ? 0 : 1 });
  const gradientC = () =>
    c.scale(c.unbroadcast(g, c.outputShape(), c.inputShape(2)), floatAttribute(node, 'beta', 1), c.output());
  return [
    c.needs(0) ? gradientA() : undefined,
    c.needs(1) ? gradientB() : undefined,
    c.needs(2) ? gradientC() : undefined,
  ];
}

/** d(X⁻¹) = −X⁻¹·dX·X⁻¹, so that the gradient of X is −Yᵀ·g·Yᵀ. */
function inverse(c: RuleContext, g: string, x: string, y: string): string {
  const rank = c.shape(x).length;
  const order = [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2];
  const turned = c.transpose(y, order);
  return c.neg(c.op('MatMul', [c.op('MatMul', [turned, g]), turned]));
}

/**
 * ∂det X/∂X = cof X, the matrix of signed minors: exact for singular matrices too, where y·X⁻ᵀ is not, and
 * differentiable again. It takes n² determinants of size n − 1.
 */
function determinant(c: RuleContext, g: string, x: string): string {
  const shape = c.inputShape(0);
  const n = shape.at(-1) as number;
  const batch = shape.slice(0, -2);
  const seed = c.reshape(g, [...batch, 1, 1]);
  if (n === 1) return seed;
  const elements: number[] = [];
  const signs: number[] = [];
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < n; column++) {
      signs.push((row + column) % 2 ? -1 : 1);
      for (let i = 0; i < n * n; i++) if (Math.floor(i / n) !== row && i % n !== column) elements.push(i);
    }
  }
  const flat = c.reshape(x, [...batch, n * n]);
  const minors = c.op('Gather', [flat, c.ints(elements)], {
    axis: batch.length,
  });
  const determinants = c.op('Det', [c.reshape(minors, [...batch, n * n, n - 1, n - 1])]);
  const signed = c.mul(
    c.reshape(determinants, [...batch, n, n]),
    c.constantTensor(convert(float32([n, n], signs), c.type(x))),
  );
  return c.mul(signed, seed);
}
