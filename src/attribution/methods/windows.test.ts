import { afterAll, describe, expect, it } from 'vitest';
import { matrix, modelOf } from '../../../test/attribution-models.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { maxOf } from '../../tensor/extremes.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import { attribute } from '../attribute.ts';
import { randomMasks } from './masks.ts';
import type { MethodContext } from './method.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const layout = { channelAxis: 1, spatialAxes: [2, 3] } as const;

describe('occlusion', () => {
  // y = Σ w x over one channel of 3 × 3.
  const weights = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const model = modelOf(runtime, [1, 1, 3, 3], (b) =>
    b.op('MatMul', [b.op('Flatten', ['x']), matrix(b, 9, 1, weights)]),
  );

  it('hides windows of the side and at the distance that are asked for', async () => {
    const { values } = await attribute(model, {
      inputs: new Map([['x', float32([1, 1, 3, 3], new Float32Array(9).fill(1))]]),
      target: { kind: 'output', index: [0] },
      baseline: { kind: 'zero' },
      method: 'occlusion',
      parameters: { window: 2, stride: 1 },
      layout,
    });
    // Windows at (0,0), (0,1), (1,0), (1,1): means of 1 2 4 5, of 2 3 5 6, of 4 5 7 8, of 5 6 8 9 are 3, 4, 6, 7.
    const expected = [3, (3 + 4) / 2, 4, (3 + 6) / 2, (3 + 4 + 6 + 7) / 4, (4 + 7) / 2, 6, (6 + 7) / 2, 7];
    const found = values.get('x') as Tensor<'float32'>;
    for (const [i, value] of expected.entries()) expect(found.data[i]).toBeCloseTo(value, 5);
  });
});

describe('masks of RISE', () => {
  const masksOf = (rows: number, columns: number, cells: number) => {
    const features = new Map([['x', float32([1, 1, rows, columns], new Float32Array(rows * columns))]]);
    const context = { features, layouts: new Map([['x', layout]]), layer: ['x'], hasGroups: false };
    const masks = randomMasks(context as unknown as MethodContext, { cells, shown: 0.5, seed: 1, samples: 200 });
    return Array.from({ length: 200 }, (_, k) => masks.at(k, 'x'));
  };

  it('have cells of rows/cells × columns/cells pixels, rounded up, enlarged by one cell', () => {
    // 12 × 30 with 3 cells: grids of 3 × 3 become 16 × 40, shifted by less than 4 and 10. Between two cells lie
    // 16/3 rows and 40/3 columns: the steepest difference of neighbours is 3/16 down and 3/40 across.
    const [rows, columns] = [12, 30];
    const all = masksOf(rows, columns, 3);
    const steepest = (step: number, isLast: (i: number) => boolean) =>
      maxOf(all.map((mask) => maxOf(mask.map((value, i) => (isLast(i) ? 0 : Math.abs(mask[i + step] - value))))));
    expect(steepest(columns, (i) => i >= columns * (rows - 1))).toBeCloseTo(3 / 16, 5);
    expect(steepest(1, (i) => i % columns === columns - 1)).toBeCloseTo(3 / 40, 5);
    expect(new Set(all.map((mask) => mask.join())).size).toBeGreaterThan(150);
  });
});
