import { afterAll, describe, expect, it } from 'vitest';
import type { OnnxModel } from '../onnx/graph.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, int64, type Tensor } from '../tensor/tensor.ts';
import { Network, readParameters } from '../train/index.ts';
import { adapter, prefix, unet } from './adapter.ts';
import type { FeatureMap } from './feature-maps.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const options = {
  channels: 4,
  classes: 3,
  layout: { channelAxis: 1, channels: 1, height: 8, width: 8 },
  detail: 4,
} as const;
/** A map of 3 channels over 4 × 4 places. */
const map = { name: 'map', channels: 3, height: 4, width: 4, isCut: true } as const;

/** The adapter on one map that comes from outside; the seed makes the same weights whatever the form of the map. */
function onMap(form: Pick<FeatureMap, 'form' | 'skipped'>, shape: readonly number[]): OnnxModel {
  const network = new Network({ seed: 3 });
  network.input('map', 'float32', ['N', ...shape]);
  const image = network.input('image', 'float32', ['N', 1, 8, 8]);
  network.input('class', 'int64', ['N']);
  return network.build([adapter(network, [{ ...map, ...form }], image, 'class', options)]);
}

async function maskOf(model: OnnxModel, feeds: Record<string, Tensor>): Promise<number[]> {
  const session = await runtime.open(model);
  const [{ name }] = model.graph.outputs;
  const results = await session.run(new Map(Object.entries(feeds)), [name]);
  await session.release();
  return [...(results.get(name) as Tensor<'float32'>).data];
}

const ramp = (shape: readonly number[], from: number) =>
  float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(from + i)),
  );

describe('the adapter', () => {
  const image = ramp([2, 1, 8, 8], 1);
  const classes = int64([2], [0, 2]);
  const first = ramp([2, 3, 4, 4], 5).data;
  /** The same map with its channels last, behind `skipped` other tokens. */
  const last = (skipped: number) => {
    const tokens = ramp([2, skipped + 16, 3], 900);
    for (let n = 0; n < 2; n++)
      for (let c = 0; c < 3; c++)
        for (let i = 0; i < 16; i++)
          tokens.data[(n * (skipped + 16) + skipped + i) * 3 + c] = first[(n * 3 + c) * 16 + i];
    return tokens;
  };

  it('reads a map in each of its forms: channels first, channels last, tokens behind those of no place', async () => {
    const given = { image, class: classes };
    const expected = await maskOf(onMap({ form: 'NCHW', skipped: 0 }, [3, 4, 4]), {
      ...given,
      map: float32([2, 3, 4, 4], first),
    });
    expect(expected).toHaveLength(2 * 64);
    // Not the same everywhere, or any map would do.
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.1);
    for (const [form, skipped, shape] of [
      ['NHWC', 0, [4, 4, 3]],
      ['tokens', 0, [16, 3]],
      ['tokens', 2, [18, 3]],
    ] as const) {
      const mask = await maskOf(onMap({ form, skipped }, shape), {
        ...given,
        map: float32([2, ...shape], last(skipped).data),
      });
      // Float32 sums of a few hundred terms.
      for (const [i, value] of mask.entries()) expect(value, `${form} ${i}`).toBeCloseTo(expected[i], 5);
    }
  });

  it('begins without a difference between classes: (1 + 0) x + 0', () => {
    const network = new Network({ seed: 3 });
    const mask = unet(
      network,
      network.input('image', 'float32', ['N', 1, 8, 8]),
      network.input('class', 'int64', ['N']).name,
      options,
    );
    const names = [`${prefix}film.scale.weight`, `${prefix}film.shift.weight`];
    for (const [name, { shape, data }] of readParameters(network.build([mask]), names)) {
      expect(shape, name).toEqual([3, 4]);
      expect([...data], name).toEqual(new Array(12).fill(0));
    }
  });
});
