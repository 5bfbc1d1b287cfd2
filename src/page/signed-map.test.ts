import { expect, it } from 'vitest';
import { makeExplained, plainImage } from '../../test/explained.ts';
import type { Explained } from '../explain/explained.ts';
import { float32 } from '../tensor/tensor.ts';
import { type Frame, frameOf } from './frame.ts';
import { layOver, type PlaneMap, planesOf, scaleLimit, smoothed, sumExcept } from './signed-map.ts';

const nchw = { channelAxis: 1, spatialAxes: [2, 3] };
const sum = (values: ArrayLike<number>) => Array.from(values).reduce((total, value) => total + value, 0);
const laid = async (explained: Explained) =>
  layOver(planesOf(explained)?.planes as PlaneMap[], (await frameOf(explained)) as Frame);

it('adds channels up with their signs, in either layout', () => {
  // Two channels of 2×2: [1 2; 3 4] and [−1 0; 5 −6].
  const first = planesOf(
    makeExplained({ attribution: float32([1, 2, 2, 2], [1, 2, 3, 4, -1, 0, 5, -6]), layout: nchw }),
  );
  expect(Array.from(first?.planes[0].map.data ?? [])).toEqual([0, 2, 8, -2]);
  const last = planesOf(
    makeExplained({
      attribution: float32([1, 2, 2, 2], [1, -1, 2, 0, 3, 5, 4, -6]),
      layout: { channelAxis: 3, spatialAxes: [1, 2] },
    }),
  );
  expect(Array.from(last?.planes[0].map.data ?? [])).toEqual([0, 2, 8, -2]);
  expect(Array.from(sumExcept(float32([2, 3], [1, 2, 3, 4, 5, 6]), [0, 1]).data)).toEqual([1, 2, 3, 4, 5, 6]);
});

it('lays a layer over the image and keeps the sum', async () => {
  const explained = makeExplained({
    input: float32([1, 3, 8, 8], new Float32Array(192)),
    attribution: float32([1, 1, 2, 2], [1, -2, 3, 4]),
    layer: 'conv',
    layout: nchw,
  });
  const map = await laid(explained);
  expect(map.values.shape).toEqual([8, 8]);
  expect(sum(map.values.data)).toBeCloseTo(6, 5);
  // Each cell covers 16 of 64 pixels: 25 % of the view. The first cell's 1 is 1/16 a pixel, 1/25 per 1 %.
  expect(map.values.data[0]).toBeCloseTo(1 / 16, 6);
  expect(map.values.data[0] * map.perPercent).toBeCloseTo(1 / 25, 6);
  // 99.5 % of the magnitudes: the largest, 4/25.
  expect(scaleLimit(map)).toBeCloseTo(4 / 25, 6);
});

it('tells what lies on padding', async () => {
  // A 4×8 image in the upper half of an 8×8 grid: the lower rows are padding.
  const explained = makeExplained({
    input: float32([1, 3, 8, 8], new Float32Array(192)),
    attribution: float32([1, 1, 2, 2], [1, -2, 3, 4]),
    layer: 'conv',
    layout: nchw,
    image: plainImage(4, 8),
    transform: { source: [4, 8], grid: [8, 8], scale: [1, 1], offset: [0, 0] },
  });
  const map = await laid(explained);
  expect(map.values.shape).toEqual([4, 8]);
  expect(sum(map.values.data)).toBeCloseTo(-1, 5);
  expect(map.outside).toBeCloseTo(7, 5);
});

it('keeps the sum where a large source is shrunk for display', async () => {
  const explained = makeExplained({
    attribution: float32(
      [1, 1, 5, 10],
      Float32Array.from({ length: 50 }, (_, i) => Math.sin(i)),
    ),
    layout: nchw,
    image: plainImage(500, 1000),
    transform: { source: [500, 1000], grid: [5, 10], scale: [0.01, 0.01], offset: [0, 0] },
  });
  const map = await laid(explained);
  expect(map.values.shape).toEqual([224, 448]);
  expect(sum(map.values.data)).toBeCloseTo(explained.document.sum, 4);
});

it('adds the members of a layer of several values up', async () => {
  const one = makeExplained({
    input: float32([1, 1, 4, 4], new Float32Array(16)),
    attribution: float32([1, 1, 4, 4], new Float32Array(16).fill(1)),
    layer: 'p3',
    layout: nchw,
  });
  const both: Explained = {
    document: {
      ...one.document,
      attribution: { ...one.document.attribution, p4: { key: 'p4', type: 'float32', shape: [1, 1, 2, 2] } },
    },
    tensors: new Map([...one.tensors, ['p4', float32([1, 1, 2, 2], [4, 0, 0, -4])]]),
  };
  const map = await laid(both);
  // A cell of 2×2 spreads its 4 over 4 pixels.
  expect(Array.from(map.values.data.slice(0, 4))).toEqual([2, 2, 1, 1]);
  expect(map.grids).toEqual([
    [4, 4],
    [2, 2],
  ]);
});

it('reads a vision transformer’s tokens as patches, the class token apart', async () => {
  const tokens = Float32Array.from({ length: 17 * 2 }, (_, i) => i);
  const map = await laid(
    makeExplained({
      input: float32([1, 3, 8, 8], new Float32Array(192)),
      attribution: float32([1, 17, 2], tokens),
      layer: 'block',
      layout: nchw,
    }),
  );
  expect(map.grids).toEqual([[4, 4]]);
  // The class token has 0 + 1.
  expect(map.outside).toBeCloseTo(1, 6);
  expect(sum(map.values.data)).toBeCloseTo(sum(tokens) - 1, 3);
  expect(map.notes.join()).toContain('4 × 4 patches after a class token');
});

it('draws no map for what lies over no image', () => {
  expect(planesOf(makeExplained({ attribution: float32([1, 5], [1, 2, 3, 4, 5]) }))).toBeUndefined();
  expect(
    planesOf(
      makeExplained({
        input: float32([1, 1, 4, 4], new Float32Array(16)),
        attribution: float32([1, 7], new Float32Array(7)),
        layer: 'fc',
        layout: nchw,
      }),
    ),
  ).toBeUndefined();
});

it('smooths fine grids without changing sums, also at the border', async () => {
  const impulse = float32(
    [9, 9],
    Float32Array.from({ length: 81 }, (_, i) => (i === 0 ? 5 : i === 40 ? -2 : 0)),
  );
  const result = smoothed(impulse, 1.5);
  expect(sum(result.data)).toBeCloseTo(3, 5);
  expect(result.data[0]).toBeLessThan(5);
  expect(result.data[0]).toBeGreaterThan(result.data[1]);
  // Even stays even, up to the border.
  const even = smoothed(float32([5, 7], new Float32Array(35).fill(0.5)), 2).data;
  for (const value of even) expect(value).toBeCloseTo(0.5, 6);
  const fine = Float32Array.from({ length: 80 * 80 }, (_, i) => (i % 2 === 0 ? 1.01 : -1));
  const map = await laid(makeExplained({ attribution: float32([1, 1, 80, 80], fine), layout: nchw }));
  expect(map.smoothing).toBeCloseTo(1.6, 6);
  // 3,200 pairs of 0.01; float32 values keep six digits of each.
  expect(sum(map.values.data)).toBeCloseTo(32, 1);
  // Away from the border the alternation is gone, its sum of 0.01 a pair stays.
  for (let x = 20; x < 60; x++) expect(map.values.data[40 * 80 + x]).toBeCloseTo(0.005, 3);
});
