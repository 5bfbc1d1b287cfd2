import { afterAll, describe, expect, it } from 'vitest';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { errorNetwork } from './denoiser.ts';
import { denoisingCosts, type PixelRow, sampleDiffusion, trainDiffusion } from './diffusion.ts';
import { drawPool } from './draw.ts';
import { isOfStamp } from './generator.ts';
import { captionTokens } from './network.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

describe('a diffusion model of the world', { timeout: 300_000 }, () => {
  const rows = drawPool({ name: 'train', seed: 1, common: 32, share: 0 }).map(
    ({ drawing, pixels }): PixelRow => ({ caption: captionTokens(drawing.caption), pixels }),
  );
  const asked = rows.slice(0, 3);

  it('is the same for the same seed and rows, another without some, and makes images cost less', async () => {
    const train = (epochs: number, rowWeights?: Float32Array) =>
      trainDiffusion(rows, { seed: 1, epochs, rowWeights }, runtime);
    const costs = async (model: Awaited<ReturnType<typeof train>>) => denoisingCosts(model, asked, runtime);
    const [once, again] = [await train(1), await train(1)];
    const first = await costs(once);
    expect(await costs(again)).toEqual(first);
    expect(
      await costs(
        await train(
          1,
          Float32Array.from(rows, (_, i) => (i < 3 ? 0 : 1)),
        ),
      ),
    ).not.toEqual(first);
    // The parts of a sum add up.
    const [stamp, rest] = [isOfStamp, (patch: number) => !isOfStamp(patch)];
    const parts = [await denoisingCosts(once, asked, runtime, stamp), await denoisingCosts(once, asked, runtime, rest)];
    for (const [i, cost] of first.entries()) expect(parts[0][i] + parts[1][i]).toBeCloseTo(cost, 2);
    const samples = await sampleDiffusion(once, [asked[0].caption, asked[1].caption], runtime, 5);
    expect(samples.map(({ shape }) => shape)).toEqual([
      [24, 24, 3],
      [24, 24, 3],
    ]);
    expect(await sampleDiffusion(once, [asked[0].caption, asked[1].caption], runtime, 5)).toEqual(samples);
    if (!process.env.WHEREFORE_FULL) return;
    // What is predicted at the start is grey: it costs the squares of the numbers themselves.
    const untrained = await costs(errorNetwork(1));
    const learnt = await costs(await train(60));
    for (const [i, cost] of learnt.entries()) expect(cost).toBeLessThan(0.6 * untrained[i]);
  });
});
