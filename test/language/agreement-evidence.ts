import { englishShape } from '../../examples/language/english.ts';
import { type Agreement, drawStory, nouns, otherForm } from '../../examples/language/grammar.ts';
import { splitIds } from '../../src/language/generate/local-text-model.ts';
import type { LanguageModel } from '../../src/language/model/language-model.ts';
import { logitsAt } from '../../src/language/model/run.ts';
import { openEmbeddingProgram } from '../../src/language/why/embedding-program.ts';
import { openPrefixScorer } from '../../src/language/why/prefix-scorer.ts';
import { questionOf } from '../../src/language/why/question.ts';
import { alternativeBaseline } from '../../src/language/why/token-baselines.ts';
import { openUnitGame } from '../../src/language/why/unit-game.ts';
import { leaveOneOut } from '../../src/language/why/unit-methods.ts';
import { unitsIn } from '../../src/language/why/why.ts';
import { type Random, random } from '../../src/tensor/random.ts';
import {
  attentionOf,
  everywhere,
  gradientTimes,
  integratedFrom,
  type OpenQuestion,
  relevance,
  type TokenScores,
} from './token-methods.ts';

/** What stands between a subject and its verb. */
export type AgreementKind = 'no attractor' | 'one attractor' | 'two attractors' | 'relative clause';

export function kindOf({ attractors, hasRelative }: Agreement): AgreementKind | undefined {
  if (hasRelative) return attractors > 0 ? 'relative clause' : undefined;
  return (['no attractor', 'one attractor', 'two attractors'] as const)[attractors];
}

/** Sentences of stories that no training has seen, so many of each kind. */
export function agreementItems(count: number, kinds: readonly AgreementKind[], seed: number) {
  const found = new Map<AgreementKind, Agreement[]>(kinds.map((kind) => [kind, []]));
  for (let i = 0; [...found.values()].some(({ length }) => length < count); i++) {
    for (const one of drawStory(random(seed, i + 1)).agreements) {
      const kind = kindOf(one);
      const list = kind && found.get(kind);
      if (list && list.length < count) list.push(one);
    }
  }
  return found;
}

/** The text up to the verb. */
export const promptOf = ({ before, words, verb }: Agreement) => [...before, ...words.slice(0, verb)].join(' ');

/** Logit of the verb as it is written less that of its other form. */
export async function preference(language: LanguageModel, prompt: string, verb: string): Promise<number> {
  const [start, own] = splitIds(language, prompt, ` ${verb}`);
  const [, other] = splitIds(language, prompt, ` ${otherForm.get(verb)}`);
  const logits = await logitsAt(language, start);
  const last = logits.length - language.tokenizer.size;
  return logits[last + own[0]] - logits[last + other[0]];
}

/** The same text with the subject in its other number; only where its determiner is `the`, which goes with both. */
export function turned(one: Agreement): string | undefined {
  const words = [...one.words];
  const isThe = (i: number) => words[i]?.toLowerCase() === 'the';
  if (!isThe(one.subject - 1) && !isThe(one.subject - 2)) return undefined;
  words[one.subject] = otherForm.get(words[one.subject]) as string;
  return promptOf({ ...one, words });
}

export interface OpenAgreement extends OpenQuestion {
  readonly item: Agreement;
  /** Tokens of the prompt before the sentence; each word is a token. */
  readonly offset: number;
  readonly source: Random;
}

/** One number for each word of the sentence before the verb; the largest is the word that decided. */
export type WordMethod = (open: OpenAgreement) => Promise<TokenScores | { readonly values: ArrayLike<number> }>;

const inSentence = ({ item, offset }: OpenAgreement, { values, error }: TokenScores): TokenScores => ({
  values: values.slice(offset, offset + item.verb),
  error,
});

const tokens =
  (of: (open: OpenAgreement) => Promise<TokenScores>): WordMethod =>
  async (open) =>
    inSentence(open, await of(open));

const integrated = (baseline: string): WordMethod =>
  tokens(async (open) => integratedFrom(open, await everywhere(open, baseline)));

const placed =
  (scoreOf: (word: string, i: number, open: OpenAgreement) => number): WordMethod =>
  async (open) => ({ values: open.item.words.slice(0, open.item.verb).map((word, i) => scoreOf(word, i, open)) });

const isNoun = (word: string) => nouns.has(word) || nouns.has(word.toLowerCase());

/** Every method, and what any of them has to beat. */
export const wordMethods: Readonly<Record<string, WordMethod>> = {
  'IG, nouns half-way between their forms': tokens(async (open) => {
    const { language, program, question, item } = open;
    const own = item.words.slice(0, item.verb).filter((word) => nouns.has(word));
    const forms = new Map(own.map((word) => [word, otherForm.get(word) as string]));
    return integratedFrom(open, await alternativeBaseline(language, program, question, forms));
  }),
  AttnLRP: tokens((open) => relevance(open, 'half')),
  'LRP, attention held': tokens((open) => relevance(open, 'held')),
  'word left out': async (open) => {
    const { language, question, item, offset } = open;
    const scorer = await openPrefixScorer(language, question);
    const game = await openUnitGame(scorer, unitsIn(question, 'token'));
    const values = new Float64Array(item.verb);
    for (const [k, value] of (await leaveOneOut(game)).entries()) values[game.units[k].tokens[0] - offset] = value;
    await scorer.close();
    return { values };
  },
  'IG from zero': integrated('zero'),
  'IG from <pad>': integrated('<pad>'),
  'IG from the mean of all tokens': integrated('mean'),
  'gradient × embedding': tokens((open) => gradientTimes(open, 'signed')),
  '|gradient × embedding|': tokens((open) => gradientTimes(open, 'absolute')),
  'attention rollout': tokens((open) => attentionOf(open, englishShape.layers, 'rollout')),
  'attention of the last layer': tokens((open) => attentionOf(open, englishShape.layers, 'last layer')),
  'first noun': placed((word, i) => (isNoun(word) ? -i : -1000)),
  'noun next to the verb': placed((word, i) => (isNoun(word) ? i : -1000)),
  random: placed((_, __, { source }) => source.uniform()),
};

/** Whether each method names the subject, for each item; and the errors of its sums. */
export async function agreementEvidence(
  language: LanguageModel,
  items: readonly Agreement[],
  methods: readonly string[] = Object.keys(wordMethods),
): Promise<Readonly<Record<string, { readonly hits: number[]; readonly errors: number[] }>>> {
  const found = Object.fromEntries(methods.map((name) => [name, { hits: [] as number[], errors: [] as number[] }]));
  for (const [i, item] of items.entries()) {
    const verb = item.words[item.verb];
    const keep = item.before.join(' ');
    const question = await questionOf(language, {
      prompt: promptOf(item),
      answer: ` ${verb}`,
      against: ` ${otherForm.get(verb)}`,
      keep,
    });
    const program = await openEmbeddingProgram(language, question);
    const offset = question.encoded.ids.length - item.verb;
    const open: OpenAgreement = { language, question, program, item, offset, source: random(9, i) };
    for (const name of methods) {
      const scores = await wordMethods[name](open);
      const values = Array.from(scores.values);
      let best = 0;
      for (const [k, value] of values.entries()) if (value > values[best]) best = k;
      found[name].hits.push(Number(best === item.subject));
      if ('error' in scores && scores.error !== undefined) found[name].errors.push(scores.error);
    }
  }
  return found;
}
