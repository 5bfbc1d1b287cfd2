import { afterAll, describe, expect, it } from 'vitest';
import { drawn, matrix, modelOf, twoBoxDetector } from '../../../test/attribution-models.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { random } from '../../tensor/random.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import { attribute } from '../attribute.ts';
import { pointsOf } from '../points.ts';
import { prepare } from '../prepare.ts';
import { allCoalitions, binomial, kernelCoalitions, shapleyKernel } from './coalitions.ts';
import { solveSymmetric, weightedLeastSquares } from './least-squares.ts';
import { resizeBilinear } from './masks.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const players = 9;
// A network of 9 features with strong interactions: y = relu(x·W)·v over 12 units.
const network = modelOf(runtime, [1, players], (b) => {
  const hidden = b.op('Relu', [b.op('MatMul', ['x', matrix(b, players, 12, [...drawn([players * 12], 3).data])])]);
  return b.op('MatMul', [hidden, matrix(b, 12, 1, [...drawn([12], 4).data])]);
});
const x = drawn([1, players], 5);
const x0 = drawn([1, players], 6, 0.2);
const inputs = new Map([['x', x]]);
const target = { kind: 'output', index: [0] } as const;
const baseline = { kind: 'input', tensor: x0, description: 'drawn' } as const;
const run = async (
  method: 'exact-shapley' | 'kernel-shap' | 'shapley-sampling' | 'lime',
  parameters: Record<string, unknown> = {},
) => attribute(network, { inputs, target, baseline, method, parameters });
const values = ({ values: found }: { values: ReadonlyMap<string, Tensor<'float32'>> }) => [
  ...(found.get('x') as Tensor<'float32'>).data,
];
const distance = (a: readonly number[], b: readonly number[]) => Math.hypot(...a.map((value, i) => value - b[i]));

/** `Σ over all orders of the marginal contribution / M!`, for every one of the 9! orders in the recursive form. */
async function bruteForce(): Promise<number[]> {
  const masks = allCoalitions(players);
  const rows = Float32Array.from({ length: 2 ** players * players }, (_, i) =>
    masks[i] ? x.data[i % players] : x0.data[i % players],
  );
  const prepared = await prepare(network, inputs, target);
  const { target: value } = await prepared.evaluate(
    pointsOf(new Map([['x', float32([2 ** players, players], rows)]]), 2 ** players),
  );
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
  return Array.from({ length: players }, (_, p) => {
    let sum = 0;
    for (let s = 0; s < 2 ** players; s++) {
      if ((s >> p) & 1) continue;
      const size = [...Array(players).keys()].reduce((count, q) => count + ((s >> q) & 1), 0);
      sum +=
        ((factorial(size) * factorial(players - size - 1)) / factorial(players)) * (value[s | (1 << p)] - value[s]);
    }
    return sum;
  });
}

describe('Shapley values', () => {
  it('are those of the definition', async () => {
    const expected = await bruteForce();
    const exact = values(await run('exact-shapley'));
    for (const [p, value] of exact.entries()) expect(value).toBeCloseTo(expected[p], 5);
  });

  it('come out of KernelSHAP exactly when it sees every coalition', async () => {
    const exact = values(await run('exact-shapley'));
    const result = await run('kernel-shap', { samples: 2 ** players - 2 });
    for (const [p, value] of values(result).entries()) expect(value).toBeCloseTo(exact[p], 5);
    expect(result.chosen.coalitions).toBe(2 ** players - 2);
  });

  it('are what KernelSHAP and sampled orders come closer to', async () => {
    const exact = values(await run('exact-shapley'));
    const size = Math.hypot(...exact);
    const meanError = async (method: 'kernel-shap' | 'shapley-sampling', parameters: Record<string, unknown>) => {
      let error = 0;
      for (const seed of [1, 2, 3, 4, 5])
        error += distance(values(await run(method, { ...parameters, seed })), exact) / size / 5;
      return error;
    };
    const [few, many] = [
      await meanError('kernel-shap', { samples: 60 }),
      await meanError('kernel-shap', { samples: 300 }),
    ];
    // Five times the samples: an error of 1/√5 at most, and enumeration of small coalitions beside it.
    expect(many).toBeLessThan(few / 2);
    expect(many).toBeLessThan(0.05);
    const [two, fifty] = [
      await meanError('shapley-sampling', { pairs: 2 }),
      await meanError('shapley-sampling', { pairs: 50 }),
    ];
    expect(fifty).toBeLessThan(two / 3);
    expect(fifty).toBeLessThan(0.1);
  });

  it('say how unsure sampled orders are', async () => {
    const exact = values(await run('exact-shapley'));
    const result = await run('shapley-sampling', { pairs: 30 });
    const error = Math.max(...values(result).map((value, p) => Math.abs(value - exact[p])));
    // Four standard errors of the least sure of nine groups.
    expect(error).toBeLessThan(4 * (result.chosen.largestStandardError as number));
  });

  it('refuse too many groups and too few samples', async () => {
    await expect(run('exact-shapley', { maxGroups: 8 })).rejects.toThrow(/512 coalitions/);
    // Nine groups: a coalition and its complement are one equation of eight that are needed.
    await expect(run('kernel-shap', { samples: 15 })).rejects.toThrow(/15 for 9 groups.*at least 16.*more samples/);
    await expect(run('kernel-shap', { samples: 18 })).resolves.toMatchObject({ chosen: { coalitions: 18 } });
    await expect(run('kernel-shap', { coalitions: [[1, 1, 1, 1, 1, 1, 1, 1, 1]] })).rejects.toThrow(/coalition 0/);
  });
});

describe('coalitions', () => {
  it('hold every subset once with its kernel weight where they may', () => {
    const { coalitions, weights } = kernelCoalitions(5, 30, random(1));
    const keys = Array.from(weights, (_, k) => coalitions.subarray(k * 5, k * 5 + 5).join(''));
    expect(new Set(keys).size).toBe(30);
    const scale = weights[0] / shapleyKernel(5, 1);
    keys.forEach((key, k) => {
      const size = [...key].filter((bit) => bit === '1').length;
      expect(weights[k] / scale).toBeCloseTo(shapleyKernel(5, size), 12);
    });
  });

  it('come in pairs that weigh the same otherwise, and keep the total weight', () => {
    const { coalitions, weights } = kernelCoalitions(14, 200, random(2));
    const byKey = new Map(
      Array.from(weights, (weight, k) => [coalitions.subarray(k * 14, k * 14 + 14).join(''), weight]),
    );
    for (const [key, weight] of byKey) {
      const complement = [...key].map((bit) => (bit === '1' ? '0' : '1')).join('');
      expect(byKey.get(complement)).toBeCloseTo(weight, 12);
    }
    // Σ_s 1/(s(M − s)) over both of each pair.
    const mass = Array.from({ length: 13 }, (_, i) => 1 / ((i + 1) * (13 - i))).reduce((a, b) => a + b, 0);
    expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(mass, 10);
    expect(weights.length).toBeLessThanOrEqual(200);
  });

  it('are counted by binomials', () => {
    expect([binomial(5, 2), binomial(30, 15), binomial(7, 0), binomial(7, 7)]).toEqual([10, 155117520, 1, 1]);
  });
});

describe('least squares', () => {
  it('solves by hand', () => {
    // [[4, 2], [2, 3]] x = (10, 9): x = (1.5, 2)
    const [first, second] = solveSymmetric(Float64Array.of(4, 2, 2, 3), Float64Array.of(10, 9));
    expect(first).toBeCloseTo(1.5, 12);
    expect(second).toBeCloseTo(2, 12);
    expect(() => solveSymmetric(Float64Array.of(1, 1, 1, 1), Float64Array.of(1, 1))).toThrow(/determine/);
    // y = 1 + 2z at z = 0, 1, 3 with any weights
    const fill = (k: number, row: Float64Array) => row.set([1, [0, 1, 3][k]]);
    const { coefficients: fitted } = weightedLeastSquares({ columns: 2, fill }, [1, 3, 7], [1, 5, 0.2]);
    expect(fitted[0]).toBeCloseTo(1, 12);
    expect(fitted[1]).toBeCloseTo(2, 12);
  });

  it('gives LIME a line that a ridge flattens', async () => {
    const free = values(await run('lime', { ridge: 0, samples: 400 }));
    const ridged = values(await run('lime', { ridge: 100, samples: 400 }));
    expect(Math.hypot(...ridged)).toBeLessThan(Math.hypot(...free) / 2);
  });
});

describe('RISE', () => {
  it('gives the expected output while an element is shown', async () => {
    // f = x0 alone: shown with M_0, E[f M_0]/p = x0; of others E[f M_i]/p = p·x0.
    const model = modelOf(runtime, [1, 3], (b) => b.op('MatMul', ['x', matrix(b, 3, 1, [1, 0, 0])]));
    const result = await attribute(model, {
      inputs: new Map([['x', float32([1, 3], [2, 5, 5])]]),
      target,
      baseline: { kind: 'zero' },
      method: 'rise',
      parameters: { samples: 4000, shown: 0.25 },
    });
    const [first, second, third] = values(result);
    // Standard deviation of the mean of 4000: 2·√(p(1 − p)/4000)/p = .055; five of them.
    expect(Math.abs(first - 2)).toBeLessThan(0.28);
    expect(Math.abs(second - 0.5)).toBeLessThan(0.28);
    expect(Math.abs(third - 0.5)).toBeLessThan(0.28);
  });

  it('of detections gives each its own side', async () => {
    const detector = twoBoxDetector(runtime);
    const halves = async (anchor: number) => {
      const result = await attribute(detector, {
        inputs: new Map([['x', float32([1, 1, 8, 8], new Float32Array(64).fill(1))]]),
        target: { kind: 'detectionScore', anchor, class: anchor },
        baseline: { kind: 'zero' },
        method: 'd-rise',
        parameters: { samples: 300, cells: 2, boxes: 'corners' },
        layout: { channelAxis: 1, spatialAxes: [2, 3] },
      });
      const map = [...result.values.values()][0];
      expect(map.shape).toEqual([1, 1, 8, 8]);
      let [left, right] = [0, 0];
      map.data.forEach((value, i) => {
        if (i % 8 < 4) left += value;
        else right += value;
      });
      return [left, right];
    };
    const [[leftOfFirst, rightOfFirst], [leftOfSecond, rightOfSecond]] = [await halves(0), await halves(1)];
    // A side's mean mask has variance .05 or so about its mean ½: E[m²]/E[m]² is 1.2.
    expect(leftOfFirst).toBeGreaterThan(1.1 * rightOfFirst);
    expect(rightOfSecond).toBeGreaterThan(1.1 * leftOfSecond);
  });

  it('refuses what is no detection, and strides that do not fit', async () => {
    const detector = twoBoxDetector(runtime);
    const image = new Map([['x', float32([1, 1, 8, 8], new Float32Array(64))]]);
    const request = {
      inputs: image,
      baseline: { kind: 'zero' },
      method: 'd-rise',
      layout: { channelAxis: 1, spatialAxes: [2, 3] },
    } as const;
    await expect(attribute(detector, { ...request, target: { kind: 'output', index: [0, 0] } })).rejects.toThrow(
      /detection/,
    );
    await expect(
      attribute(detector, { ...request, target: { kind: 'detectionScore', anchor: 0, class: 0 } }),
    ).rejects.toThrow(/strides/);
  });
});

it('masks are enlarged bilinearly', () => {
  // Centres of the two cells lie at ¼ and ¾: the four new ones at ⅛, ⅜, ⅝, ⅞ see 0, ¼, ¾, 1 of the second.
  expect([...resizeBilinear([0, 1], 1, 2, 1, 4)]).toEqual([0, 0.25, 0.75, 1]);
});
