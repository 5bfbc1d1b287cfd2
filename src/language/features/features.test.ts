import { afterAll, describe, expect, it } from 'vitest';
import { sharedData } from '../../../test/shared-data.ts';
import { renderFeaturesPage } from '../../page/language/features-page.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { normals, random } from '../../tensor/random.ts';
import { openLanguageModel } from '../model/language-model.ts';
import { activationsOf, reconstruction, trainAutoencoder, unitRows } from './autoencoder.ts';
import { controlDictionary, controlNames, meanMaxCosine } from './dictionaries.ts';
import { findFeatures } from './features.ts';
import { matchingPursuit } from './sparse-code.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** Vectors made of some of 64 known directions in 32 dimensions, 3.25 at a time, rare ones among them. */
function known(seed: number, count: number) {
  const [directions, width] = [64, 32];
  const source = random(seed);
  const truth = unitRows(normals(directions * width, source), width);
  const data = new Float32Array(count * width);
  for (let r = 0; r < count; r++) {
    for (let f = 0; f < directions; f++) {
      const share = 0.05 * 2 * ((directions - f) / directions) * 0.9 + 0.1 * 0.05;
      if (source.uniform() >= share) continue;
      const size = 0.5 + source.uniform();
      for (let d = 0; d < width; d++) data[r * width + d] += size * truth[f * width + d];
    }
  }
  return { truth, vectors: { data, width } };
}

describe('a sparse autoencoder on known features', { timeout: 300_000 }, () => {
  const seeds = process.env.WHEREFORE_FULL ? [0, 1, 2] : [0];

  it.each(seeds)('finds them, far above what is not learnt (seed %i)', async (seed) => {
    const { truth, vectors } = known(seed, 20_480);
    const found = await trainAutoencoder(vectors, { features: 128, active: 3.25, seed, runtime });
    const quality = meanMaxCosine(truth, found.decoder, 32);
    const controls = controlNames.map((name) =>
      meanMaxCosine(truth, controlDictionary(name, vectors, { features: 128, seed }), 32),
    );
    const { explained, active, dead } = reconstruction(found, { data: vectors.data.slice(0, 2000 * 32), width: 32 });
    expect(quality).toBeGreaterThanOrEqual(0.9);
    // Data points are the best of what is not learnt: .77.
    for (const control of controls) expect(control).toBeLessThan(0.85);
    expect(active).toBeCloseTo(3.25, 1);
    expect(explained).toBeGreaterThan(0.85);
    // Twice as many as there are directions: about half have nothing to do.
    expect(dead).toBeGreaterThan(30);
  });
});

describe('the parts of it', () => {
  it('an activation counts from the threshold on', () => {
    const autoencoder = {
      width: 2,
      features: 2,
      decoder: Float32Array.of(1, 0, 0, 1),
      encoder: Float32Array.of(1, 0, 0, 1),
      encoderBias: Float32Array.of(0, 0.5),
      bias: Float32Array.of(1, 1),
      threshold: 2,
    };
    // (4 − 1, 2 − 1) + (0, .5) = (3, 1.5): the second lies below.
    expect([...activationsOf(autoencoder, Float32Array.of(4, 2))]).toEqual([3, 0]);
    // x̂ = (4, 1) of (4, 2), mean 0 over (4, 2) and (−4, −2): 1 − (1 + 25 + 9) / 40.
    const { explained, dead } = reconstruction(autoencoder, { data: Float32Array.of(4, 2, -4, -2), width: 2 });
    expect(explained).toBeCloseTo(1 - 35 / 40, 10);
    expect(dead).toBe(1);
  });

  it('cosines and sparse codes are those done by hand', () => {
    const axes = Float32Array.of(1, 0, 0, 1);
    // (1, 1) lies at 45° to both axes; (2, 0) is one of them.
    expect(meanMaxCosine(Float32Array.of(1, 1, 2, 0), axes, 2)).toBeCloseTo((Math.SQRT1_2 + 1) / 2, 6);
    expect([...matchingPursuit(axes, Float64Array.of(3, 2), 1)]).toEqual([3, 0]);
    expect([...matchingPursuit(axes, Float64Array.of(3, 2), 2)]).toEqual([3, 2]);
    const stretched = { data: Float32Array.of(2, 0.1, -2, 0.1, 2, -0.1, -2, -0.1), width: 2 };
    const last = controlDictionary('PCA', stretched, { features: 2, seed: 0 }).subarray(2);
    expect(Math.abs(last[0])).toBeCloseTo(1, 6);
  });

  it('refuses too few vectors', async () => {
    const few = { data: new Float32Array(10), width: 2 };
    await expect(trainAutoencoder(few, { features: 4, active: 2, seed: 0, runtime })).rejects.toThrow(
      /5 vectors, 2 of 4/,
    );
  });
});

const folder = sharedData('stories260k');

describe.skipIf(!folder)('features of a layer of a language model', { timeout: 60_000 }, () => {
  const texts = Array.from(
    { length: 12 },
    (_, i) =>
      `Once upon a time, ${['Tim', 'Lily', 'Tom'][i % 3]} had a ${['red', 'big'][i % 2]} ball. She was very happy.`,
  );

  it('are learnt beside other dictionaries, and shown where they are strong', async () => {
    const language = await openLanguageModel(folder as string, { runtime });
    const found = await findFeatures(language, { texts, layer: 1, seeds: 2, steps: 60, active: 4 });
    expect(found.controls.map(({ name }) => name)).toEqual(controlNames);
    const [first] = found.learnt;
    expect(first.recovered).toBeGreaterThan(found.controls[3].recovered);
    expect(first.stable).toBeGreaterThan(0.2);
    // Twice the stream's width of 64.
    expect(found.features).toBe(128);
    const [{ examples, promotes }] = found.dashboards;
    expect(examples[0].activations.some((value) => value === examples[0].most)).toBe(true);
    expect(promotes).toHaveLength(5);
    expect(renderFeaturesPage(found)).toContain('raw neurons');
    await expect(findFeatures(language, { texts, layer: 5 })).rejects.toThrow(/no such layer.*0 to 4/);
    await expect(findFeatures(language, { texts: ['Tim had'] })).rejects.toThrow(/too few tokens/);
    await language.close();
  });
});
