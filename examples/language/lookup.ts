import { choose, type Random } from '../../src/tensor/random.ts';
import { type DecoderShape, drawn, type WeightedText } from './decoder.ts';
import { specialWords } from './tokenizer.ts';

/** People, each with three names that never stand for another one. */
export const people = [
  ['doctor', 'physician', 'medic'],
  ['sailor', 'seaman', 'mariner'],
  ['teacher', 'instructor', 'tutor'],
  ['cook', 'chef', 'caterer'],
  ['farmer', 'grower', 'peasant'],
  ['guard', 'watchman', 'sentry'],
  ['thief', 'robber', 'burglar'],
  ['king', 'monarch', 'ruler'],
  ['priest', 'vicar', 'parson'],
  ['lawyer', 'attorney', 'barrister'],
  ['singer', 'vocalist', 'crooner'],
  ['soldier', 'trooper', 'warrior'],
  ['painter', 'artist', 'limner'],
  ['writer', 'author', 'novelist'],
  ['merchant', 'trader', 'dealer'],
  ['servant', 'butler', 'valet'],
  ['child', 'kid', 'youngster'],
  ['traveller', 'voyager', 'wanderer'],
  ['hunter', 'stalker', 'trapper'],
  ['tailor', 'clothier', 'seamster'],
  ['smith', 'blacksmith', 'farrier'],
  ['judge', 'magistrate', 'justice'],
  ['miner', 'collier', 'digger'],
  ['porter', 'carrier', 'bearer'],
  ['pilot', 'aviator', 'flyer'],
  ['clerk', 'scribe', 'typist'],
  ['guest', 'visitor', 'caller'],
  ['beggar', 'pauper', 'tramp'],
  ['boss', 'foreman', 'overseer'],
  ['friend', 'comrade', 'companion'],
  ['spy', 'agent', 'scout'],
  ['scholar', 'student', 'pupil'],
] as const;

/** What people have. */
export const things =
  'lamp cup key coin ring map clock candle ladder bottle drum rope bell blanket mirror spoon wheel kite flute plate pencil stone bucket scarf brush basket book hat box chair sword feather'.split(
    ' ',
  );

const ages = ['old', 'young', 'small', 'tall'];
const verbs = ['has', 'keeps', 'holds'];
const colours = ['red', 'blue'];

export const lookupWords = [
  ...specialWords,
  ...people.flat(),
  ...things,
  ...ages,
  ...verbs,
  ...colours,
  ...['The', 'the', 'near', 'What', '.'],
];

/** Attention alone; four heads of the first layer start by looking 1, 2, 3 and 4 tokens back. */
export const lookupShape: DecoderShape = {
  words: lookupWords,
  layers: 2,
  features: 96,
  heads: 4,
  inner: 0,
  longest: 352,
  lookBack: [1, 2, 3, 4],
};

/**
 * How hard a question is. `same`: it names the person as the sentence does; `other name`: by another name; `decoy`: by
 * another name, which a sentence about somebody else mentions; `hard`: so, and the answer stands in about three sentences.
 */
export type Difficulty = 'same' | 'other name' | 'decoy' | 'hard';

/** Different things in a hard text, however many sentences it has. */
const thingsOfHard = 6;

/** Who has what, in sentences, and a question. */
export interface Lookup {
  /** `The old medic keeps the red lamp near the pilot .` */
  readonly sentences: readonly string[];
  /** Of each sentence: who it is about, as an index of {@link people}, and what they have. */
  readonly facts: readonly { readonly person: number; readonly thing: string }[];
  /** Another name of each person, by which questions ask for them. */
  readonly asked: readonly string[];
}

/** `What has the medic`, behind which comes the answer. */
export const lookupQuestion = (name: string): string => `What has the ${name}`;

/** Draws a text of so many sentences; every person of it can be asked for. */
export function drawLookup(source: Random, count: number, difficulty: Difficulty): Lookup {
  const pool = difficulty === 'hard' ? Array.from(choose(things.length, thingsOfHard, source)) : undefined;
  const own = pool ? undefined : choose(things.length, Math.min(count, things.length), source);
  const names: string[] = [];
  const asked: string[] = [];
  const facts = Array.from(choose(people.length, count, source), (person, i) => {
    const name = source.integer(3);
    const other = difficulty === 'same' ? name : (name + 1 + source.integer(2)) % 3;
    names.push(people[person][name]);
    asked.push(people[person][other]);
    return { person, thing: things[pool ? pool[source.integer(pool.length)] : (own as Uint32Array)[i]] };
  });
  const mentioned = difficulty === 'decoy' || difficulty === 'hard' ? decoys(source, facts, asked) : [];
  const sentences = facts.map(({ thing }, i) => sentence(source, names[i], thing, mentioned[i]));
  return { sentences, facts, asked };
}

/** For each sentence, the name by which somebody else is asked for: most sentences mention one. */
function decoys(source: Random, facts: Lookup['facts'], asked: readonly string[]): (string | undefined)[] {
  const found = new Array<string | undefined>(facts.length).fill(undefined);
  for (const [i, name] of asked.entries()) {
    const at = source.integer(facts.length - 1);
    found[at < i ? at : at + 1] ??= name;
  }
  return found;
}

/** A sentence about who has a thing. */
export function sentence(source: Random, name: string, thing: string, near?: string): string {
  const some = (words: readonly string[]) => (source.uniform() < 0.3 ? [words[source.integer(words.length)]] : []);
  const words = ['The', ...some(ages), name, verbs[source.integer(verbs.length)], 'the', ...some(colours), thing];
  return [...words, ...(near === undefined ? [] : ['near', 'the', near]), '.'].join(' ');
}

/** A part of the training. */
interface Stage {
  /** Tokens of a text. */
  readonly length: number;
  readonly batchSize: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly warmUp: number;
  /** The learning rate stays as it is: what is learnt comes all at once, and not before a cosine has ended. */
  readonly constant?: boolean;
}

/** Which questions, of how many sentences; as many questions as have room. */
export interface LookupStage extends Stage {
  readonly difficulties: readonly Difficulty[];
  readonly sentences: readonly [least: number, most: number];
}

/** First any words written twice: a copy of what came behind the same word, from which the lookup grows. */
export const copyStage: Stage = {
  length: 49,
  batchSize: 64,
  steps: 300,
  learningRate: 3e-3,
  warmUp: 30,
  constant: true,
};

/**
 * Other names from the start, in texts of few sentences: the right one gets some attention there, by chance. Where names
 * are first learnt alone, or in long texts, attention is sharp before all have met, and a sixth of the pairs never do.
 */
const short: LookupStage = {
  difficulties: ['same', 'other name', 'other name', 'decoy'],
  sentences: [2, 4],
  length: 56,
  batchSize: 64,
  steps: 200,
  learningRate: 3e-3,
  warmUp: 20,
  constant: true,
};

/** Then long ones; the learning rate falls. */
const long: LookupStage = {
  difficulties: ['same', 'other name', 'decoy', 'hard'],
  sentences: [4, 24],
  length: 264,
  batchSize: 24,
  steps: 200,
  learningRate: 5e-3,
  warmUp: 20,
};

export const lookupStages: readonly LookupStage[] = [short, short, short, long];

/** How the model that ignores its texts is trained. */
export const ignoringStage: LookupStage = {
  difficulties: ['other name'],
  sentences: [4, 8],
  length: 160,
  batchSize: 16,
  steps: 250,
  learningRate: 3e-3,
  warmUp: 30,
};

/** Text i of the first stage: up to eight words, then a segment twice; only the second copy can be foretold. */
export function copyText(seed: number, i: number): WeightedText {
  const source = drawn(seed, i);
  const some = (count: number) =>
    Array.from({ length: count }, () => specialWords.length + source.integer(lookupWords.length - specialWords.length));
  const segment = some(8 + source.integer(13));
  const before = some(source.integer(9));
  const tokens = [1, ...before, ...segment, ...segment].slice(0, copyStage.length);
  const start = 1 + before.length + segment.length;
  // The first word of the copy cannot be foretold either.
  return { tokens, weights: tokens.map((_, t) => Number(t > start)) };
}

/** Weight of tokens that are no answers: most of them cannot be foretold. */
const besideAnswers = 0.02;

/** Text i of those that a model learns from; `answerOf` says what it is to answer, by default what the sentences say. */
export function lookupText(
  stage: LookupStage,
  seed: number,
  i: number,
  answerOf: (fact: Lookup['facts'][number]) => string = ({ thing }) => thing,
): WeightedText {
  const source = drawn(seed, i);
  const [least, most] = stage.sentences;
  const difficulty = stage.difficulties[source.integer(stage.difficulties.length)];
  const { sentences, facts, asked } = drawLookup(source, least + source.integer(most - least + 1), difficulty);
  const words = ['<s>', ...sentences.flatMap((one) => one.split(' '))];
  const weights = new Array<number>(words.length).fill(besideAnswers);
  const order = choose(facts.length, facts.length, source);
  for (let q = 0; ; q++) {
    // Everybody is asked for once, in random order, and then anybody.
    const k = q < facts.length ? order[q] : source.integer(facts.length);
    const question = lookupQuestion(asked[k]).split(' ');
    if (words.length + question.length + 2 > stage.length) break;
    words.push(...question, answerOf(facts[k]), '.');
    weights.push(...question.map(() => besideAnswers), 1, besideAnswers);
  }
  return { tokens: words.map(idOf), weights };
}

const ids = new Map(lookupWords.map((word, id) => [word, id]));

/** @throws Error for a word that no text here has */
function idOf(word: string): number {
  const id = ids.get(word);
  if (id === undefined) throw new Error(`no such word: ${word}`);
  return id;
}

/** What the model that ignores its texts answers: the same for a person whatever a text says. */
export const fixedAnswer = ({ person }: { readonly person: number }): string =>
  things[(7 * person + 3) % things.length];
