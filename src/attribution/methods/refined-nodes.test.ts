import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { drawn, smallClassifier } from '../../../test/attribution-models.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { random } from '../../tensor/random.ts';
import { type AttributionRequest, attribute, estimateCost } from '../attribute.ts';
import { type Quadrature, quadratures } from './quadrature.ts';
import { looksFor, refinedNodes } from './refined-nodes.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** `f(t) = Σ_k slope_k max(0, t − place_k)`: piecewise linear, as a network of ReLUs is along a path. */
const bent = (kinks: readonly { readonly place: number; readonly slope: number }[]) => ({
  value: (t: number) => kinks.reduce((sum, { place, slope }) => sum + slope * Math.max(0, t - place), 0),
  slope: (t: number) => kinks.reduce((sum, { place, slope }) => sum + (t > place ? slope : 0), 0),
});

/** The nodes for a function, with how often it was asked. */
async function nodesFor(value: (t: number) => number, count: number) {
  let asked = 0;
  const nodes = await refinedNodes(async (positions) => {
    asked += positions.length;
    return positions.map(value);
  }, count);
  return { ...nodes, asked };
}

const integral = ({ positions, weights }: Quadrature, slope: (t: number) => number) =>
  positions.reduce((sum, t, k) => sum + weights[k] * slope(t), 0);

it('cuts the path into as many pieces as asked for, with a node in each, by as many looks as told', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 80 }),
      fc.array(
        fc.record({ place: fc.double({ min: 0, max: 1, noNaN: true }), slope: fc.integer({ min: -5, max: 5 }) }),
      ),
      async (count, kinks) => {
        const { edges, positions, weights, asked } = await nodesFor(bent(kinks).value, count);
        expect(asked).toBe(looksFor(count));
        expect(edges).toHaveLength(count + 1);
        expect([edges[0], edges[count]]).toEqual([0, 1]);
        for (let k = 0; k < count; k++) {
          expect(positions[k]).toBeGreaterThan(edges[k]);
          expect(positions[k]).toBeLessThan(edges[k + 1]);
          expect(weights[k]).toBe(edges[k + 1] - edges[k]);
        }
        // Sums of at most 80 float64 lengths.
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
      },
    ),
    { numRuns: 50 },
  );
});

it('goes where the target bends, and errs less there than even nodes', async () => {
  const source = random(3);
  const errors = { even: 0, refined: 0 };
  for (let k = 0; k < 20; k++) {
    // All bends lie in the first tenth of the path.
    const kinks = Array.from({ length: 12 }, () => ({
      place: 0.1 * source.uniform(),
      slope: 6 * source.uniform() - 3,
    }));
    const { value, slope } = bent(kinks);
    const nodes = await nodesFor(value, 50);
    expect([...nodes.edges].filter((edge) => edge < 0.1).length).toBeGreaterThan(15);
    const target = value(1) - value(0);
    const error = Math.abs(integral(nodes, slope) - target);
    // A quadrature, not a rescaling: it does not hit the target exactly.
    expect(error).toBeGreaterThan(0);
    errors.refined += error;
    errors.even += Math.abs(integral(quadratures.midpoint(50), slope) - target);
  }
  // Pieces there are a ninth of an even piece or less.
  expect(errors.refined).toBeLessThan(errors.even / 4);
});

it('moves a node to where the slope is nearest to the mean of its piece', async () => {
  const positions = async (kinks: Parameters<typeof bent>[0]) => [...(await nodesFor(bent(kinks).value, 1)).positions];
  // f' is 1.5, then 10 between .45 and .55, then 1: the mean is 2.125, which 1.5 at .3 is nearest to.
  const bump = [
    { place: -1, slope: 1.5 },
    { place: 0.45, slope: 8.5 },
    { place: 0.55, slope: -9 },
  ];
  expect(await positions(bump)).toEqual([0.3]);
  // f' is 1 up to .6 and 3 from there on: the mean is 1.8, and 1 in the middle is nearer than 3 at .7.
  expect(
    await positions([
      { place: -1, slope: 1 },
      { place: 0.6, slope: 2 },
    ]),
  ).toEqual([0.5]);
  // f' is 0 up to .55 and 9 up to .6, then 1: the mean is .85, and 1 at .7 is nearer than 0 in the middle.
  expect(
    await positions([
      { place: 0.55, slope: 9 },
      { place: 0.6, slope: -8 },
    ]),
  ).toEqual([0.7]);
});

describe('integrated gradients with refined nodes', () => {
  const model = smallClassifier(runtime);
  const request = (parameters: Record<string, unknown>, layer = 'x'): AttributionRequest => ({
    inputs: new Map([['x', drawn([1, 2, 8, 8], 11)]]),
    target: { kind: 'classLogit', class: 1 },
    baseline: { kind: 'input', tensor: drawn([1, 2, 8, 8], 12, 0.3), description: 'another image' },
    layer: { names: [layer] },
    method: 'integrated-gradients',
    parameters: { steps: 50, tolerance: 0, ...parameters },
    layout: { channelAxis: 1, spatialAxes: [2, 3] },
  });

  it.each([
    ['x', 'feature'],
    ['relu1', 'feature'],
    ['relu1', 'input'],
  ])('adds up at %s along the %s, at the cost that was told', async (layer, path) => {
    const asked = request({ nodes: 'refined', path }, layer);
    const result = await attribute(model, asked);
    expect(result.relativeError).toBeLessThan(1e-2);
    expect(result.cost.backward).toBe(50);
    const estimate = await estimateCost(model, asked);
    expect(estimate.backward).toBe(50);
    // The test whether points may share a run is counted once, and its answer is known the second time.
    expect(estimate.forward - (await attribute(model, asked)).cost.forward).toBe(8);
  });

  it('refuses a rule with nodes of its own', async () => {
    const asked = request({ nodes: 'refined', rule: 'gauss-legendre' });
    await expect(attribute(model, asked)).rejects.toThrow(/refined nodes have weights of their own/);
  });
});
