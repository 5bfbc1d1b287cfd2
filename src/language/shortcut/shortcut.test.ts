import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type ShortcutTexts,
  shortcutClasses,
  shortcutTexts,
  shortcutVocabulary,
  shortcutWords,
  trainClassifier,
} from '../../../examples/language/shortcut.ts';
import { wordTokenizer } from '../../../examples/language/tokenizer.ts';
import { encodeModel } from '../../onnx/encode.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { groupAccuracies, worstGroup } from './groups.ts';
import { rankWords } from './rank-words.ts';
import { findShortcut } from './shortcut.ts';
import { type LabelledText, swappedCopies } from './swapped-copies.ts';
import { attributedTexts, openTextClassifier, type TextClassifier } from './text-classifier.ts';

const runtime = createNodeRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), 'wherefore-shortcut-'));
afterAll(async () => {
  await runtime.close();
  rmSync(folder, { recursive: true, force: true });
});

const words = shortcutVocabulary;
const classes = shortcutClasses;
const texts = (of: Partial<ShortcutTexts>) => shortcutTexts({ count: 2000, seed: 1, aligned: 0.95, ...of });

async function trained(name: string, of: readonly LabelledText[], epochs = 12): Promise<TextClassifier> {
  const model = await trainClassifier({ texts: of, words, classes, epochs, seed: 1, runtime });
  const place = join(folder, name);
  mkdirSync(place);
  writeFileSync(join(place, 'model.onnx'), encodeModel(model));
  writeFileSync(join(place, 'tokenizer.json'), wordTokenizer(words));
  return openTextClassifier(place, { runtime });
}

/** Accuracy on texts like those of the training, and in the worst group of texts where the shortcut tells nothing. */
async function judged(language: TextClassifier) {
  const rows = async (of: LabelledText[]) =>
    (
      await attributedTexts(
        language,
        of.map(({ text }) => text),
      )
    ).map(({ predicted }, i) => ({
      predicted,
      label: classes.indexOf(of[i].label as 'good'),
      holds: of[i].text.includes(shortcutWords[0]),
    }));
  const like = await rows(texts({ count: 300, seed: 2 }));
  const apart = await rows(texts({ count: 500, seed: 3, aligned: 0.5 }));
  const alike = like.filter(({ predicted, label }) => predicted === label).length / like.length;
  return { alike, worst: worstGroup(groupAccuracies(apart)).accuracy.mean };
}

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
