import { quantile } from '../../evaluation/statistics.ts';
import { permutation, random } from '../../tensor/random.ts';
import type { AttributedText } from './text-classifier.ts';

/** A word that the model goes by and that tells the label. */
export interface RankedWord {
  readonly word: string;
  /** `attribution × information`. */
  readonly score: number;
  /** Mean |gradient × embedding| where it stands. */
  readonly attribution: number;
  /** Mutual information of its presence with the label, in bits. */
  readonly information: number;
  /** Texts that hold it. */
  readonly texts: number;
  /** The label that most of these have, and the share of them that has it. */
  readonly label: number;
  readonly aligned: number;
  /** Whether the score is above what any word reaches by chance. */
  readonly reported: boolean;
}

export interface WordRanking {
  /** From the largest score to the smallest. */
  readonly words: readonly RankedWord[];
  /** 95th percentile of the largest score of any word with the labels permuted. */
  readonly floor: number;
}

/**
 * Ranks words by how much the model goes by them times how much they tell of the label. The floor is what the best word
 * reaches with permuted labels; words below it are not reported. That a word is above says that it matters, not that it
 * should not: a real feature ranks, too.
 * @param labels class of each text
 */
export function rankWords(
  texts: readonly AttributedText[],
  labels: readonly number[],
  { permutations = 100, seed = 0 } = {},
): WordRanking {
  const holders = new Map<string, { readonly rows: number[]; sum: number; count: number }>();
  for (const [row, { words, attributions }] of texts.entries()) {
    for (const [i, word] of words.entries()) {
      let known = holders.get(word);
      if (!known) holders.set(word, (known = { rows: [], sum: 0, count: 0 }));
      known.sum += attributions[i];
      known.count++;
      if (known.rows[known.rows.length - 1] !== row) known.rows.push(row);
    }
  }
  const classes = labels.reduce((most, label) => Math.max(most, label), 0) + 1;
  const all = [...holders].map(([word, { rows, sum, count }]) => ({ word, rows, attribution: sum / count }));
  const every = countsOf([...labels.keys()], labels, classes);
  const source = random(seed, 1);
  const chance = new Float64Array(permutations);
  for (let p = 0; p < permutations; p++) {
    const permuted = Array.from(permutation(labels.length, source), (i) => labels[i]);
    for (const { rows, attribution } of all)
      chance[p] = Math.max(chance[p], attribution * informationOf(countsOf(rows, permuted, classes), every));
  }
  const floor = quantile(chance.sort(), 0.95);
  const words = all.map(({ word, rows, attribution }): RankedWord => {
    const counts = countsOf(rows, labels, classes);
    const information = informationOf(counts, every);
    const label = counts.indexOf(counts.reduce((most, count) => Math.max(most, count), 0));
    const score = attribution * information;
    const aligned = counts[label] / rows.length;
    return { word, score, attribution, information, texts: rows.length, label, aligned, reported: score > floor };
  });
  return { words: words.sort((a, b) => b.score - a.score), floor };
}

/** How many of some numbers there are of each class. */
function countsOf(rows: readonly number[], labels: readonly number[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const row of rows) counts[labels[row]]++;
  return counts;
}

/** Mutual information of presence and label: `Σ p(w, y) log2 p(w, y) / (p(w) p(y))`. */
function informationOf(holding: readonly number[], all: readonly number[]): number {
  const total = all.reduce((sum, count) => sum + count, 0);
  const present = holding.reduce((sum, count) => sum + count, 0) / total;
  let bits = 0;
  for (const [y, count] of all.entries()) {
    const joint = [holding[y] / total, (count - holding[y]) / total];
    for (const [i, share] of [present, 1 - present].entries())
      if (joint[i] > 0) bits += joint[i] * Math.log2(joint[i] / (share * (count / total)));
  }
  return bits;
}
