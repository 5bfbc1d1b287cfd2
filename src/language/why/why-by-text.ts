import { WhereforeError } from '../../errors.ts';
import { type Unit, type UnitKind, unitKinds } from '../text/units.ts';
import type { TextModel } from '../text-model.ts';
import { lexicalOverlap, plannedCurves } from './deletion.ts';
import { made, spread } from './made-attribution.ts';
import { titles } from './method-titles.ts';
import type { PrefixScorer } from './prefix-scorer.ts';
import { type Question, stayingTokens, type WhyRequest } from './question.ts';
import { piecesOf } from './text-pieces.ts';
import { openUnitGame, type UnitGame } from './unit-game.ts';
import { leaveOneOut, shapleyValues, sparseSurrogate } from './unit-methods.ts';
import { checkCounts, unitsIn } from './why.ts';
import type { WhyAnswer, WhyDocument, WhyMethodName } from './why-document.ts';

export interface WhyByTextOptions extends Omit<WhyRequest, 'token'> {
  /** Of `leave-one-out`, `surrogate` and `shapley`; default the first. */
  readonly methods?: readonly WhyMethodName[];
  /** What is left out; default: sentences where there are three or more, else words. */
  readonly unit?: UnitKind;
  /** Random sets that the surrogate is fitted to; default 64. */
  readonly sets?: number;
  /** Sets for Shapley values; default 256, or all where there are no more. */
  readonly samples?: number;
  readonly seed?: number;
  /** Prompts that were scored so far. */
  readonly onProgress?: (prompts: number) => void;
}

/** Each point of the curves that judge is a prompt that is paid for. */
const curves = { points: 4, orders: 2 };

/**
 * Why a model that shows no more than probabilities gave an answer: by leaving out words, sentences or paragraphs of the
 * prompt. For K of them leaving out each takes K + 1 prompts; one more has none, 15 at most judge the order beside trivial ones.
 * @throws WhereforeError `unsupported-model` where the model does not tell the probability of a given answer, and for a
 *   method that needs more; `invalid-argument` for an empty prompt or answer; `unknown-name` for a kept part that is not there
 * @example
 * const model = await connectEndpoint({ url: 'http://localhost:8000/v1', model: 'llama' });
 * const document = await whyByText(model, { prompt: 'Tom had a red ball. He', answer: ' threw' });
 */
export async function whyByText(model: TextModel, options: WhyByTextOptions): Promise<WhyDocument> {
  const { methods = ['leave-one-out'], sets = 64, samples = 256, seed = 0 } = options;
  checkCounts({ sets, samples });
  const run = methods.map((name) => runOf(model, name));
  const { question, answer, against } = await asked(model, options);
  const units = Object.fromEntries(unitKinds.map((kind) => [kind, unitsIn(question, kind)])) as Record<
    UnitKind,
    Unit[]
  >;
  const unit = options.unit ?? (units.sentence.filter(({ special }) => !special).length >= 3 ? 'sentence' : 'word');
  const scorer = textScorer(model, question, options);
  const game = await openUnitGame(scorer, units[unit], { mayBeEmpty: options.keep === undefined });
  const [target, baseline] = [game.full - game.empty, `the prompt without any ${unit}`];
  const attributions = [];
  const orders = [];
  for (const [i, name] of methods.entries()) {
    const { values, ...told } = await run[i](game, { sets, samples, seed });
    const all = spread({ units: units[unit] }, values);
    attributions.push(made(name, { ...told, values: all, target, unit, baseline }));
    orders.push({ name: titles[name].title, scores: values });
  }
  const lengths = game.units.map(({ text }) => text.length);
  orders.push({ name: 'words of the answer', scores: lexicalOverlap(game, question.answer.text) });
  orders.push({ name: 'longest first', scores: lengths });
  const plan = plannedCurves(game, orders, seed, curves);
  const judging = plan.read(await game.values(plan.sets));
  return {
    format: 'wherefore/language-why',
    version: 1,
    model: { name: model.name },
    prompt: question.prompt,
    answer,
    ...(against && { against }),
    value: game.full,
    empty: game.empty,
    units,
    unit,
    attributions,
    baselines: [],
    curves: judging,
    control: { sets: 0, ldsOfCount: null, spread: 0 },
    cost: { calls: scorer.cost.calls, backward: 0 },
    settings: { seed, sets, samples },
    notes: [
      'the model shows no gradients and no tokens of its own: words stand for tokens, and parts are left out of the text',
      ...steadiness(model),
    ],
  };
}

/** What is known of whether it says the same twice, which is tried in conversations. */
function steadiness({ access: { repeatable, chat } }: TextModel): string[] {
  if (repeatable) return [];
  const known = chat ? 'asked twice it said different things' : 'whether it says the same twice is not known';
  return [`${known}: small differences may be chance`];
}

type Run = (
  game: UnitGame,
  settings: WhyDocument['settings'],
) => Promise<{ values: Float64Array; promises: boolean; notes: readonly string[] }>;

/** Methods that only ask how probable the answer is. */
const runs: Readonly<Partial<Record<WhyMethodName, Run>>> = {
  async 'leave-one-out'(game) {
    const notes = ['what several parts say alike counts for none of them: each can be left out'];
    return { values: await leaveOneOut(game), promises: false, notes };
  },
  async surrogate(game, { sets, seed }) {
    const { values, penalty } = await sparseSurrogate(game, { sets, seed });
    const notes = [`fitted to ${sets} sets, λ = ${penalty.toPrecision(2)} by cross-validation`];
    return { values, promises: false, notes };
  },
  async shapley(game, { samples, seed }) {
    const { values, isExact } = await shapleyValues(game, { samples, seed });
    return { values, promises: true, notes: [isExact ? 'exact: all sets were asked' : `from ${samples} sets`] };
  },
};

function runOf({ name: where, access }: TextModel, method: WhyMethodName): Run {
  if (!access.scores) {
    throw new WhereforeError('unsupported-model', 'the model does not tell the probability of a given answer', {
      where,
      fix: 'use a local model, or a server that echoes log-probabilities',
    });
  }
  const run = runs[method];
  if (run) return run;
  throw new WhereforeError('unsupported-model', 'the method needs gradients, and the model shows none', {
    where,
    got: method,
    expected: Object.keys(runs).join(', '),
  });
}

/** The question in words, and how probable its answers are. */
async function asked(model: TextModel, options: WhyByTextOptions) {
  const { prompt, keep, maxTokens = 20, signal } = options;
  const refuse = (what: string, fix: string) =>
    new WhereforeError('invalid-argument', what, { where: model.name, fix });
  const encoded = piecesOf(prompt);
  if (encoded.ids.length === 0) throw refuse('the prompt is empty', 'give the prompt that the answer came from');
  const text = options.answer ?? (await model.generate(prompt, { maxTokens, signal })).text;
  if (text.trim() === '') throw refuse('the answer is empty', 'give one: --answer "…"');
  if (text === options.against) throw refuse('the answer is compared with itself', 'give another one to compare with');
  const told = async (own: string, generated: boolean): Promise<WhyAnswer> => {
    const { logProbability, tokens } = await model.score(prompt, own, { signal });
    const texts = tokens.map((token) => token.text);
    return { text: own, tokens: texts, counted: [0, texts.length], generated, logProbability };
  };
  const question: Question = {
    prompt,
    encoded,
    stays: stayingTokens(prompt, encoded, keep),
    answer: { text, ids: [], texts: [], counted: [0, 0] },
    generated: options.answer === undefined,
  };
  const answer = await told(text, question.generated);
  return { question, answer, against: options.against === undefined ? undefined : await told(options.against, false) };
}

/** Scores prompts as texts; none is asked about twice. */
function textScorer(
  model: TextModel,
  { encoded, answer }: Question,
  { against, signal, onProgress }: WhyByTextOptions,
): Pick<PrefixScorer, 'scoreKept' | 'cost'> {
  const known = new Map<string, number>();
  const cost = { calls: 0, tokens: 0 };
  const scoreOf = async (prompt: string, text: string) => (await model.score(prompt, text, { signal })).logProbability;
  return {
    cost,
    async scoreKept(kept) {
      const prompt = encoded.texts
        .filter((_, i) => kept(i))
        .join('')
        .trimStart();
      const before = known.get(prompt);
      if (before !== undefined) return before;
      const other = against === undefined ? 0 : await scoreOf(prompt, against);
      const value = (await scoreOf(prompt, answer.text)) - other;
      known.set(prompt, value);
      cost.calls++;
      onProgress?.(cost.calls);
      return value;
    },
  };
}
