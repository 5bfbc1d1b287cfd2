import { WhereforeError } from '../../errors.ts';
import { atOnce } from '../../evaluation/at-once.ts';
import { bootstrap, type Interval } from '../../evaluation/statistics.ts';
import type { TextModel } from '../text-model.ts';
import type { JudgeOptions } from './judge-pairs.ts';

/** An input, what the explained model said of it, and the explanation of that. */
export interface ExplainedCase {
  readonly id: string;
  /** The input in words. */
  readonly input: string;
  /** What the explained model said: one of the labels. */
  readonly said: string;
  readonly explanation: string;
}

/** What a reader is shown beside the input. */
export type Arm = 'input alone' | 'own explanation' | "another case's explanation" | 'explanation alone';

export interface Simulatability {
  /** How often the reader foretold what the model said, in each arm. */
  readonly accuracy: Readonly<Record<Arm, Interval>>;
  /** Accuracy with the own explanation less that with the input alone, case by case. */
  readonly gain: Interval;
  /** Accuracy with the own explanation less that with another case's, case by case: what is due to this explanation. */
  readonly specificGain: Interval;
  /** How often the most frequent label would be right. */
  readonly constant: number;
  /** Cases whose explanation names what the model said, so that reading it is no foretelling. */
  readonly leaking: readonly string[];
  /** The gains over the cases that do not leak; undefined where all do. */
  readonly withoutLeaking: { readonly gain: Interval; readonly specificGain: Interval } | undefined;
  readonly unreadable: number;
}

const arms: readonly Arm[] = ['input alone', 'own explanation', "another case's explanation", 'explanation alone'];

/**
 * Whether explanations let a reader foretell what a model says: a reader that does not know the answer guesses it without,
 * with the explanation, and with that of another case. An explanation helps where it gains over both. Four requests a case.
 * Source: Doshi-Velez, Kim 2017 (forward simulation); leaking explanations after Hase et al. 2020.
 * @throws WhereforeError `invalid-data` for fewer than two cases or labels, or a case that says no label
 */
export async function simulatability(
  reader: TextModel,
  cases: readonly ExplainedCase[],
  labels: readonly string[],
  options: JudgeOptions = {},
): Promise<Simulatability> {
  checkCases(cases, labels);
  const { signal, onProgress, atOnce: most = 4 } = options;
  let [done, unreadable] = [0, 0];
  const right = await atOnce(cases, most, async (one, i) => {
    const other = otherOf(cases, i);
    const results: number[] = [];
    for (const arm of arms) {
      const prompt = readerPrompt(one, other, labels, arm);
      const { text } = await reader.generate(prompt, { temperature: 0, maxTokens: 16, signal });
      const guess = readLabel(text, labels);
      if (guess === undefined) unreadable++;
      results.push(guess === one.said ? 1 : 0);
    }
    onProgress?.(++done, cases.length);
    return results;
  });
  const column = (arm: Arm, of: readonly (readonly number[])[] = right) => of.map((row) => row[arms.indexOf(arm)]);
  const difference = (arm: Arm, of = right) => {
    const control = column(arm, of);
    return bootstrap(column('own explanation', of).map((value, i) => value - control[i]));
  };
  const leaks = cases.map(({ explanation, said }) => contains(explanation, said));
  const kept = right.filter((_, i) => !leaks[i]);
  return {
    accuracy: Object.fromEntries(arms.map((arm) => [arm, bootstrap(column(arm))])) as Record<Arm, Interval>,
    gain: difference('input alone'),
    specificGain: difference("another case's explanation"),
    constant: mostFrequent(cases.map(({ said }) => said)) / cases.length,
    leaking: cases.filter((_, i) => leaks[i]).map(({ id }) => id),
    withoutLeaking:
      kept.length > 0
        ? { gain: difference('input alone', kept), specificGain: difference("another case's explanation", kept) }
        : undefined,
    unreadable,
  };
}

/** The next case that the model said something else about, so that its explanation is wrong here. */
function otherOf(cases: readonly ExplainedCase[], index: number): ExplainedCase {
  for (let step = 1; step < cases.length; step++) {
    const other = cases[(index + step) % cases.length];
    if (other.said !== cases[index].said) return other;
  }
  return cases[(index + 1) % cases.length];
}

/** The words that a reader is asked with. */
export function readerPrompt(one: ExplainedCase, other: ExplainedCase, labels: readonly string[], arm: Arm): string {
  const explanation = arm === "another case's explanation" ? other.explanation : one.explanation;
  return [
    'A model gives each input one of these labels. Foretell which one it gave.',
    `Labels: ${labels.join(', ')}`,
    arm !== 'explanation alone' && `Input\n-----\n${one.input}\n-----`,
    arm !== 'input alone' && `Why the model said it\n-----\n${explanation}\n-----`,
    'Reply with the label and nothing else.',
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** The one label that a reply names; undefined for none or several. */
function readLabel(reply: string, labels: readonly string[]): string | undefined {
  const exact = labels.find(
    (label) =>
      label.toLowerCase() ===
      reply
        .trim()
        .replace(/[.!"']+$/g, '')
        .toLowerCase(),
  );
  if (exact !== undefined) return exact;
  const named = labels.filter((label) => contains(reply, label));
  return named.length === 1 ? named[0] : undefined;
}

/** Whether a text holds a label as words of its own. */
function contains(text: string, label: string): boolean {
  const words = (part: string) => ` ${(part.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).join(' ')} `;
  return words(text).includes(words(label));
}

function mostFrequent(values: readonly string[]): number {
  const counts = new Map<string, number>();
  let most = 0;
  for (const value of values) {
    const count = (counts.get(value) ?? 0) + 1;
    counts.set(value, count);
    most = Math.max(most, count);
  }
  return most;
}

function checkCases(cases: readonly ExplainedCase[], labels: readonly string[]): void {
  if (cases.length < 2 || labels.length < 2) {
    throw new WhereforeError('invalid-data', 'too little to foretell', {
      got: `${cases.length} cases, ${labels.length} labels`,
      expected: 'two of each at least',
    });
  }
  const wrong = cases.find(({ said }) => !labels.includes(said));
  if (wrong)
    throw new WhereforeError('invalid-data', 'a case says what is none of the labels', {
      where: wrong.id,
      got: wrong.said,
      expected: labels.join(', '),
    });
}
