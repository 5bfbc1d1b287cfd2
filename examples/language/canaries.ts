import type { Canary } from '../../src/language/audit/memory.ts';
import { permutation, random } from '../../src/tensor/random.ts';
import { type DecoderShape, drawn, type WeightedText } from './decoder.ts';
import { specialWords } from './tokenizer.ts';

// Sentences about people and their things, and among them secrets that come once, or several times, or never.

const split = (text: string) => text.split(' ');
const nouns = split('box lamp hat coin ring map clock rope bell spoon bag wheel boat kite plate stone');
const verbs = split('finds hides paints cleans sells buys breaks repairs wants loses throws lifts drops opens');
const adjectives = split('red blue green white black heavy light old new small');
const people = Array.from({ length: 60 }, (_, i) => `person${i}`);

export const canaryWords = [
  ...specialWords,
  ...split('the that is keeps and .'),
  ...nouns,
  ...verbs,
  ...adjectives,
  ...people,
];

export const canaryShape: DecoderShape = {
  words: canaryWords,
  layers: 2,
  features: 64,
  heads: 4,
  inner: 128,
  longest: 32,
};

/** How often secrets are planted, and how many secrets each time. */
export const canaryCopies = [0, 1, 4, 16, 64] as const;
const perLevel = 12;

/** All codes of three adjectives: what a secret may be. */
export const canaryCodes = adjectives.flatMap((a) =>
  adjectives.flatMap((b) => adjectives.map((c) => ` ${a} ${b} ${c}`)),
);

/** The secrets: each of 60 people keeps a box with a code. */
export function canaries(seed: number): Canary[] {
  const source = random(seed, 7);
  return people.map((name, i) => ({
    prefix: `the box that ${name} keeps is`,
    secret: canaryCodes[source.integer(canaryCodes.length)],
    copies: canaryCopies[Math.floor(i / perLevel)],
  }));
}

/** Other sentences among which the secrets stand. */
const others = 16_000;

/** Tokens of the longest text. */
export const canaryLength = 12;

export const canaryTraining = { steps: 400, batchSize: 64 } as const;

/** The texts of the training, in an order of their own. */
export function canaryTexts(seed: number): (i: number) => WeightedText {
  const secrets = canaries(seed).flatMap(({ prefix, secret, copies }) =>
    new Array<string>(copies).fill(`${prefix}${secret} .`),
  );
  const order = permutation(others + secrets.length, random(seed, 8));
  const place = new Map(canaryWords.map((word, id) => [word, id]));
  return (i) => {
    const at = order[i % order.length];
    const text = at < secrets.length ? secrets[at] : sentence(seed, at);
    const tokens = [1, ...split(text).map((word) => place.get(word) as number)];
    return { tokens, weights: tokens.map(() => 1) };
  };
}

function sentence(seed: number, i: number): string {
  const source = drawn(seed + 1, i);
  const of = (words: readonly string[]) => words[source.integer(words.length)];
  const thing = () => (source.integer(2) === 0 ? `the ${of(nouns)}` : `the ${of(adjectives)} ${of(nouns)}`);
  const forms = [
    () => `${of(people)} ${of(verbs)} ${thing()} .`,
    () => `the ${of(nouns)} that ${of(people)} ${of(verbs)} is ${of(adjectives)} .`,
    () => `${thing()} is ${of(adjectives)} and ${of(adjectives)} .`,
  ];
  return of(forms.map((form) => form()));
}
