import { drawLookup, type Lookup, lookupQuestion, lookupShape } from '../../examples/language/lookup.ts';
import type { LanguageModel } from '../../src/language/model/language-model.ts';
import { openEmbeddingProgram } from '../../src/language/why/embedding-program.ts';
import type { EmbeddingProgram } from '../../src/language/why/embedding-program-type.ts';
import { openPrefixScorer } from '../../src/language/why/prefix-scorer.ts';
import { questionOf } from '../../src/language/why/question.ts';
import { openUnitGame, randomSets, type UnitGame } from '../../src/language/why/unit-game.ts';
import { leaveOneOut, shapleyValues, sparseSurrogate } from '../../src/language/why/unit-methods.ts';
import { unitsIn } from '../../src/language/why/why.ts';
import { spearman } from '../../src/tensor/correlation.ts';
import { mapped } from '../../src/tensor/filled.ts';
import { type Random, random } from '../../src/tensor/random.ts';
import {
  attentionOf,
  everywhere,
  gradientTimes,
  integratedFrom,
  integratedUntil,
  type OpenQuestion,
  points,
  relevance,
  type TokenScores,
} from './token-methods.ts';

/** One question about one text, opened for methods. */
export interface OpenLookup extends OpenQuestion {
  readonly lookup: Lookup;
  /** The sentence that the answer is from. */
  readonly gold: number;
  readonly answer: string;
  readonly name: string;
  readonly game: UnitGame;
  /** f = log p(answer) − log p(another thing of the text). */
  readonly against: EmbeddingProgram;
  readonly source: Random;
}

/** What a method says of each sentence, with its relative error of completeness where it promises a sum. */
export interface SentenceScores {
  readonly values: ArrayLike<number>;
  readonly error?: number;
}

export interface EvidenceMethod {
  readonly title: string;
  /** Prompts that are scored, or passes through the gradient, for so many sentences. */
  readonly calls: (sentences: number) => number;
  readonly kind: 'forward' | 'gradient' | 'trivial';
  readonly scores: (open: OpenLookup) => Promise<SentenceScores>;
}

/** What is measured of a method on one text. */
export interface Evidence {
  /** The gold sentence has the largest score. */
  readonly hit: number;
  /** Spearman's correlation with log p over random selections; 0 where the scores do not vary. */
  readonly lds: number;
  /** Nats lost when the first sentence, or the first three, are taken away. */
  readonly top: number;
  readonly top3: number;
  /** Taking the first sentence away costs more than taking a random one away does on average. */
  readonly beatsRandom: number;
  readonly error?: number;
}

/** Random selections of the sentences that LDS is over. */
const selections = 48;

const bySentence = ({ game }: OpenLookup, tokens: ArrayLike<number>) =>
  mapped(Float64Array, game.units, ({ tokens: own }) => own.reduce((sum, i) => sum + tokens[i], 0));

/** A method that looks at tokens; `against`: what is explained is the difference to another thing of the text. */
const byTokens = (
  title: string,
  calls: number,
  scoresOf: (open: OpenQuestion) => Promise<TokenScores>,
  against = false,
): EvidenceMethod => ({
  title: against ? `${title}, against another thing` : title,
  kind: 'gradient',
  calls: () => calls,
  async scores(open) {
    const { values, error } = await scoresOf(against ? { ...open, program: open.against } : open);
    return { values: bySentence(open, values), error };
  },
});

const integrated = (title: string, baseline: string, against = false) =>
  byTokens(title, points, async (open) => integratedFrom(open, await everywhere(open, baseline)), against);

/** A surrogate fitted to so many prompts. */
const surrogate = (sets: number): EvidenceMethod => ({
  title: `sparse linear surrogate, ${sets} prompts`,
  kind: 'forward',
  calls: () => sets,
  scores: async ({ game }) => ({ values: (await sparseSurrogate(game, { sets })).values }),
});

const trivial = (
  title: string,
  scoreOf: (open: OpenLookup, sentence: string, i: number) => number,
): EvidenceMethod => ({
  title,
  kind: 'trivial',
  calls: () => 0,
  scores: async (open) => ({
    // Sentences that score alike stand in random order.
    values: open.lookup.sentences.map((one, i) => scoreOf(open, one, i) + 1e-9 * open.source.uniform()),
  }),
});

/** Every method, and what any of them has to beat. */
export const evidenceMethods: Readonly<Record<string, EvidenceMethod>> = {
  'leave-one-out': {
    title: 'leave one sentence out',
    kind: 'forward',
    calls: (sentences) => sentences + 1,
    scores: async ({ game }) => ({ values: await leaveOneOut(game) }),
  },
  'surrogate-16': surrogate(16),
  'surrogate-32': surrogate(32),
  'surrogate-64': surrogate(64),
  shapley: {
    title: 'KernelSHAP',
    kind: 'forward',
    calls: (sentences) => Math.max(64, 2 * (sentences - 1)),
    scores: async ({ game }) => ({ values: (await shapleyValues(game, { samples: 64 })).values }),
  },
  lrp: byTokens('LRP, attention held', 1, (open) => relevance(open, 'held')),
  'attn-lrp': byTokens('AttnLRP', 1, (open) => relevance(open, 'half')),
  'ig-pad-against': integrated('IG from <pad>', '<pad>', true),
  'ig-pad': integrated('IG from <pad>', '<pad>'),
  'ig-pad-exact': byTokens('IG from <pad>, to .1 %', 256, async (open) =>
    integratedUntil(open, await everywhere(open, '<pad>')),
  ),
  'ig-stop': integrated('IG from "."', '.'),
  'ig-mean': integrated('IG from the mean of all tokens', 'mean'),
  'ig-zero': integrated('IG from zero', 'zero'),
  gradient: byTokens('gradient × embedding', 1, (open) => gradientTimes(open, 'signed')),
  'gradient-against': byTokens('gradient × embedding', 1, (open) => gradientTimes(open, 'signed'), true),
  'gradient-absolute': byTokens('|gradient × embedding|', 1, (open) => gradientTimes(open, 'absolute')),
  rollout: byTokens('attention rollout', 1, (open) => attentionOf(open, lookupShape.layers, 'rollout')),
  attention: byTokens('attention of the last layer', 1, (open) => attentionOf(open, lookupShape.layers, 'last layer')),
  'answer-word': trivial('the sentence holds the answer word', ({ answer }, one) => Number(has(one, answer))),
  overlap: trivial('the sentence holds the name asked for', ({ name }, one) => Number(has(one, name))),
  length: trivial('longest first', (_, one) => one.split(' ').length),
  late: trivial('last first', (_, __, i) => i),
  random: trivial('random', ({ source }) => source.uniform()),
};

const has = (sentence: string, word: string) => sentence.split(' ').includes(word);

export interface LookupEvidence {
  /** p(answer) of each text that was drawn. */
  readonly confidence: readonly number[];
  /** Per method, in the order of the texts that are explained. */
  readonly methods: Readonly<Record<string, readonly Evidence[]>>;
  /** LDS of the number of kept sentences alone: the control of LDS. */
  readonly ldsOfCount: readonly number[];
  /** Standard deviation of log p over the random selections, in nats. */
  readonly spread: readonly number[];
}

export interface LookupItems {
  readonly count: number;
  /** Only texts with p(answer) above it are explained: a wrong answer comes from no sentence. Default .5. */
  readonly least?: number;
  readonly sentences: number;
  readonly seed: number;
  readonly methods?: readonly string[];
}

/** Measures methods on hard lookups that no training has seen. */
export async function lookupEvidence(
  language: LanguageModel,
  { count, least = 0.5, sentences, seed, methods = Object.keys(evidenceMethods) }: LookupItems,
): Promise<LookupEvidence> {
  const found: Record<string, Evidence[]> = Object.fromEntries(methods.map((name) => [name, []]));
  const [confidence, ldsOfCount, spread]: number[][] = [[], [], []];
  for (let i = 0; spread.length < count; i++) {
    const source = random(seed, i + 1);
    const lookup = drawLookup(source, sentences, 'hard');
    await withLookup(language, lookup, source, async (open) => {
      const { game } = open;
      confidence.push(Math.exp(game.full));
      if (confidence[i] <= least) return;
      const sets = randomSets(selections, sentences, source);
      const values = await game.values(sets);
      const lost = await leaveOneOut(game);
      const lossAtRandom = lost.reduce((sum, value) => sum + value, 0) / sentences;
      const kept = sets.map((set) => set.reduce((sum, one) => sum + one, 0));
      ldsOfCount.push(spearman(kept, values) ?? 0);
      const mean = values.reduce((sum, value) => sum + value, 0) / selections;
      spread.push(Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / selections));
      for (const name of methods) {
        const { values: scores, error } = await evidenceMethods[name].scores(open);
        const order = Array.from(scores, (_, k) => k).sort((a, b) => scores[b] - scores[a]);
        const without3 = new Uint8Array(sentences).fill(1);
        for (const k of order.slice(0, 3)) without3[k] = 0;
        const predicted = sets.map((set) => set.reduce((sum, one, k) => sum + one * scores[k], 0));
        found[name].push({
          hit: Number(order[0] === open.gold),
          lds: spearman(predicted, values) ?? 0,
          top: lost[order[0]],
          top3: game.full - (await game.values([without3]))[0],
          beatsRandom: Number(lost[order[0]] > lossAtRandom),
          ...(error !== undefined && { error }),
        });
      }
    });
  }
  return { confidence, methods: found, ldsOfCount, spread };
}

/** Opens a text and a question about one of its people, drawn from the source. */
async function withLookup(
  language: LanguageModel,
  lookup: Lookup,
  source: Random,
  work: (open: OpenLookup) => Promise<void>,
): Promise<void> {
  const gold = source.integer(lookup.facts.length);
  const name = lookup.asked[gold];
  const answer = lookup.facts[gold].thing;
  const others = lookup.facts.map(({ thing }) => thing).filter((thing) => thing !== answer);
  const keep = lookupQuestion(name);
  const prompt = `${lookup.sentences.join(' ')} ${keep}`;
  const question = await questionOf(language, { prompt, answer: ` ${answer}`, keep });
  const scorer = await openPrefixScorer(language, question);
  try {
    const game = await openUnitGame(scorer, unitsIn(question, 'sentence'));
    if (game.units.length !== lookup.sentences.length) throw new Error(`${game.units.length} sentences were found`);
    const other = await questionOf(language, {
      prompt,
      answer: ` ${answer}`,
      against: ` ${others[source.integer(others.length)]}`,
      keep,
    });
    const program = await openEmbeddingProgram(language, question);
    const against = await openEmbeddingProgram(language, other);
    await work({ language, lookup, gold, name, answer, question, game, program, against, source });
  } finally {
    await scorer.close();
  }
}
