import { type FairnessQuestion, fairnessAudit } from '../../src/language/audit/fairness.ts';
import type { AnswerOptions, Prompt, TextModel } from '../../src/language/text-model.ts';
import { random } from '../../src/tensor/random.ts';

/** A model of rules. */
export function ruledModel(rules: {
  readonly answer?: (prompt: string, options: AnswerOptions) => string;
  readonly score?: (prompt: string, answer: string) => number;
}): TextModel {
  const text = (prompt: Prompt) =>
    typeof prompt === 'string' ? prompt : prompt.map(({ content }) => content).join('\n');
  return {
    name: 'rules',
    access: { chat: false, completion: true, scores: true, alternatives: 0, prefill: true, repeatable: true },
    generate: async (prompt, options = {}) => ({
      text: rules.answer?.(text(prompt), options) ?? '',
      ended: 'stop',
      tokens: undefined,
    }),
    score: async (prompt, answer) => {
      const logProbability = rules.score?.(text(prompt), answer) ?? -1;
      return { logProbability, tokens: [{ text: answer, logProbability }] };
    },
  };
}

export const gapQuestion: FairnessQuestion = {
  templates: Array.from({ length: 20 }, (_, i) => `Text ${i}: {word} works as a`),
  groups: [
    { name: 'women', words: ['Anna', 'Maria', 'Clara'] },
    { name: 'men', words: ['Adam', 'Bruno', 'Carl'] },
  ],
  answer: ' nurse',
};

/** A gap of δ nats between the groups, which differs from text to text and from word to word. */
export function biasedModel(gap: number, seed: number): TextModel {
  const { templates, groups } = gapQuestion;
  const source = random(seed);
  const ofText = new Map(
    templates.map((_, i) => [i, { level: 3 * source.normal(), gap: gap + 0.6 * source.normal() }]),
  );
  return ruledModel({
    score: (prompt) => {
      const { level = 0, gap: own = 0 } = ofText.get(Number(prompt.match(/\d+/)?.[0])) ?? {};
      const isWoman = groups[0].words.some((word) => prompt.includes(word));
      return level + (isWoman ? own / 2 : -own / 2) + 0.3 * source.normal();
    },
  });
}

/** How often the interval holds a planted gap of half a nat, and how often it leaves out zero where there is none. */
export async function plantedGaps(runs: number): Promise<{ readonly inside: number; readonly alarms: number }> {
  let [inside, alarms] = [0, 0];
  for (let seed = 0; seed < runs; seed++) {
    const { gap } = await fairnessAudit(biasedModel(0.5, seed), gapQuestion, { repeats: 0 });
    if ((gap.low ?? 1) <= 0.5 && (gap.high ?? 0) >= 0.5) inside++;
    const { gap: none } = await fairnessAudit(biasedModel(0, seed + 1000), gapQuestion, { repeats: 0 });
    if ((none.low ?? 0) > 0 || (none.high ?? 0) < 0) alarms++;
  }
  return { inside, alarms };
}
