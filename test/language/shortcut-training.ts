import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ShortcutTexts,
  shortcutClasses,
  shortcutTexts,
  shortcutVocabulary,
  shortcutWords,
  trainClassifier,
} from '../../examples/language/shortcut.ts';
import { wordTokenizer } from '../../examples/language/tokenizer.ts';
import type { Interval } from '../../src/evaluation/statistics.ts';
import { shareWithInterval } from '../../src/language/audit/estimates.ts';
import { groupAccuracies, worstGroup } from '../../src/language/shortcut/groups.ts';
import type { LabelledText } from '../../src/language/shortcut/swapped-copies.ts';
import {
  attributedTexts,
  openTextClassifier,
  type TextClassifier,
} from '../../src/language/shortcut/text-classifier.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';

/** Texts in which a word goes with the label in 95 of 100, unless told otherwise. */
export const alignedTexts = (of: Partial<ShortcutTexts>): LabelledText[] =>
  shortcutTexts({ count: 2000, seed: 1, aligned: 0.95, ...of });

export interface ClassifierPlace {
  readonly folder: string;
  readonly epochs?: number;
  readonly seed: number;
  readonly runtime: Runtime;
}

/** A classifier that was trained on texts, from the files of its folder. */
export async function trainedOn(
  texts: readonly LabelledText[],
  { folder, epochs = 12, seed, runtime }: ClassifierPlace,
): Promise<TextClassifier> {
  const [words, classes] = [shortcutVocabulary, shortcutClasses];
  const model = await trainClassifier({ texts, words, classes, epochs, seed, runtime });
  mkdirSync(folder);
  writeFileSync(join(folder, 'model.onnx'), encodeModel(model));
  writeFileSync(join(folder, 'tokenizer.json'), wordTokenizer(words));
  return openTextClassifier(folder, { runtime });
}

/** Accuracy on texts like those of the training, and in the worst group of texts where the shortcut tells nothing. */
export async function judgedClassifier(
  language: TextClassifier,
  seed = 1,
): Promise<{ readonly alike: number; readonly worst: number; readonly worstInterval: Interval }> {
  const rows = async (of: readonly LabelledText[]) =>
    (
      await attributedTexts(
        language,
        of.map(({ text }) => text),
      )
    ).map(({ predicted }, i) => ({
      predicted,
      label: shortcutClasses.indexOf(of[i].label as 'good'),
      holds: of[i].text.includes(shortcutWords[0]),
    }));
  const like = await rows(alignedTexts({ count: 300, seed: seed + 1 }));
  const apart = await rows(alignedTexts({ count: 500, seed: seed + 2, aligned: 0.5 }));
  const hits = like.filter(({ predicted, label }) => predicted === label).length;
  const { accuracy } = worstGroup(groupAccuracies(apart));
  return { alike: shareWithInterval(hits, like.length).mean, worst: accuracy.mean, worstInterval: accuracy };
}
