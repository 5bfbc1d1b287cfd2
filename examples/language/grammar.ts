import type { Random } from '../../src/tensor/random.ts';
import type { Forms } from './grammar-words.ts';
import * as lexicon from './grammar-words.ts';
import { specialWords } from './tokenizer.ts';

/** A sentence whose verb agrees with a noun of its own, and what stands between the two. */
export interface Agreement {
  /** Words of the story before the sentence, and places in the sentence. */
  readonly before: readonly string[];
  readonly words: readonly string[];
  readonly verb: number;
  readonly subject: number;
  readonly isPlural: boolean;
  /** Nouns between subject and verb that have the other number. */
  readonly attractors: number;
  readonly hasRelative: boolean;
}

export interface Story {
  readonly sentences: readonly (readonly string[])[];
  readonly agreements: readonly Agreement[];
  /** ln p(story): the sum over all choices, since every text has exactly one derivation. */
  readonly logProbability: number;
}

/** 1/(i + 3), so that some words are frequent and some rare. */
function zipf(count: number): number[] {
  const raw = Array.from({ length: count }, (_, i) => 1 / (i + 3));
  const sum = raw.reduce((total, one) => total + one, 0);
  return raw.map((one) => one / sum);
}

const shares = new Map<number, number[]>();
const zipfOf = (count: number) => {
  const found = shares.get(count) ?? zipf(count);
  shares.set(count, found);
  return found;
};

/** Choices, with the logarithm of how probable they were together. */
class Choices {
  logProbability = 0;
  readonly #source: Random;

  constructor(source: Random) {
    this.#source = source;
  }

  /** One of several, by their probabilities. */
  among(probabilities: readonly number[]): number {
    let at = 0;
    for (let u = this.#source.uniform(); at < probabilities.length - 1 && u >= probabilities[at]; at++)
      u -= probabilities[at];
    this.logProbability += Math.log(probabilities[at]);
    return at;
  }

  flip(probability: number): boolean {
    return this.among([probability, 1 - probability]) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.among(zipfOf(from.length))];
  }

  evenly<T>(from: readonly T[]): T {
    return from[this.among(from.map(() => 1 / from.length))];
  }
}

const one = 0;
const number = (c: Choices) => (c.flip(0.5) ? 0 : 1);

/** A determiner, perhaps an adjective, and a noun; at the beginning of a subject no `a`. */
function nounPhrase(c: Choices, n: number, nouns: readonly Forms[], adjectives: readonly string[], isSubject = false) {
  const words = [determiner(c, n, isSubject)];
  if (c.flip(0.35)) words.push(c.pick(adjectives));
  return [...words, c.pick(nouns)[n]];
}

function determiner(c: Choices, n: number, isSubject: boolean): string {
  if (n !== one) return ['the', 'some', 'many'][c.among([0.6, 0.25, 0.15])];
  return isSubject ? ['the', 'every'][c.among([0.9, 0.1])] : ['the', 'a', 'every'][c.among([0.6, 0.35, 0.05])];
}

interface Subject {
  readonly words: readonly string[];
  readonly n: number;
  readonly head: number;
  readonly between: readonly number[];
  readonly hasRelative: boolean;
  readonly isBeing: boolean;
}

/** A subject with up to two phrases or a relative clause between its noun and the verb; their numbers are free. */
function subject(c: Choices): Subject {
  const n = number(c);
  const isBeing = c.flip(0.75);
  const words = isBeing
    ? nounPhrase(c, n, lexicon.beings, lexicon.ofBeings, true)
    : nounPhrase(c, n, lexicon.things, lexicon.ofThings, true);
  const head = words.length - 1;
  const between: number[] = [];
  const kind = c.among([0.45, 0.27, 0.13, 0.15]);
  if (kind === 3) {
    const m = number(c);
    words.push('that', ...nounPhrase(c, m, lexicon.beings, lexicon.ofBeings), c.pick(lexicon.dealings)[m]);
    between.push(m);
  } else {
    for (let k = 0; k < kind; k++) {
      const m = number(c);
      words.push(c.pick(lexicon.besides), ...(c.flip(0.5) ? placePhrase(c, m) : thingPhrase(c, m)));
      between.push(m);
    }
  }
  return { words, n, head, between, hasRelative: kind === 3, isBeing };
}

const placePhrase = (c: Choices, n: number) => nounPhrase(c, n, lexicon.places, lexicon.ofPlaces);
const thingPhrase = (c: Choices, n: number) => nounPhrase(c, n, lexicon.things, lexicon.ofThings);
const where = (c: Choices) => [c.pick(lexicon.wheres), ...placePhrase(c, number(c))];

/** What is said of a subject of number n. */
function predicate(c: Choices, n: number, isBeing: boolean, name?: string): string[] {
  if (!isBeing) return c.flip(0.6) ? [lexicon.being[n], c.pick(lexicon.ofThings)] : [lexicon.standing[n], ...where(c)];
  const kind = c.among([0.25, 0.3, 0.25, 0.2]);
  if (kind === 0) {
    const words = [c.pick(lexicon.doings)[n]];
    if (c.flip(0.4)) words.push(c.pick(lexicon.manners));
    return c.flip(0.4) ? [...words, ...where(c)] : words;
  }
  if (kind === 1) {
    const words = [c.pick(lexicon.handlings)[n], ...thingPhrase(c, number(c))];
    return c.flip(0.3) ? [...words, ...where(c)] : words;
  }
  if (kind === 2) {
    const verb = c.pick(lexicon.dealings)[n];
    if (c.flip(0.7)) return [verb, ...nounPhrase(c, number(c), lexicon.beings, lexicon.ofBeings)];
    return [verb, c.evenly([...lexicon.women, ...lexicon.men].filter((other) => other !== name))];
  }
  return [lexicon.being[n], c.pick(lexicon.states)];
}

/** What may stand before a subject, with a comma: nothing, a time, or a place, so that the subject is not always the first noun. */
function opening(c: Choices): string[] {
  const kind = c.among([0.5, 0.2, 0.3]);
  if (kind === 0) return [];
  if (kind === 1) return [...c.pick(lexicon.times), ','];
  const words = where(c);
  if (c.flip(0.3)) words.push(c.pick(lexicon.besides), ...thingPhrase(c, number(c)));
  return [...words, ','];
}

/** A story: somebody is named, and then mentioned by name or pronoun between sentences about others. */
export function drawStory(source: Random): Story {
  const c = new Choices(source);
  const isWoman = c.flip(0.5);
  const hero = c.evenly(isWoman ? lexicon.women : lexicon.men);
  const [pronoun, possessive] = isWoman ? ['she', 'her'] : ['he', 'his'];
  const first = [hero, 'is', 'a', c.pick(lexicon.ofBeings), c.pick(lexicon.persons)[one]];
  const sentences: string[][] = [[...first, 'from', 'the', c.pick(lexicon.ofPlaces), c.pick(lexicon.places)[one], '.']];
  const found: (Omit<Agreement, 'before' | 'words'> & { readonly sentence: number })[] = [];
  const count = 3 + c.among([0.25, 0.25, 0.25, 0.25]);
  for (let s = 0; s < count; s++) {
    const words = opening(c);
    const kind = c.among([0.36, 0.12, 0.4, 0.12]);
    if (kind < 2) words.push(kind === 0 ? pronoun : hero, ...predicate(c, one, true, hero));
    else if (kind === 2) {
      const about = subject(c);
      const start = words.length;
      words.push(...about.words, ...predicate(c, about.n, about.isBeing));
      found.push({
        sentence: sentences.length,
        verb: start + about.words.length,
        subject: start + about.head,
        isPlural: about.n === 1,
        attractors: about.between.filter((m) => m !== about.n).length,
        hasRelative: about.hasRelative,
      });
    } else {
      const n = number(c);
      const isBeing = c.flip(0.6);
      words.push(pronoun, c.pick(lexicon.reports), 'that', possessive);
      words.push(c.pick(isBeing ? lexicon.beings : lexicon.things)[n], ...predicate(c, n, isBeing));
    }
    sentences.push([...words, '.']);
  }
  const written = sentences.map(asWritten);
  const agreements = found.map(({ sentence, ...one }) => ({
    ...one,
    before: written.slice(0, sentence).flat(),
    words: written[sentence],
  }));
  return { sentences: written, agreements, logProbability: c.logProbability };
}

/** `a` before a vowel is `an`, and a sentence begins with a capital: both follow from the words and take no choice. */
function asWritten(words: readonly string[]): string[] {
  return words.map((word, i) => {
    const next = words[i + 1] ?? '';
    const own = word === 'a' && (/^[aeiou]/.test(next) || next === 'honest') ? 'an' : word;
    return i === 0 ? capital(own) : own;
  });
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

/** Every noun and verb with its other form. */
export const otherForm: ReadonlyMap<string, string> = new Map(
  [
    ...[lexicon.beings, lexicon.things, lexicon.places, lexicon.doings, lexicon.handlings, lexicon.dealings].flat(),
    lexicon.being,
    lexicon.standing,
  ].flatMap(([a, b]) => [
    [a, b],
    [b, a],
  ]),
);

/** Every noun. */
export const nouns: ReadonlySet<string> = new Set([lexicon.beings, lexicon.things, lexicon.places].flat(2));

const inSentences = [
  ...[lexicon.women, lexicon.men, [...otherForm.keys()], lexicon.ofBeings, lexicon.ofThings, lexicon.ofPlaces].flat(),
  ...[lexicon.states, lexicon.manners, lexicon.besides, lexicon.wheres, lexicon.reports, lexicon.times.flat()].flat(),
  ...'the a an every some many that he she his her from , .'.split(' '),
];
const atBeginnings = ['the', 'every', 'some', 'many', 'he', 'she', ...lexicon.wheres, ...lexicon.times.map(([w]) => w)];

export const grammarWords: readonly string[] = [
  ...specialWords,
  ...new Set([...inSentences, ...atBeginnings.map(capital)]),
];

const ids = new Map(grammarWords.map((word, id) => [word, id]));

/** Tokens of a story, begun by `<s>`. */
export const storyTokens = ({ sentences }: Story): number[] => [
  1,
  ...sentences.flat().map((word) => ids.get(word) as number),
];

/** A story as a person would print it. */
export const storyText = (words: readonly string[]): string => words.join(' ').replace(/ ([.,])/g, '$1');
