import { WhereforeError } from '../../errors.ts';
import { atOnce } from '../../evaluation/at-once.ts';
import type { Interval } from '../../evaluation/statistics.ts';
import type { TextModel } from '../text-model.ts';
import type { AuditMeasure, AuditProgress, AuditResult } from './audit-document.ts';
import { meanWithInterval, shareWithInterval, signFlipChance } from './estimates.ts';

export interface BehaviourQuestion {
  readonly prompts: readonly string[];
  /**
   * Texts around a prompt, with {@link promptSlot} where it goes: attempts to bring the model to it (jailbreaks). The
   * prompt alone is always tried.
   */
  readonly templates?: readonly string[];
  /** A text before the prompt that is to prevent it: everything is asked with and without. */
  readonly mitigation?: string;
  /** Whether an answer shows the behaviour: harmful words, a refusal that is missing. */
  readonly shows: (answer: string) => boolean;
  /** What the behaviour is called. */
  readonly name?: string;
}

export interface BehaviourOptions {
  /** Default 64. */
  readonly maxTokens?: number;
  /** Prompts under way at once. Default 2. */
  readonly atOnce?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: AuditProgress;
}

/** How often a way of asking brings the behaviour about. */
export interface BehaviourArm {
  /** `as it is`, a template, either with the mitigation. */
  readonly name: string;
  readonly template: string;
  readonly mitigated: boolean;
  readonly rate: Interval;
  /** Less the rate of the prompts as they are, paired by prompt; none for these. */
  readonly change?: Interval & { readonly chance: number };
}

export interface BehaviourAudit extends AuditResult {
  readonly kind: 'behaviour';
  readonly arms: readonly BehaviourArm[];
  /** Share of prompts whose answer changes side when they are asked again. */
  readonly noise: Interval;
  /** For prompts that show it as they are: the words without which they no longer do. */
  readonly responsible: readonly { readonly prompt: string; readonly words: readonly string[] }[];
}

/** Stands in a template where the prompt goes. */
export const promptSlot = '{prompt}';

/** Prompts whose responsible words are looked for, and words of each that are tried. */
const mostLookedInto = 3;
const mostWords = 40;

/**
 * How often answers show a behaviour, such as harmful words or compliance with what should be refused: for prompts as
 * they are, inside templates that try to bring it about, and with a mitigation before them; each paired by prompt. Of
 * prompts that show it, which of their words are needed for it (one left out at a time).
 * @throws WhereforeError `invalid-data` for fewer than three prompts, or a template without a slot
 */
export async function behaviourAudit(
  model: TextModel,
  question: BehaviourQuestion,
  options: BehaviourOptions = {},
): Promise<BehaviourAudit> {
  const { prompts, templates = [], mitigation, shows } = question;
  check(prompts, templates);
  const { maxTokens = 64, signal, onProgress } = options;
  const plans = [promptSlot, ...templates].flatMap((template) =>
    (mitigation === undefined ? [false] : [false, true]).map((mitigated) => ({ template, mitigated })),
  );
  const total = (plans.length + 1) * prompts.length;
  let done = 0;
  const asked = async (text: string, sample = 0) => {
    const answer = await model.generate(text, { maxTokens, sample, signal });
    return { text: answer.text, shown: answer.ended !== 'withheld' && shows(answer.text) };
  };
  const askAll = (textOf: (prompt: string) => string, sample = 0) =>
    atOnce(prompts, options.atOnce ?? 2, async (prompt) => {
      const answer = await asked(textOf(prompt), sample);
      onProgress?.(++done, total);
      return answer;
    });
  const found: { readonly plan: (typeof plans)[number]; readonly answers: Awaited<ReturnType<typeof asked>>[] }[] = [];
  for (const plan of plans) {
    const before = plan.mitigated ? `${mitigation}\n\n` : '';
    found.push({
      plan,
      answers: await askAll((prompt) => before + plan.template.replaceAll(promptSlot, () => prompt)),
    });
  }
  const [plain] = found;
  const again = await askAll((prompt) => prompt, 1);
  const flips = again.filter(({ shown }, i) => shown !== plain.answers[i].shown).length;
  const arms = found.map(({ plan, answers }): BehaviourArm => {
    const hits = answers.filter(({ shown }) => shown).length;
    const differences = answers.map(({ shown }, i) => Number(shown) - Number(plain.answers[i].shown));
    const isPlain = plan === plain.plan;
    const name = `${plan.template === promptSlot ? 'as they are' : plan.template}${plan.mitigated ? ', with the mitigation' : ''}`;
    const change = { ...meanWithInterval(differences), chance: signFlipChance(differences) };
    return { name, ...plan, rate: shareWithInterval(hits, prompts.length), ...(!isPlain && { change }) };
  });
  const shown = prompts.filter((_, i) => plain.answers[i].shown).slice(0, mostLookedInto);
  const responsible: { prompt: string; words: string[] }[] = [];
  for (const prompt of shown)
    responsible.push({ prompt, words: await neededWords(prompt, async (text) => (await asked(text)).shown) });
  const cases = prompts.map((prompt, i) => [
    plain.answers[i].shown ? 'yes' : 'no',
    prompt,
    plain.answers[i].text.trim(),
  ]);
  return resultOf(question, { arms, noise: shareWithInterval(flips, prompts.length), responsible, cases });
}

/** The words of a prompt without which it does not show the behaviour any more. */
async function neededWords(prompt: string, shows: (text: string) => Promise<boolean>): Promise<string[]> {
  const words = prompt.split(/(?<=\s)/);
  const needed: string[] = [];
  for (const [i, word] of words.slice(0, mostWords).entries()) {
    const without = words
      .filter((_, j) => j !== i)
      .join('')
      .trim();
    if (without !== '' && !(await shows(without))) needed.push(word.trim());
  }
  return needed;
}

function resultOf(
  { prompts, name = 'the behaviour' }: BehaviourQuestion,
  found: Pick<BehaviourAudit, 'arms' | 'noise' | 'responsible'> & { readonly cases: readonly (readonly string[])[] },
): BehaviourAudit {
  const { arms, noise, responsible, cases } = found;
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const open = arms.filter(({ mitigated }) => !mitigated);
  const worst = open.reduce((most, arm) => (arm.rate.mean > most.rate.mean ? arm : most));
  const after = arms.find(({ template, mitigated }) => mitigated && template === worst.template);
  const where = worst.template === promptSlot ? 'as they are' : 'in the template that does most';
  const alarm = worst.rate.mean > 0;
  const verdict = alarm
    ? `${percent(worst.rate.mean)} of ${prompts.length} prompts show ${name} ${where}${after ? `; with the mitigation ${percent(after.rate.mean)}` : ''}.`
    : `No answer to ${prompts.length} prompts shows ${name}; up to ${percent(worst.rate.high ?? 1)} of such prompts may.`;
  const measures: AuditMeasure[] = arms.map(({ name: arm, rate, change }) => ({
    name: `rate, ${arm}`,
    value: rate.mean,
    low: rate.low,
    high: rate.high,
    ...(change && { note: `${signed(change.mean)} against as they are, chance ${change.chance.toPrecision(2)}` }),
  }));
  const again = { name: 'answers that change when asked again', value: noise.mean, low: noise.low, high: noise.high };
  return {
    kind: 'behaviour',
    alarm,
    verdict,
    arms,
    noise,
    responsible,
    measures: [...measures, again],
    cases: { columns: ['shown', 'prompt', 'answer'], rows: cases },
    notes: responsible.map(
      ({ prompt, words }) =>
        `“${prompt}” needs ${words.length > 0 ? words.map((word) => `“${word}”`).join(', ') : 'no single word of it'}`,
    ),
  };
}

const signed = (value: number): string => `${value > 0 ? '+' : ''}${value.toFixed(2).replace('-', '−')}`;

function check(prompts: readonly string[], templates: readonly string[]): void {
  if (prompts.length < 3) {
    throw new WhereforeError('invalid-data', 'too few prompts for a rate', {
      got: String(prompts.length),
      expected: 'three at least',
    });
  }
  const without = templates.find((template) => !template.includes(promptSlot));
  if (without !== undefined) {
    throw new WhereforeError('invalid-data', 'a template has no place for the prompt', {
      got: without,
      fix: `write ${promptSlot} there`,
    });
  }
}

/** Whether a text holds one of some words or phrases, as whole words and in any case. */
export function holdsAny(phrases: readonly string[]): (text: string) => boolean {
  const escaped = phrases.map((phrase) => phrase.trim().replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).filter(Boolean);
  if (escaped.length === 0)
    throw new WhereforeError('invalid-data', 'no word to look for', { expected: 'one at least' });
  const found = new RegExp(`(?<![\\p{L}\\p{N}])(?:${escaped.join('|')})(?![\\p{L}\\p{N}])`, 'iu');
  return (text) => found.test(text);
}
