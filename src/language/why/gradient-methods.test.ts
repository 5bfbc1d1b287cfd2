import { describe, expect, it } from 'vitest';
import type { EmbeddingProgram } from './embedding-program-type.ts';
import { integratedGradients, relativeError } from './gradient-methods.ts';

/** A program over one token of two numbers: f = tanh(k (x₀ + x₁ − c)), all or nothing around c where k is large. */
function jump(k: number, c: number): Required<EmbeddingProgram> {
  const cost = { backward: 0, forward: 0 };
  const f = ([a, b]: Float32Array) => Math.tanh(k * (a + b - c));
  return {
    width: 2,
    vectors: Float32Array.of(0.25, 0.75),
    cost,
    fit: { bytes: 0 },
    vectorsOf: async () => new Float32Array(2),
    relevance: () => Promise.reject(new Error('not here')),
    values: async (points) => {
      cost.forward += points.length;
      return Float64Array.from(points, f);
    },
    gradients: async (points) => {
      cost.backward += points.length;
      const gradients = points.map((point) => new Float32Array(2).fill(k * (1 - f(point) ** 2)));
      return { values: points.map(f), gradients };
    },
  };
}

const zero = { name: 'zero', vectors: new Float32Array(2) };

describe('integrated gradients of token vectors', () => {
  it('take Gauss–Legendre points where f is smooth', async () => {
    const program = jump(1, 0.4);
    const found = await integratedGradients(program, zero);
    expect(found).toMatchObject({ points: 32, adaptive: false });
    expect(found.values[0]).toBeCloseTo(Math.tanh(0.6) - Math.tanh(-0.4), 6);
    expect(program.cost.forward).toBe(0);
  });

  it('put points where f jumps, which it does within a hundredth of the path', async () => {
    const program = jump(400, 0.3721);
    const even = await integratedGradients({ ...program, values: undefined }, zero, { mostPoints: 64 });
    expect(even).toMatchObject({ points: 64, adaptive: false });
    expect(relativeError(even)).toBeGreaterThan(0.1);
    const found = await integratedGradients(program, zero);
    expect(found).toMatchObject({ points: 64, adaptive: true });
    expect(relativeError(found)).toBeLessThan(0.005);
    // At most three places for a point, and the ends of the pieces.
    expect(program.cost.forward).toBeLessThanOrEqual(3 * 64 + 3);
  });
});
