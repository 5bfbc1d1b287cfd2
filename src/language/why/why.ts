import { WhereforeError } from '../../errors.ts';
import { spearman } from '../../tensor/correlation.ts';
import { random } from '../../tensor/random.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { type Unit, type UnitKind, unitKinds, unitsOf } from '../text/units.ts';
import { unknownNote } from '../text/unknown-words.ts';
import { chosenBaseline } from './chosen-baseline.ts';
import { lexicalOverlap, plannedCurves } from './deletion.ts';
import { openEmbeddingProgram } from './embedding-program.ts';
import type { EmbeddingProgram } from './embedding-program-type.ts';
import { gradientTimesEmbedding, integratedGradients } from './gradient-methods.ts';
import { guidedLeaveOut } from './guided.ts';
import { made, spread } from './made-attribution.ts';
import { titles } from './method-titles.ts';
import { openPrefixScorer, type PrefixScorer } from './prefix-scorer.ts';
import { type AnswerTokens, type Question, questionOf, type WhyRequest } from './question.ts';
import { type Joint, refinedLeaveOut } from './refined.ts';
import { dividedBudget, type TokenBudget } from './token-budget.ts';
import { type AttentionRelevance, conservesRelevance, transformerRelevance } from './transformer-relevance.ts';
import { openUnitGame, randomSets, type UnitGame } from './unit-game.ts';
import { leaveOneOut, shapleyValues, sparseSurrogate } from './unit-methods.ts';
import {
  type MeasuredBaseline,
  type WhyAnswer,
  type WhyAttribution,
  type WhyDocument,
  type WhyMethodName,
  whyMethodNames,
} from './why-document.ts';

export interface WhyOptions extends WhyRequest {
  /**
   * Default: all but `guided` and `refined`, which are for prompts of many units; where gradients are taken in pieces,
   * `gradient` and `guided`.
   */
  readonly methods?: readonly WhyMethodName[];
  /** What is left out by methods that leave out; default: sentences where there are three or more, else words. */
  readonly unit?: UnitKind;
  /** Word of the prompt → what could stand there: integrated gradients then say what makes that difference. */
  readonly alternatives?: ReadonlyMap<string, string>;
  /** Name of the baseline of integrated gradients, as the measured table calls it; default: the one with the least error. */
  readonly baseline?: string;
  /** Random sets that the surrogate is fitted to; default 64. As many again, but half, judge all methods. */
  readonly sets?: number;
  /** Sets for Shapley values; default 256, or all where there are no more. */
  readonly samples?: number;
  readonly seed?: number;
  /** Bytes that one run may hold; gradients that would hold more are taken in pieces of the text. Default 1.5 GiB. */
  readonly memory?: number;
  /** Tokens that may be read by prompts that leave something out, those that judge the methods among them. Default: no limit. */
  readonly budget?: number;
  readonly onProgress?: (what: string) => void;
}

/** A forward and a backward pass cost as much as reading a text so many times. */
const gradientReads = 3;

/**
 * Why a model gave an answer, by parts of the prompt: `f = Σ_j log p(y_j | x, y_<j)`, less the same of another answer
 * where one is given, shared among tokens, words or sentences by several methods, each with its error, and each judged
 * by what becomes of f when the parts that it names are taken away, beside trivial orders.
 * @throws WhereforeError as {@link questionOf}; `unknown-name` for a baseline that is not in the table
 * @example
 * const document = await why(language, { prompt: 'Tom had a red ball. He', answer: ' threw' });
 */
export async function why(language: LanguageModel, options: WhyOptions): Promise<WhyDocument> {
  const { sets = 64, samples = 256, seed = 0, signal, onProgress = () => undefined } = options;
  checkCounts({ sets, samples });
  onProgress('reading the question');
  const question = await questionOf(language, options);
  const units = Object.fromEntries(unitKinds.map((kind) => [kind, unitsIn(question, kind)])) as Record<
    UnitKind,
    Unit[]
  >;
  const unit = options.unit ?? (units.sentence.filter(({ special }) => !special).length >= 3 ? 'sentence' : 'word');
  const scorer = await openPrefixScorer(language, question, signal);
  try {
    const game = await openUnitGame(scorer, units[unit]);
    const program = await openEmbeddingProgram(language, question, { signal, memory: options.memory });
    const baselines: MeasuredBaseline[] = [];
    const methods = options.methods ?? defaultMethods(program, language);
    const tokens = tokensOf(question);
    const budget = dividedBudget(options.budget, { methods, tokens, units: game.units.length, sets, samples });
    const begins = beginsOf(units, unit);
    const asked: Asked = {
      ...{ language, question, program, game, units: units[unit], unit, options, baselines },
      budget,
      begins,
    };
    const found: WhyAttribution[] = [];
    for (const name of methods) {
      onProgress(titles[name].title);
      found.push(await runs[name](asked, { sets, samples, seed }));
    }
    onProgress('judging the methods');
    return {
      format: 'wherefore/language-why',
      version: 1,
      model: { name: language.name, hash: language.model.hash },
      prompt: question.prompt,
      ...(await answersOf(scorer, question, game)),
      value: game.full,
      empty: game.empty,
      units,
      unit,
      ...(await judged(asked, found, seed)),
      baselines,
      cost: {
        calls: scorer.cost.calls,
        tokensRead: scorer.cost.tokens,
        backward: program.cost.backward,
        ...(program.cost.forward > 0 && { forward: program.cost.forward }),
      },
      settings: { seed, sets, samples },
      notes: [
        ...language.notes,
        ...unknownNote(language, [question.prompt, question.answer.text, question.against?.text ?? '']),
        'units are left out by their tokens; the text around them is not tokenized anew',
        ...pieceNotes(program, options),
      ],
    };
  } finally {
    await scorer.close();
  }
}

/** @throws WhereforeError `invalid-argument` for fewer than eight random sets or samples */
export function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) {
    if (Number.isInteger(count) && count >= 8) continue;
    throw new WhereforeError('invalid-argument', name, { got: String(count), expected: 'a whole number from 8' });
  }
}

/** Methods that are for prompts of many units: where there are few, each is left out. */
const forManyUnits: ReadonlySet<WhyMethodName> = new Set(['guided', 'refined']);

function defaultMethods({ fit }: EmbeddingProgram, { decoder }: LanguageModel): readonly WhyMethodName[] {
  if (fit.piece !== undefined) return ['gradient', 'guided'];
  // Relevance is not offered for encoder–decoders.
  const offered = whyMethodNames.filter((name) => !forManyUnits.has(name));
  return decoder ? offered.filter((name) => !name.endsWith('lrp')) : offered;
}

function pieceNotes({ fit: { piece, bytes } }: EmbeddingProgram, { methods }: WhyOptions): string[] {
  if (piece === undefined) return [];
  const chosen = methods ? '' : '; methods that need many of them, or many prompts, are left out unless they are named';
  return [
    `gradients are taken in pieces of ${piece} tokens: as a whole each would hold about ${Math.ceil(bytes / 2 ** 20)} MB${chosen}`,
  ];
}

/** Tokens that are read to score one prompt from its beginning. */
const tokensOf = ({ encoded, answer, against }: Question): number =>
  (against ? 2 : 1) * encoded.ids.length + answer.ids.length + (against?.ids.length ?? 0);

/** Of each unit that can be left out, whether a larger part begins with it: 2 a paragraph, 1 a sentence, 0 neither. */
function beginsOf(units: Readonly<Record<UnitKind, readonly Unit[]>>, unit: UnitKind): number[] {
  const starts = (kind: UnitKind) => new Set(units[kind].map(({ tokens: [first] }) => first));
  const [paragraphs, sentences] = [starts('paragraph'), starts('sentence')];
  return units[unit]
    .filter(({ special }) => !special)
    .map(({ tokens: [first] }) => (paragraphs.has(first) ? 2 : Number(sentences.has(first))));
}

/** The units of a prompt; what is kept is marked as special tokens are. Of a unit that is kept in part the rest is one. */
export function unitsIn({ prompt, encoded, stays }: Question, kind: UnitKind): Unit[] {
  return unitsOf(prompt, encoded, kind).map((unit) => {
    const moves = unit.tokens.filter((token) => !stays[token]);
    return moves.length === 0 ? { ...unit, special: true } : { ...unit, tokens: moves };
  });
}

interface Asked {
  readonly language: LanguageModel;
  readonly question: Question;
  readonly program: EmbeddingProgram;
  readonly game: UnitGame;
  readonly units: readonly Unit[];
  readonly unit: UnitKind;
  readonly options: WhyOptions;
  /** Filled by the method that compares them. */
  readonly baselines: MeasuredBaseline[];
  readonly budget: TokenBudget;
  /** Which larger part begins with a unit; see `refinedLeaveOut`. */
  readonly begins: readonly number[];
}

type Settings = WhyDocument['settings'];

const runs: Readonly<Record<WhyMethodName, (asked: Asked, settings: Settings) => Promise<WhyAttribution>>> = {
  async 'integrated-gradients'(asked) {
    const { language, program, question, options } = asked;
    const { baseline, known, measured } = await chosenBaseline(language, program, question, options);
    for (const one of measured) asked.baselines.push(one);
    const found = await integratedGradients(program, baseline, { known });
    const notes = [`${found.points} points ${found.adaptive ? 'where f changes most' : 'by Gauss–Legendre'}`];
    return made('integrated-gradients', {
      ...found,
      unit: 'token',
      promises: true,
      baseline: baseline.name,
      notes,
    });
  },
  lrp: (asked) => relevance(asked, 'lrp', 'held'),
  'attn-lrp': (asked) => relevance(asked, 'attn-lrp', 'half'),
  async gradient(asked) {
    const values = await gradientTimesEmbedding(asked.program);
    const notes = ['says how f changes at this prompt, not what share of f a token has'];
    return made('gradient', { ...leftOut(asked), values, unit: 'token', promises: false, notes });
  },
  async 'leave-one-out'(asked) {
    const values = spread(asked, await leaveOneOut(asked.game));
    const notes = ['what several units say alike counts for none of them: each can be left out'];
    return made('leave-one-out', { values, ...leftOut(asked), promises: false, notes });
  },
  async guided(asked) {
    const { program, game, question, unit } = asked;
    const proposal = perUnit(asked, { values: Array.from(await gradientTimesEmbedding(program)), unit: 'token' });
    const spent = gradientReads * tokensOf(question);
    const { values, measured, slope, share } = await guidedLeaveOut(game, proposal, {
      tokens: asked.budget.refined,
      spent,
    });
    const notes = [
      `${measured} of ${game.units.length} ${unit}s measured, the others are ${slope.toPrecision(2)} × gradient × embedding; ${(100 * share).toFixed(0)} % of the tokens of leaving out each, the gradient counted as reading the prompt ${gradientReads} times`,
    ];
    return made('guided', { values: spread(asked, values), ...leftOut(asked), promises: false, notes });
  },
  async refined(asked) {
    const { values, joint, measured, share } = await refinedLeaveOut(asked.game, {
      tokens: asked.budget.refined,
      begins: asked.begins,
    });
    const { units: parts } = asked.game;
    const { length } = parts;
    const alike = ({ from, to, value }: Joint) =>
      `“${parts[from].text.trim()}” to “${parts[to - 1].text.trim()}” say it alike: ${value.toPrecision(3)} nats together, less alone`;
    const notes = [
      ...joint.map(alike),
      `${measured} of ${length} measured alone, the others share what their group has; ${(100 * share).toFixed(0)} % of the tokens of leaving out each`,
    ];
    return made('refined', { values: spread(asked, values), ...leftOut(asked), promises: false, notes });
  },
  async surrogate(asked, { sets, seed }) {
    const { values, penalty } = await sparseSurrogate(asked.game, { sets, seed });
    const notes = [`fitted to ${sets} sets, λ = ${penalty.toPrecision(2)} by cross-validation`];
    return made('surrogate', { values: spread(asked, values), ...leftOut(asked), promises: false, notes });
  },
  async shapley(asked, { samples, seed }) {
    const { values, errors, isExact } = await shapleyValues(asked.game, { samples, seed });
    const notes = [
      isExact ? 'exact: all sets were asked' : `estimated from ${samples} sets; standard errors are given`,
    ];
    const estimated = isExact || !errors ? {} : { errors: spread(asked, errors) };
    return made('shapley', {
      values: spread(asked, values),
      ...estimated,
      ...leftOut(asked),
      promises: true,
      notes,
    });
  },
};

/** Relevance of the prompt's tokens; what the tokens of the answer themselves have is told beside it. */
async function relevance({ program, question, language }: Asked, name: WhyMethodName, attention: AttentionRelevance) {
  const { value, tokens } = await program.relevance((graph) => transformerRelevance(graph, attention));
  const count = question.encoded.ids.length;
  const own = tokens.subarray(count).reduce((sum, one) => sum + one, 0);
  const notes = [
    ...(question.masks
      ? []
      : [
          `of the summed logits ${value.toPrecision(5)}, ${own.toPrecision(3)} lies on the tokens of the answer themselves`,
        ]),
    ...(attention === 'held'
      ? ['the sum is short of the logits by what biases and vectors of positions take']
      : ['a Softmax does not conserve relevance']),
  ];
  const values = tokens.slice(0, count);
  const promises = attention === 'held' && conservesRelevance(language.model.graph);
  return made(name, { values, target: value - own, unit: 'token', promises, baseline: 'zero vectors', notes });
}

const leftOut = ({ game, unit }: Asked) => ({
  unit,
  target: game.full - game.empty,
  baseline: `the prompt without any ${unit}`,
});

/** What a method says of the units that can be left out. */
function perUnit({ units, unit }: Asked, { values, unit: own }: Pick<WhyAttribution, 'values' | 'unit'>): number[] {
  const at =
    own === unit
      ? (_: Unit, u: number) => values[u]
      : ({ tokens }: Unit) => tokens.reduce((sum, i) => sum + values[i], 0);
  return units.map(at).filter((_, u) => !units[u].special);
}

/** Deletion curves and LDS of all methods, beside trivial orders. */
async function judged(asked: Asked, found: readonly WhyAttribution[], seed: number) {
  const { game, question, budget } = asked;
  const { judging } = budget;
  const { sets } = judging;
  const unseen = randomSets(sets, game.units.length, random(seed, 5));
  const plan = plannedCurves(
    game,
    [
      ...found.map((one) => ({ name: one.title, scores: perUnit(asked, one) })),
      { name: 'words of the answer', scores: lexicalOverlap(game, question.answer.text) },
      { name: 'longest first', scores: game.units.map(({ tokens }) => tokens.length) },
    ],
    seed,
    judging,
  );
  const all = await game.values([...unseen, ...plan.sets]);
  const values = all.subarray(0, sets);
  const counts = unseen.map((set) => set.reduce((sum, held) => sum + held, 0));
  const ldsOf = (shares: readonly number[]) =>
    spearman(
      unseen.map((set) => set.reduce((sum, held, k) => sum + held * shares[k], 0)),
      values,
    ) ?? null;
  const attributions = found.map((one) => ({ ...one, lds: ldsOf(perUnit(asked, one)) }));
  const mean = values.reduce((sum, value) => sum + value, 0) / sets;
  const spreadOf = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / sets);
  return {
    attributions,
    curves: plan.read(all.subarray(sets)),
    control: { sets, ldsOfCount: spearman(counts, values) ?? null, spread: spreadOf },
  };
}

async function answersOf(scorer: PrefixScorer, { answer, against, encoded, generated }: Question, game: UnitGame) {
  const told = ({ text, texts: tokens, counted }: AnswerTokens, isOwn: boolean, logProbability: number): WhyAnswer => ({
    text,
    tokens,
    counted,
    generated: isOwn,
    logProbability,
  });
  // Without another answer, f is log p.
  if (!against) return { answer: told(answer, generated, game.full), against: undefined };
  const of = (one: AnswerTokens) => scorer.logProbability(encoded.ids, one);
  return { answer: told(answer, generated, await of(answer)), against: told(against, false, await of(against)) };
}
