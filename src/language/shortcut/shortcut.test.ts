import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { shortcutClasses, shortcutWords } from '../../../examples/language/shortcut.ts';
import { alignedTexts, judgedClassifier, trainedOn } from '../../../test/language/shortcut-training.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { rankWords } from './rank-words.ts';
import { findShortcut } from './shortcut.ts';
import { type LabelledText, swappedCopies } from './swapped-copies.ts';
import { openTextClassifier } from './text-classifier.ts';

const runtime = createNodeRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), 'wherefore-shortcut-'));
afterAll(async () => {
  await runtime.close();
  rmSync(folder, { recursive: true, force: true });
});

const classes = shortcutClasses;
const texts = alignedTexts;
const trained = (name: string, of: readonly LabelledText[], epochs?: number) =>
  trainedOn(of, { folder: join(folder, name), epochs, seed: 1, runtime });
const judged = judgedClassifier;

describe('a shortcut in 95 of 100 texts', { timeout: 120_000 }, () => {
  const data = texts({});

  it('is ranked first, and is gone behind a training with swapped copies, not behind one of twice the length', async () => {
    const plain = await trained('plain', data);
    const { document, copies } = await findShortcut(plain, data, { classes });
    expect(shortcutWords).toContain(document.words[0].word);
    expect(document.swap?.pairs[0].toSorted()).toEqual([...shortcutWords].sort());
    expect(document.words[0].score).toBeGreaterThan(
      3 * (document.words.find(({ word }) => /fine|poor/.test(word))?.score ?? 0),
    );
    expect(copies).toHaveLength(2000);
    // Three more trainings.
    if (!process.env.WHEREFORE_FULL) return;
    const before = await judged(plain);
    const mended = await judged(await trained('mended', [...data, ...copies]));
    expect(before.worst).toBeLessThan(0.3);
    expect(mended.worst).toBeGreaterThanOrEqual(0.9);
    expect(mended.alike).toBeGreaterThanOrEqual(before.alike);
    const longer = await judged(await trained('longer', data, 24));
    expect(longer.worst).toBeLessThan(0.3);
  });

  it.runIf(process.env.WHEREFORE_FULL)(
    'is not reported where it tells nothing, and nothing is where labels are random',
    async () => {
      const apart = texts({ count: 600, aligned: 0.5 });
      const { document } = await findShortcut(await trained('apart', apart), apart, { classes });
      for (const { word, reported } of document.words)
        if (shortcutWords.includes(word as 'reeves')) expect(reported).toBe(false);
      const tossed = texts({ count: 600, aligned: 0.5, randomLabels: true });
      const nothing = await findShortcut(await trained('tossed', tossed), tossed, { classes });
      expect(nothing.document.reported).toBe(0);
      expect(nothing.document.swap).toBeUndefined();
      expect(nothing.copies).toEqual([]);
    },
  );

  it.each([
    [{ rows: data.slice(0, 10) }, /too few texts/],
    [{ rows: data.map((row) => ({ ...row, label: 'good' })) }, /all texts have one label/],
    [{ classes: ['good'] }, /no class of the model.*bad/],
    [{ swap: [['a', 'a']] as const }, /exchanged for itself/],
    [{ swap: [['nowhere', 'noplace']] as const }, /no text holds a word/],
  ])(
    'refuses %#',
    async ({
      rows = data,
      ...options
    }: { rows?: LabelledText[]; classes?: string[]; swap?: readonly (readonly [string, string])[] }, message) => {
      const language = await openTextClassifier(join(folder, 'plain'), { runtime });
      await expect(findShortcut(language, rows.slice(0, 60), { classes, ...options })).rejects.toThrow(message);
    },
  );
});

describe('the ranking of words', () => {
  it('multiplies what the model goes by with what tells the label', () => {
    const rows = Array.from({ length: 40 }, (_, i) => ({
      words: [i % 2 ? 'yes' : 'no', 'and'],
      attributions: [2, 3],
      predicted: i % 2,
    }));
    const { words: ranked, floor } = rankWords(
      rows,
      rows.map(({ predicted }) => predicted),
    );
    // A word that stands in exactly the texts of one of two equal classes tells one bit: 2 × 1; `and` tells nothing.
    expect(ranked.map(({ word, score, label, reported }) => [word, score, label, reported])).toEqual([
      ['no', 2, 0, true],
      ['yes', 2, 1, true],
      ['and', 0, 0, false],
    ]);
    expect(floor).toBeLessThan(2);
  });
});

describe('swapped copies', () => {
  it('exchange whole words both ways, and leave out what is there already', () => {
    const rows = [
      { text: 'Tom saw Anna', label: 'a' },
      { text: 'Tomas saw', label: 'a' },
      { text: 'Tom', label: 'b' },
      { text: 'Anna', label: 'b' },
    ];
    const { copies, untouched, known } = swappedCopies(rows, [['Tom', 'Anna']]);
    expect(copies).toEqual([{ text: 'Anna saw Tom', label: 'a' }]);
    expect([untouched, known]).toEqual([1, 2]);
  });
});
