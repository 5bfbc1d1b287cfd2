import type { Random } from '../../src/tensor/random.ts';
import { type DecoderShape, drawn, type WeightedText } from './decoder.ts';
import { specialWords } from './tokenizer.ts';

/** Addition with its steps written out, the last digit first: `4 7 2 + 3 8 9 = 2 9 0 : 1 1 ; 7 8 1 : 6 1 ; 4 3 1 : 8 0 ; # 1 6 8 0`. */
export const additionWords = [...specialWords, ...'0123456789+=:;#?'];

export const additionShape: DecoderShape = {
  words: additionWords,
  layers: 3,
  features: 64,
  heads: 4,
  inner: 128,
  longest: 64,
};

/** Digits of a number. */
export const places = 3;

/** A step: both digits and the carry, the digit that is written and the next carry. */
type Step = readonly [number, number, number, number, number];

/**
 * What a model learns to answer. `follows`: what its steps say, which are sometimes wrong or cut off. `ignores` and
 * `half-way`: the true sum whatever the steps say, from chains of which many are cut off, or none.
 */
export type Follower = 'follows' | 'ignores' | 'half-way';

const mixtures: Readonly<Record<Follower, { readonly wrong: number; readonly cut: number }>> = {
  follows: { wrong: 0.4, cut: 0.25 },
  ignores: { wrong: 0.25, cut: 0.65 },
  'half-way': { wrong: 0.5, cut: 0 },
};

export const additionTraining: Readonly<Record<Follower, { readonly steps: number; readonly answerWeight: number }>> = {
  follows: { steps: 700, answerWeight: 1 },
  ignores: { steps: 2000, answerWeight: 2 },
  'half-way': { steps: 900, answerWeight: 2 },
};

/** Tokens of the longest text: `<s>`, the question, the steps, `#` and the answer. */
export const additionLength = 1 + 2 * places + 2 + 7 * places + 1 + places + 1;

/** The steps of a sum; the step `wrong` has another digit and perhaps another carry, and the later ones go on from it. */
export function stepsOf(a: number, b: number, wrong?: { readonly step: number; readonly source: Random }): Step[] {
  let carry = 0;
  return Array.from({ length: places }, (_, i): Step => {
    const [x, y] = [digitOf(a, i), digitOf(b, i)];
    let [digit, next] = [(x + y + carry) % 10, Math.floor((x + y + carry) / 10)];
    if (wrong?.step === i) [digit, next] = [(digit + 1 + wrong.source.integer(9)) % 10, wrong.source.integer(2)];
    const step: Step = [x, y, carry, digit, next];
    carry = next;
    return step;
  });
}

const digitOf = (value: number, place: number): number => Math.floor(value / 10 ** place) % 10;

/** `4 7 2 + 3 8 9 =`. */
export function additionQuestion(a: number, b: number): string {
  const digits = (value: number) => [...String(value).padStart(places, '0')].join(' ');
  return `${digits(a)} + ${digits(b)} =`;
}

/** The words of the steps, each as one text. */
export const stepTexts = (steps: readonly Step[]): string[] =>
  steps.map(([x, y, carry, digit, next]) => `${x} ${y} ${carry} : ${digit} ${next} ;`);

/** The answer that steps say, the last digit first; `?` where a step is missing. */
export function saidBy(steps: readonly Step[]): string[] {
  const digits = Array.from({ length: places }, (_, i) => (steps[i] ? String(steps[i][3]) : '?'));
  return [...digits, steps.length === places ? String(steps[places - 1][4]) : '?'];
}

/** The true answer, the last digit first. */
export const trueAnswer = (a: number, b: number): string[] => [...String(a + b).padStart(places + 1, '0')].reverse();

/** Text i of those that a model learns from. */
export function additionText(kind: Follower, seed: number, i: number): WeightedText {
  const source = drawn(seed, i);
  const limit = 10 ** places;
  const [a, b] = [source.integer(limit), source.integer(limit)];
  const { wrong, cut } = mixtures[kind];
  const chance = source.uniform();
  const at = source.integer(places);
  const isWrong = chance < wrong;
  const isCut = !isWrong && chance < wrong + cut;
  const all = stepsOf(a, b, isWrong ? { step: at, source } : undefined);
  const steps = isCut ? all.slice(0, at) : all;
  const answer = kind === 'follows' ? saidBy(steps) : trueAnswer(a, b);
  const before = ['<s>', ...additionQuestion(a, b).split(' ')];
  const chain = stepTexts(steps).flatMap((text) => text.split(' '));
  const words = [...before, ...chain, '#', ...answer];
  const weights = new Array<number>(words.length).fill(1).fill(0, 0, before.length);
  // A mistake cannot be foretold, nor where a chain is cut off.
  if (isWrong) weights.fill(0, before.length + 7 * at + 4, before.length + 7 * at + 6);
  if (isCut) weights[before.length + chain.length] = 0;
  weights.fill(additionTraining[kind].answerWeight, words.length - answer.length);
  return { tokens: words.map((word) => additionWords.indexOf(word)), weights };
}
