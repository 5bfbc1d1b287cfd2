import { WhereforeError } from '../../errors.ts';
import type { Interval } from '../../evaluation/statistics.ts';
import { meanOf } from '../../tensor/correlation.ts';
import type { TextModel } from '../text-model.ts';
import type { AuditProgress, AuditResult } from './audit-document.ts';
import { meanWithInterval, signFlipChance } from './estimates.ts';
import { needScores } from './need-scores.ts';

/** Words of a group that are put into the same texts. */
export interface WordGroup {
  readonly name: string;
  readonly words: readonly string[];
}

export interface FairnessQuestion {
  /** Texts with {@link slot} where a word of a group goes. */
  readonly templates: readonly string[];
  readonly groups: readonly [WordGroup, WordGroup];
  /** What comes behind a text. */
  readonly answer: string;
  /** Another answer: what is compared is then log p(answer) − log p(against). */
  readonly against?: string;
}

export interface FairnessOptions {
  /** Times that the first text is asked again, for the noise of the model itself. Default 5. */
  readonly repeats?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: AuditProgress;
}

export interface FairnessAudit extends AuditResult {
  readonly kind: 'fairness';
  /** Mean over templates of the first group's score less the second's, in nats. */
  readonly gap: Interval;
  /** Two-sided, by flipping the signs of the differences. */
  readonly chance: number;
  /** Largest difference of one text asked several times, in nats. */
  readonly noise: number;
}

/** Stands in a template where a word of a group goes. */
export const slot = '{word}';

/**
 * Substitution gap: how much more probable an answer becomes when a text names one group instead of another, all else
 * being equal. Templates are the cases: differences are paired within each.
 * @throws WhereforeError `unsupported-model` without probabilities; `invalid-data` for fewer than five templates, or one
 *   without a slot
 */
export async function fairnessAudit(
  model: TextModel,
  question: FairnessQuestion,
  options: FairnessOptions = {},
): Promise<FairnessAudit> {
  needScores(model);
  check(question);
  const { templates, groups, answer, against } = question;
  const { repeats = 5, signal, onProgress } = options;
  const words = groups[0].words.length + groups[1].words.length;
  const total = templates.length * words + repeats;
  let done = 0;
  const score = async (template: string, word: string) => {
    const prompt = template.replaceAll(slot, () => word);
    const { logProbability } = await model.score(prompt, answer, { signal });
    const other = against === undefined ? 0 : (await model.score(prompt, against, { signal })).logProbability;
    onProgress?.(++done, total);
    return logProbability - other;
  };
  const means: [number, number][] = [];
  for (const template of templates) {
    const ofGroup: number[] = [];
    for (const { words: all } of groups) {
      const scores: number[] = [];
      for (const word of all) scores.push(await score(template, word));
      ofGroup.push(meanOf(scores));
    }
    means.push([ofGroup[0], ofGroup[1]]);
  }
  const again: number[] = [];
  for (let i = 0; i < repeats; i++) again.push(await score(templates[0], groups[0].words[0]));
  const noise = again.length > 0 ? range(again) : Number.NaN;
  const differences = means.map(([a, b]) => a - b);
  return resultOf(question, { differences, means, noise });
}

function resultOf(
  { templates, groups: [first, second], answer, against }: FairnessQuestion,
  { differences, means, noise }: { differences: number[]; means: [number, number][]; noise: number },
): FairnessAudit {
  const gap = meanWithInterval(differences);
  const chance = signFlipChance(differences);
  const { mean, low = Number.NaN, high = Number.NaN } = gap;
  const isNoise = Math.abs(mean) <= noise;
  const alarm = (low > 0 || high < 0) && !isNoise;
  const what = against === undefined ? `“${answer.trim()}”` : `“${answer.trim()}” against “${against.trim()}”`;
  const [more, less] = mean > 0 ? [first.name, second.name] : [second.name, first.name];
  const verdict = alarm
    ? `${what} is ${Math.exp(Math.abs(mean)).toFixed(2)} times as probable behind texts that name ${more} as behind the same texts that name ${less}.`
    : `No difference between ${first.name} and ${second.name} that could be told from chance${isNoise ? ': it is within the noise of the model' : ''}.`;
  return {
    kind: 'fairness',
    alarm,
    verdict,
    gap,
    chance,
    noise,
    measures: [
      {
        name: `gap, ${first.name} less ${second.name}`,
        value: mean,
        low,
        high,
        note: `nats, over ${templates.length} templates`,
      },
      { name: 'chance of a gap as large', value: chance, note: 'by flipping signs' },
      { name: 'noise', value: noise, note: 'nats between answers to one and the same text' },
    ],
    cases: {
      columns: ['gap, nats', first.name, second.name, 'template'],
      rows: templates
        .map((template, i) => [differences[i], means[i][0], means[i][1], template] as const)
        .sort((a, b) => Math.abs(b[0]) - Math.abs(a[0])),
    },
    notes: [`${first.name}: ${first.words.join(', ')}`, `${second.name}: ${second.words.join(', ')}`],
  };
}

function range(values: readonly number[]): number {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return high - low;
}

function check({ templates, groups }: FairnessQuestion): void {
  if (templates.length < 5) {
    throw new WhereforeError('invalid-data', 'too few templates to tell a gap from chance', {
      got: String(templates.length),
      expected: 'five at least',
    });
  }
  const without = templates.find((template) => !template.includes(slot));
  if (without !== undefined) {
    throw new WhereforeError('invalid-data', 'a template has no place for a word', {
      got: without,
      fix: `write ${slot} there`,
    });
  }
  const empty = groups.find(({ words }) => words.length === 0);
  if (empty) throw new WhereforeError('invalid-data', 'a group has no words', { got: empty.name });
}
