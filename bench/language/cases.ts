import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatTable } from '../../src/cli/table-text.ts';
import { areaUnderRoc } from '../../src/language/audit/estimates.ts';
import { logitsOf, sparseLogistic } from '../../src/language/concepts/sparse-logistic.ts';
import { overlapOf } from '../../src/language/sources/source-use.ts';
import { sentencesOf } from '../../src/provenance/text/sentences.ts';
import { permutation, random } from '../../src/tensor/random.ts';
import { interval } from './interval.ts';

// Two case studies of "Usable XAI: 10 Strategies" (arXiv 2403.08946) on the authors' own records, beside what needs no
// attribution. The third, influence on a model of 7 billion parameters, left no records.

interface Verification {
  readonly tokens: readonly string[];
  readonly attribution: readonly number[];
  readonly question: string;
  readonly response: string;
  readonly evidence: string;
}

interface Hallucination {
  readonly domain: string;
  readonly hallucination: boolean;
  readonly length: number;
  readonly density: readonly number[];
}

const linesOf = <T>(path: string): T[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

/** Scores the records that `case_records.py` wrote into a folder. */
export function measureCases(folder: string): void {
  verifyResponses(linesOf(join(folder, 'verification.jsonl')));
  detectHallucinations(linesOf(join(folder, 'hallucination.jsonl')));
}

const wordsOf = (text: string) => new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);
const letters = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
/** Sentences that are shown, as the authors do. */
const shown = 2;

interface ScoredSentence {
  readonly isEvidence: boolean;
  readonly attribution: number;
  readonly overlap: number;
  /** Σ log(sentences / sentences with the word) over the words in common. */
  readonly rare: number;
  readonly length: number;
}

function scoredSentences({ tokens, attribution, question, response, evidence }: Verification): ScoredSentence[] {
  const text = tokens.join('');
  const told = letters(evidence);
  const starts: number[] = [];
  let at = 0;
  for (const token of tokens) {
    starts.push(at + token.length - token.trimStart().length);
    at += token.length;
  }
  const all = sentencesOf(text);
  const asked = wordsOf(`${question} ${response}`);
  const holding = new Map<string, number>();
  for (const sentence of all)
    for (const word of wordsOf(sentence.text)) holding.set(word, (holding.get(word) ?? 0) + 1);
  const rareWords = (sentence: string) => {
    let sum = 0;
    for (const word of wordsOf(sentence)) if (asked.has(word)) sum += Math.log(all.length / (holding.get(word) ?? 1));
    return sum;
  };
  return all.map((sentence) => {
    const inside = attribution.filter((_, i) => starts[i] >= sentence.start && starts[i] < sentence.end);
    return {
      isEvidence: told.includes(letters(sentence.text)),
      attribution: inside.reduce((sum, one) => sum + one, 0),
      // The words of the question and of the answer, each once, that stand in the sentence.
      overlap: overlapOf(`${question} ${response}`, sentence.text),
      rare: rareWords(sentence.text),
      length: sentence.text.length,
    };
  });
}

function verifyResponses(records: readonly Verification[]): void {
  const source = random(1);
  const all = records.map(scoredSentences).filter((sentences) => {
    const evidence = sentences.filter(({ isEvidence }) => isEvidence).length;
    return evidence > 0 && evidence < sentences.length;
  });
  const ranks = (values: readonly number[]) => values.map((one) => values.filter((other) => other < one).length);
  const orders: Readonly<Record<string, (sentences: readonly ScoredSentence[]) => readonly number[]>> = {
    attribution: (sentences) => sentences.map(({ attribution }) => attribution),
    'attribution a letter': (sentences) => sentences.map(({ attribution, length }) => attribution / length),
    'words of question and answer': (sentences) => sentences.map(({ overlap }) => overlap),
    'words in common, the rare ones more': (sentences) => sentences.map(({ rare }) => rare),
    'both, by rank': (sentences) => {
      const [one, other] = [
        ranks(sentences.map(({ attribution, length }) => attribution / length)),
        ranks(sentences.map(({ rare }) => rare)),
      ];
      return one.map((rank, i) => rank + other[i]);
    },
    'longest first': (sentences) => sentences.map(({ length }) => length),
    random: (sentences) => sentences.map(() => source.uniform()),
  };
  const recall = (sentences: readonly ScoredSentence[], scores: readonly number[]) => {
    const best = scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a]);
    const found = best.slice(0, shown).filter((i) => sentences[i].isEvidence).length;
    return found / sentences.filter(({ isEvidence }) => isEvidence).length;
  };
  const rows = Object.entries(orders).map(([name, order]) => [
    name,
    interval(all.map((sentences) => recall(sentences, order(sentences)))),
  ]);
  const sentences = all.reduce((sum, one) => sum + one.length, 0) / all.length;
  const evidence = all.reduce((sum, one) => sum + one.filter(({ isEvidence }) => isEvidence).length, 0) / all.length;
  console.log(
    `response verification: ${all.length} of ${records.length} records whose evidence is found among the sentences; ${sentences.toFixed(1)} sentences, ${evidence.toFixed(1)} of evidence`,
  );
  console.log(formatTable([[`recall of the evidence by ${shown} sentences`, 'mean [95 %]'], ...rows]));
}

const folds = 5;

function detectHallucinations(records: readonly Hallucination[]): void {
  const domains = [...new Set(records.map(({ domain }) => domain))].sort();
  const wrong = records.map(({ hallucination }) => hallucination);
  const ofLength = ({ length }: Hallucination) => [length, Math.log(length)];
  const ofDomain = ({ domain }: Hallucination) => domains.map((one) => Number(one === domain));
  const ofDensity = ({ density }: Hallucination) => [...density];
  const sets: Readonly<Record<string, (record: Hallucination) => number[]>> = {
    'attribution density': ofDensity,
    length: ofLength,
    domain: ofDomain,
    'length and domain': (record) => [...ofLength(record), ...ofDomain(record)],
    all: (record) => [...ofDensity(record), ...ofLength(record), ...ofDomain(record)],
  };
  const share = wrong.filter(Boolean).length / wrong.length;
  const rows = Object.entries(sets).map(([name, features]) => {
    const scores = crossValidated(records.map(features), wrong);
    const predicted = scores.map((score) => score > 0);
    return [name, aucInterval(scores, wrong), f1(predicted, wrong).toFixed(3)];
  });
  rows.push([
    'always wrong',
    '.500',
    f1(
      wrong.map(() => true),
      wrong,
    ).toFixed(3),
  ]);
  console.log(`hallucination: ${records.length} answers, ${(100 * share).toFixed(0)} % wrong`);
  console.log(formatTable([['features, logistic regression, 5 folds', 'AUC [95 %]', 'F1 of "wrong"'], ...rows]));
}

/** Logits of each row by a classifier that did not see its fold; features standardised by the others. */
function crossValidated(rows: readonly (readonly number[])[], wrong: readonly boolean[]): number[] {
  const order = permutation(rows.length, random(7));
  const scores = new Array<number>(rows.length).fill(0);
  for (let fold = 0; fold < folds; fold++) {
    const held = new Set(Array.from(order).filter((_, i) => i % folds === fold));
    const kept = rows.flatMap((_, i) => (held.has(i) ? [] : [i]));
    const scales = rows[0].map((_, f) => {
      const mean = kept.reduce((sum, i) => sum + rows[i][f], 0) / kept.length;
      const variance = kept.reduce((sum, i) => sum + (rows[i][f] - mean) ** 2, 0) / kept.length;
      return { mean, deviation: Math.sqrt(variance) || 1 };
    });
    const standard = (row: readonly number[]) => row.map((value, f) => (value - scales[f].mean) / scales[f].deviation);
    const labels = kept.map((i) => Number(wrong[i]));
    const classifier = sparseLogistic(
      kept.map((i) => standard(rows[i])),
      labels,
      2,
      { penalty: 1e-3 },
    );
    for (const i of held) {
      const [right, isWrong] = logitsOf(classifier, standard(rows[i]));
      scores[i] = isWrong - right;
    }
  }
  return scores;
}

function f1(predicted: readonly boolean[], wrong: readonly boolean[]): number {
  const both = predicted.filter((one, i) => one && wrong[i]).length;
  return (2 * both) / (predicted.filter(Boolean).length + wrong.filter(Boolean).length);
}

/** The area with the middle 95 % of 500 draws of as many records. */
function aucInterval(scores: readonly number[], wrong: readonly boolean[]): string {
  const source = random(3);
  const draws = Array.from({ length: 500 }, () => {
    const drawn = scores.map(() => source.integer(scores.length));
    return areaUnderRoc(
      drawn.map((i) => scores[i]),
      drawn.map((i) => wrong[i]),
    );
  })
    .filter((one) => one !== undefined)
    .sort((a, b) => a - b);
  const text = (value: number | undefined) => (value ?? 0.5).toFixed(3);
  return `${text(areaUnderRoc(scores, wrong))} [${text(draws[12])}, ${text(draws[487])}]`;
}
