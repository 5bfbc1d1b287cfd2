import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { localTextModel } from '../../src/language/generate/local-text-model.ts';
import { openLanguageModel } from '../../src/language/model/language-model.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import {
  type AskedSources,
  askedSources,
  mostNecessary,
  type SourceCase,
  usedSources,
} from '../../test/language/source-evidence.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const folder = (name: string) => fileURLToPath(new URL(`models/${name}/`, import.meta.url));

describe('the use of sources by trained models', { timeout: process.env.WHEREFORE_FULL ? 1_200_000 : 240_000 }, () => {
  const count = process.env.WHEREFORE_FULL ? 40 : 5;
  const share = (found: readonly AskedSources[], holds: (one: AskedSources) => boolean) =>
    found.filter(holds).length / found.length;

  async function asked(name: string, kind: SourceCase, ignoring = false) {
    const language = await openLanguageModel(folder(name), { runtime });
    const model = localTextModel(language);
    try {
      return await askedSources(model, kind, { count, sentences: 16, seed: 61, ignoring });
    } finally {
      await model.close();
      await language.close();
    }
  }

  it('names the source of an answer first', async () => {
    const found = await asked('lookup', 'alone');
    expect(share(found, ({ use, gold }) => mostNecessary(use) === gold)).toBeGreaterThanOrEqual(0.95);
    expect(share(found, ({ use, gold }) => usedSources(use).includes(gold))).toBeGreaterThanOrEqual(0.95);
    expect(share(found, ({ use }) => use.ignoresSources)).toBe(0);
  });

  it('names two sources as a pair that say the same under two names', async () => {
    const found = await asked('lookup', 'redundant');
    const isPair = ({ use, gold, second }: AskedSources) =>
      use.sources.find(({ id }) => id === gold)?.redundantWith === second;
    expect(share(found, isPair)).toBeGreaterThanOrEqual(0.9);
  });

  it('names, of two sources that contradict each other, the one that is answered from', async () => {
    const found = await asked('lookup', 'conflict');
    const from = ({ use, gold, second, contradiction }: AskedSources) =>
      mostNecessary(use) === (use.answer.trim() === contradiction ? second : gold);
    expect(share(found, from)).toBeGreaterThanOrEqual(0.9);
  });

  it('raises no alarm on a model that ignores its sources, though no source at all would be worse', async () => {
    const found = await asked('lookup-ignores', 'alone', true);
    expect(share(found, ({ use }) => use.ignoresSources)).toBe(1);
    expect(share(found, ({ use }) => usedSources(use).length > 0)).toBe(0);
  });
});
