import { afterAll, describe, expect, it } from 'vitest';
import { drawn, modelOf, smallClassifier } from '../../../test/attribution-models.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { attribute } from '../attribute.ts';
import { adaptiveLooks, adaptiveNodes } from './adaptive-nodes.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** How far a rule with the true slope misses `f(1) − f(0)`, relative to it; and how often it asked for f. */
async function missOf(f: (t: number) => number, slope: (t: number) => number, count: number) {
  let looks = 0;
  const { positions, weights } = await adaptiveNodes(async (positions) => {
    looks += positions.length;
    return Float64Array.from(positions, f);
  }, count);
  const sum = positions.reduce((total, t, k) => total + weights[k] * slope(t), 0);
  return { miss: Math.abs(sum - (f(1) - f(0))) / Math.abs(f(1) - f(0)), positions, weights, looks };
}

describe('adaptive nodes', () => {
  it.each([1, 2, 3, 7, 50, 51])(
    'are %d with weights that sum to 1, in order, by as many looks as announced',
    async (count) => {
      const { positions, weights, looks } = await missOf(
        (t) => t ** 3,
        (t) => 3 * t * t,
        count,
      );
      expect(positions.length).toBe(count);
      expect([...positions]).toEqual([...positions].sort((a, b) => a - b));
      expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
      expect(Math.min(...weights)).toBeGreaterThan(0);
      expect(looks).toBeLessThanOrEqual(adaptiveLooks(count));
    },
  );

  it('find a change within the first ten thousandth of the path', async () => {
    // f = t/√(t² + c²): a normalized input. Midpoints see nothing of it: 50 of them give .00005 of the 1 that it is.
    const c = 1e-4;
    const [f, slope] = [(t: number) => t / Math.hypot(t, c), (t: number) => c ** 2 / Math.hypot(t, c) ** 3];
    const even = Array.from({ length: 50 }, (_, k) => slope((k + 0.5) / 50) / 50).reduce((a, b) => a + b, 0);
    expect(Math.abs(even - 1)).toBeGreaterThan(0.5);
    expect((await missOf(f, slope, 50)).miss).toBeLessThan(0.02);
    expect((await missOf(f, slope, 100)).miss).toBeLessThan(0.001);
  });

  it('close in on kinks', async () => {
    const kinks = [0.117, 0.418, 0.731];
    const f = (t: number) => kinks.reduce((sum, at, i) => sum + (i + 1) * Math.max(0, t - at), 0);
    const slope = (t: number) => kinks.reduce((sum, at, i) => sum + (t > at ? i + 1 : 0), 0);
    // 50 midpoints miss up to .01 for each unit of a kink, 6 of them, of the 2.5 that f grows by.
    expect((await missOf(f, slope, 50)).miss).toBeLessThan(5e-4);
  });
});

describe('integrated gradients', () => {
  // f = |x|²/(|x|² + c²): from zeros on it is 1 almost at once.
  const scaleFree = modelOf(runtime, [1, 4], (b) => {
    const size = b.op('ReduceSum', [b.op('Mul', ['x', 'x']), b.ints([1])], { keepdims: 1 });
    return b.op('Div', [size, b.op('Add', [size, b.scalar(1e-6)])]);
  });
  const request = {
    inputs: new Map([['x', drawn([1, 4], 5)]]),
    target: { kind: 'output', index: [0] },
    baseline: { kind: 'zero' },
    method: 'integrated-gradients',
  } as const;

  it('of a model that does not mind the size of its input converge within 100 gradients, and say what it is', async () => {
    const { relativeError, converged, cost, notes, chosen } = await attribute(scaleFree, request);
    expect(converged).toBe(true);
    expect(relativeError).toBeLessThan(0.01);
    expect(cost.backward).toBe(100);
    expect(chosen).toEqual({ steps: 50, nodes: 'adaptive' });
    expect(notes.join()).toMatch(/within the first 0\.\d+ % of the way.*hardly depends on the size of the input/);
  });

  it('take even nodes alone where these meet the tolerance', async () => {
    const { chosen, cost, notes } = await attribute(smallClassifier(runtime), {
      ...request,
      inputs: new Map([['x', drawn([1, 2, 8, 8], 11)]]),
      target: { kind: 'classLogit', class: 1 },
      parameters: { steps: 100, tolerance: 0.05 },
    });
    expect(chosen).toEqual({ steps: 100, nodes: 'even' });
    expect(cost.backward).toBe(100);
    expect(notes).toEqual([]);
  });
});
