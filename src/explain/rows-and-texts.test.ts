import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeExplained } from '../../test/explained.ts';
import { sharedData } from '../../test/shared-data.ts';
import { loadModel } from '../data/model/load-model.ts';
import { renderPage } from '../page/explanation/page.ts';
import { featuresOf } from '../page/features.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32 } from '../tensor/tensor.ts';
import { explain } from './explain.ts';
import { replay } from './replay.ts';

const runtime = createNodeRuntime({ threads: 1 });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherefore-'));
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

describe('features that are one thing to a person', () => {
  it('are added up: a category of two numbers', () => {
    const one = makeExplained({ attribution: float32([1, 3], [1, 2, -4]), names: ['age', 'home=own', 'home=rent'] });
    const groups = { kind: 'columns' as const, of: [0, 1, 1], names: ['Age', 'Home'], texts: ['39 years', 'own'] };
    const explained = { ...one, document: { ...one.document, input: { ...one.document.input, groups } } };
    expect(featuresOf(explained).shares).toEqual([
      { name: 'Age', text: '39 years', baseline: undefined, share: 1 },
      { name: 'Home', text: 'own', baseline: undefined, share: -2 },
    ]);
  });

  it('positions without names are called positions, not words', async () => {
    const page = await renderPage([
      makeExplained({ attribution: float32([1, 1, 3], [1, -2, 4]), layout: { channelAxis: 1, spatialAxes: [2] } }),
    ]);
    expect(page).toMatch(/class="answer">[^<]*Position 2 \(\+4.00\) and position 0 \(\+1.00\) raised it most/);
  });

  it('a signal is drawn as a line', async () => {
    const positions = Array.from({ length: 40 }, (_, i) => Math.sin(i));
    const one = makeExplained({
      attribution: float32([1, 1, 40], positions),
      layout: { channelAxis: 1, spatialAxes: [2] },
    });
    const { signal } = featuresOf(one);
    expect(signal).toHaveLength(1);
    expect(signal?.[0].values).toHaveLength(40);
    const page = await renderPage([one]);
    expect(page).toContain('<polyline');
    expect(page.match(/<rect /g)).toHaveLength(40);
    // 40 positions in 16 bars at most: stretches of 3, the largest named first in the answer.
    const sums = Array.from({ length: 14 }, (_, i) => positions.slice(3 * i, 3 * i + 3).reduce((a, b) => a + b, 0));
    const best = sums.indexOf(Math.max(...sums));
    expect(page).toMatch(new RegExp(`class="answer">[^<]*ositions ${3 * best}–${3 * best + 2} \\(`));
  });

  it('channels of a signal have lanes with their own colours', async () => {
    const values = Array.from({ length: 60 }, (_, i) => (i < 30 ? 0 : 1));
    const one = makeExplained({
      attribution: float32([1, 2, 30], values),
      layout: { channelAxis: 1, spatialAxes: [2] },
    });
    const { signal } = featuresOf(one);
    expect(signal?.map(({ shares }) => shares?.[0])).toEqual([0, 1]);
    const page = await renderPage([one]);
    expect(page.match(/class="lane"/g)).toHaveLength(2);
    expect(page).toContain('each channel has its own colours');
  });
});

describe('a black box on a table', () => {
  const here = (path: string) => fileURLToPath(new URL(`../../examples/lending-club/${path}`, import.meta.url));

  it.each(['xgboost', 'lightgbm'])('lending club, %s', { timeout: 60_000 }, async (kind) => {
    const model = sharedData(`lending-club/lending-club-${kind}.onnx`);
    const table = sharedData('lending-club/lending-club.csv');
    if (!model || !table) return;
    const loaded = await loadModel(model, { runtime, preprocessing: here(`lending-club-${kind}.wherefore.yaml`) });
    const [explained] = await explain(loaded, `${table}#2`, { parameters: { 'kernel-shap': { samples: 200 } } });
    const { document } = explained;
    expect(document.method).toBe('kernel-shap');
    expect(document.targetDescription).toMatch(/^probability of class 1 "approved"/);
    expect(document.relativeError).toBeLessThan(1e-6);
    const { shares } = featuresOf(explained);
    expect(shares).toHaveLength(kind === 'xgboost' ? 16 : 15);
    expect(shares.find(({ name }) => name === 'Yearly income')).toMatchObject({
      text: '$45,000',
      baseline: 'median $65,500',
    });
    expect(shares.find(({ name }) => name === 'Home')?.text).toBe('RENT');
    expect(await renderPage([explained])).toContain('pts');
    // Columns are hidden together in a replay too: 43 single numbers would give other shares.
    expect(await replay(loaded, explained)).toMatchObject({ identical: true });
    await loaded.close();
  });
});

describe('a text', () => {
  it('goes through the tokenizer and comes back as words', { timeout: 60_000 }, async () => {
    const tokenizer = sharedData('stories260k/tokenizer.json');
    const model = sharedData('stories260k/stories260k.onnx');
    if (!tokenizer || !model) return;
    await copyFile(tokenizer, join(folder, 'tokenizer.json'));
    const yaml = join(folder, 'wherefore.yaml');
    await writeFile(
      yaml,
      `task: language
inputs:
  input_ids: { kind: text, tokenizer: ${join(folder, 'tokenizer.json')} }
  attention_mask: { kind: text, part: mask }
outputs: { logits: { kind: logits, axis: -1 } }
`,
    );
    const loaded = await loadModel(model, { runtime, preprocessing: yaml });
    const [explained] = await explain(loaded, 'Once upon a time, there was a little girl named');
    const { document } = explained;
    expect(document.prediction?.top[0].label).toBe(' Lily');
    expect(document.baselineDescription).toBe('every ordinary token replaced by <unk>');
    expect(document.layer).toEqual(['embedding']);
    expect(document.relativeError).toBeLessThan(0.01);
    const { shares, kind } = featuresOf(explained);
    expect(kind).toBe('sequence');
    expect(shares[0]).toMatchObject({ name: '<s>', special: true, share: 0 });
    expect(shares.map(({ name }) => name).slice(1, 6)).toEqual(['Once', 'upon', 'a', 'time', ',']);
    // "named" asks for a name.
    expect([...shares].sort((a, b) => b.share - a.share)[0].name).toBe('named');
    await loaded.close();
  });
});
