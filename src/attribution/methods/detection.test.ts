import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedData } from '../../../test/shared-data.ts';
import { readModelInputs } from '../../data/inputs/read-model-input.ts';
import { loadModel } from '../../data/model/load-model.ts';
import type { LoadedModel } from '../../data/model/loaded-model.ts';
import { completePreprocessing } from '../../data/model/preprocessing-text.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type AttributionRequest, attribute } from '../attribute.ts';
import type { MethodName } from './index.ts';

// YOLOX-nano on a photograph of a cat beside a dog. The three scales of its neck, finest first:
const scales = [
  { name: '956', side: 52, stride: 8, from: 0 },
  { name: '990', side: 26, stride: 16, from: 2704 },
  { name: '1024', side: 13, stride: 32, from: 3380 },
] as const;
const [cat, dog] = [15, 16];
const columns = 85;
const path = sharedData('yolox-nano/yolox_nano.onnx');
const photo = sharedData('photos/both.png');

interface Found {
  readonly anchor: number;
  readonly score: number;
  /** Left, top, right, bottom in pixels of the model's input. */
  readonly box: readonly number[];
  readonly scale: (typeof scales)[number];
}

describe.skipIf(!path || !photo)('detections of YOLOX-nano', () => {
  let model: LoadedModel;
  let inputs: Tensors;
  let grid: Float32Array;

  beforeAll(async () => {
    model = await loadModel(path as string, { threads: 1 });
    const preprocessing = completePreprocessing({
      task: 'detection',
      inputs: {
        images: {
          kind: 'image',
          size: [416, 416],
          colour: 'BGR',
          range: [0, 255],
          resize: 'letterbox',
          pad: 114,
          place: 'corner',
        },
      },
      outputs: { output: { kind: 'detections' } },
    });
    const [read] = await readModelInputs(model, photo as string, preprocessing);
    inputs = read.tensors;
    grid = ((await model.executor.run(model.graph, inputs, ['output'])).get('output') as Tensor<'float32'>).data;
  });
  afterAll(() => model.close());

  /** The strongest row of a class, its box decoded by hand. */
  function strongest(label: number): Found {
    const score = (anchor: number) => grid[anchor * columns + 4] * grid[anchor * columns + 5 + label];
    let anchor = 0;
    for (let a = 1; a < grid.length / columns; a++) if (score(a) > score(anchor)) anchor = a;
    const scale = scales.findLast(({ from }) => anchor >= from) as (typeof scales)[number];
    const cell = anchor - scale.from;
    const [x, y, w, h] = grid.subarray(anchor * columns, anchor * columns + 4);
    const centre = [(x + (cell % scale.side)) * scale.stride, (y + Math.floor(cell / scale.side)) * scale.stride];
    const half = [(Math.exp(w) * scale.stride) / 2, (Math.exp(h) * scale.stride) / 2];
    const box = [centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1]];
    return { anchor, score: score(anchor), box, scale };
  }

  /** Mean of a map's size inside a box. */
  function density(map: Tensor<'float32'>, [left, top, right, bottom]: readonly number[]): number {
    const side = map.shape.at(-1) as number;
    const pixels = 416 / side;
    let [sum, count] = [0, 0];
    map.data.forEach((value, i) => {
      const [column, row] = [((i % side) + 0.5) * pixels, (Math.floor(i / side) + 0.5) * pixels];
      if (column < left || column > right || row < top || row > bottom) return;
      sum += Math.abs(value);
      count++;
    });
    return sum / Math.max(1, count);
  }

  const explain = (
    method: MethodName,
    found: Found,
    more: Partial<AttributionRequest> & Pick<AttributionRequest, 'target'>,
  ) =>
    attribute(model, {
      inputs,
      baseline: { kind: 'constant', value: 114 },
      layer: { names: [found.scale.name] },
      method,
      layout: { channelAxis: 1, spatialAxes: [2, 3] },
      ...more,
    });

  it('are the cat and the dog', () => {
    expect(strongest(cat).score).toBeGreaterThan(0.7);
    expect(strongest(dog).score).toBeGreaterThan(0.7);
  });

  it.each(['odam', 'difference-map'] as const)('get a map each from %s', async (method) => {
    for (const [label, other] of [
      [cat, dog],
      [dog, cat],
    ]) {
      const found = strongest(label);
      const result = await explain(method, found, {
        target: { kind: 'detectionScore', anchor: found.anchor, class: label },
      });
      expect(result.value).toBeCloseTo(found.score, 4);
      const [map] = [...result.values.values()];
      // The boxes overlap a little; what is in one's own is at least twice as dense.
      expect(density(map, found.box)).toBeGreaterThan(2 * density(map, strongest(other).box));
    }
  });

  it('get one for every box coordinate', async () => {
    const found = strongest(cat);
    for (const coordinate of [0, 3]) {
      const target = { kind: 'boxCoordinate', anchor: found.anchor, coordinate } as const;
      const result = await explain('odam', found, { target, parameters: { signed: true } });
      expect(result.value).toBeCloseTo(grid[found.anchor * columns + coordinate], 4);
      const [map] = [...result.values.values()];
      expect(density(map, found.box)).toBeGreaterThan(density(map, [0, 0, 416, 416]));
    }
  });

  const neck = scales.map(({ name }) => name);

  it('add up at the three scales of the neck together, and at what the graph offers to complete one', async () => {
    const found = strongest(dog);
    const target = { kind: 'detectionScore', anchor: found.anchor, class: dog } as const;
    const alone = await explain('deep-lift', found, { target });
    expect(alone.isCut).toBe(false);
    for (const names of [neck, [found.scale.name, ...alone.completing]]) {
      const together = await explain('deep-lift', found, { target, layer: { names } });
      expect(together.isCut).toBe(true);
      // float32 through neck and head.
      expect(together.relativeError).toBeLessThan(1e-3);
    }
  });

  it.runIf(process.env.WHEREFORE_FULL)('add up there by integrated gradients', { timeout: 300_000 }, async () => {
    const found = strongest(dog);
    const target = { kind: 'detectionScore', anchor: found.anchor, class: dog } as const;
    const result = await explain('integrated-gradients', found, { target, layer: { names: neck } });
    expect(result.relativeError).toBeLessThan(0.01);
  });

  it.runIf(process.env.WHEREFORE_FULL)('get a map each from D-RISE', { timeout: 300_000 }, async () => {
    for (const [label, other] of [
      [cat, dog],
      [dog, cat],
    ]) {
      const found = strongest(label);
      const result = await explain('d-rise', found, {
        target: { kind: 'detectionScore', anchor: found.anchor, class: label },
        layer: { names: ['images'] },
        parameters: { samples: 300, cells: 8 },
      });
      const [map] = [...result.values.values()];
      expect(density(map, found.box)).toBeGreaterThan(density(map, strongest(other).box));
    }
  });
});
