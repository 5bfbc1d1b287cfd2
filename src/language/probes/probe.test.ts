import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { additionQuestion } from '../../../examples/language/addition.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { random } from '../../tensor/random.ts';
import { type LanguageModel, openLanguageModel } from '../model/language-model.ts';
import { probeLayers } from './probe.ts';

const runtime = createNodeRuntime({ threads: 1 });
const folder = fileURLToPath(new URL('../../../examples/language/models/addition-ignores', import.meta.url));

describe('a probe of a model that adds', { timeout: 60_000 }, () => {
  let language: LanguageModel;
  beforeAll(async () => {
    language = await openLanguageModel(folder, { runtime });
  });
  afterAll(async () => {
    await language.close();
    await runtime.close();
  });
  const source = random(3);
  const sums = Array.from({ length: 160 }, () => [source.integer(1000), source.integer(1000)] as const);

  it('reads the carry of the last digits behind a layer, not at the last token as it comes in', async () => {
    // The model writes the last digit of the sum and the carry next; both digits stand at the same places in every text.
    const texts = sums.map(([a, b]) => ({
      text: `${additionQuestion(a, b)} ${a % 10} ${b % 10} 0 :`,
      label: (a % 10) + (b % 10) > 9 ? 'carries' : 'does not',
    }));
    const { layers, constant, verdict } = await probeLayers(language, texts);
    const [embedding, ...others] = layers;
    // At the last token every text has the same colon.
    expect(embedding.accuracy.mean).toBeLessThanOrEqual(constant + 1e-9);
    const best = others.reduce((most, { accuracy }) => Math.max(most, accuracy.mean), 0);
    expect(best).toBeGreaterThan(0.85);
    for (const { control } of layers) expect(control.mean).toBeLessThan(0.75);
    expect(verdict).toMatch(/read off best at layer\.\d\/resid\.post/);
  });

  it('does not read what was dealt out at random', async () => {
    const texts = sums.map(([a, b]) => ({ text: additionQuestion(a, b), label: source.integer(2) ? 'a' : 'b' }));
    const { verdict } = await probeLayers(language, texts, { of: 'mean' });
    expect(verdict).toMatch(/cannot be read off/);
  });

  it('refuses few texts, and one label', async () => {
    const texts = sums.map(([a, b]) => ({ text: additionQuestion(a, b), label: 'a' }));
    await expect(probeLayers(language, texts)).rejects.toThrow(/one label/);
    await expect(probeLayers(language, texts.slice(0, 10))).rejects.toThrow(/too few texts/);
  });
});
