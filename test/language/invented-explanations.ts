import {
  bySize,
  type ExplanationFacts,
  rounded,
  sizeText,
  type ToldFeature,
  totalText,
} from '../../src/language/words/facts.ts';
import { audiences, tell } from '../../src/language/words/tell.ts';
import { verifyText } from '../../src/language/words/verify.ts';
import { type Random, random } from '../../src/tensor/random.ts';

const columns = [
  'age',
  'capital-gain',
  'hours-per-week',
  'education-num',
  'occupation',
  'marital_status',
  'Pclass',
  'fare',
  'zip code',
  'bmi',
  'V14',
  'number of dependents',
];
const texts = ['Exec-managerial', 'Never-married', '7688', '58', 'a quiet street', '0.25', undefined];

/** An explanation made by chance, the shares of which add up. */
export function inventedExplanation(seed: number, isProbability = seed % 3 > 0): ExplanationFacts {
  const source = random(seed);
  const count = 5 + source.integer(6);
  const names = [...columns].sort(() => source.uniform() - 0.5).slice(0, count);
  const scale = isProbability ? 0.12 : 2;
  const features = names.map((name, i): ToldFeature => {
    const share = scale * source.normal() * (i < 3 ? 1 : 0.25);
    return { name, text: texts[source.integer(texts.length)], share };
  });
  const sum = features.reduce((total, { share }) => total + share, 0);
  const baselineValue = isProbability ? 0.5 : 1.25;
  return {
    model: 'adult-mlp',
    method: 'integrated gradients',
    baseline: 'the median of 64 rows',
    label: source.integer(2) ? '>50K' : 'approved',
    isProbability,
    value: baselineValue + sum,
    baselineValue,
    difference: sum,
    sum,
    relativeError: 0.0008 + 0.03 * source.uniform(),
    features,
    others: [{ label: 'another class', value: isProbability ? 0.0321 : 0.321 }],
    kind: 'values',
  };
}

const nameOf = ({ name, text }: ToldFeature) => (text === undefined ? name : `${name} (${text})`);

/** True sentences as somebody else would write them. */
function paraphrases(facts: ExplanationFacts, source: Random): string[] {
  const up = bySize(facts.features).filter(({ share }) => share > 0);
  const down = bySize(facts.features).filter(({ share }) => share < 0);
  const size = (feature: ToldFeature) => sizeText(facts, feature.share);
  const short = (feature: ToldFeature) =>
    size(feature)
      .replace('percentage points', source.integer(2) ? 'points' : 'pts')
      .replace('percentage point', 'point');
  const sentences = [
    `The model predicts “${facts.label}” with a score of ${totalText(facts, facts.value)}.`,
    `Its output is ${totalText(facts, facts.value)}, against a baseline of ${totalText(facts, facts.baselineValue as number)}.`,
    `Compared with ${facts.baseline}, the result is different: ${totalText(facts, facts.value)} instead of ${totalText(facts, facts.baselineValue as number)}.`,
    `In all, the difference amounts to ${sizeText(facts, facts.difference as number)}.`,
    `The account is off by ${rounded(100 * (facts.relativeError as number), 2)} %.`,
    `${facts.features.length} features were looked at.`,
  ];
  for (const [side, raise, against] of [
    [up, 'raised', 'in favour'],
    [down, 'lowered', 'against'],
  ] as const) {
    if (side.length === 0) continue;
    sentences.push(`The feature that ${raise} the score most is ${nameOf(side[0])}.`);
    sentences.push(`${nameOf(side[0])} ${raise} the result by ${short(side[0])}.`);
    sentences.push(
      `A value of ${side[0].name} as here speaks ${against === 'against' ? 'against' : 'for'} it, by ${size(side[0])}.`,
    );
    if (side.length > 1) {
      sentences.push(
        `It was ${raise} by ${side[0].name} (${short(side[0])}) and by ${side[1].name} (${short(side[1])}).`,
      );
      sentences.push(`${side[0].name} more than ${side[1].name} ${raise} it.`);
    }
  }
  if (up.length > 0 && down.length > 0) {
    sentences.push(
      `While ${up[0].name} pushed up the score by ${size(up[0])}, ${down[0].name} pulled down by ${size(down[0])}.`,
    );
    sentences.push(`Mainly ${bySize(facts.features)[0].name} decided this.`);
  }
  return sentences;
}

interface Mistake {
  readonly kind: string;
  readonly text: string;
}

/** Sentences with one mistake each, of every kind that a text about numbers may have. */
function mistakes(facts: ExplanationFacts, source: Random): Mistake[] {
  const [first, second, third] = bySize(facts.features);
  const size = (feature: ToldFeature) => sizeText(facts, feature.share);
  const way = (feature: ToldFeature) => (feature.share < 0 ? 'lowered' : 'raised');
  const wrongWay = (feature: ToldFeature) => (feature.share < 0 ? 'raised' : 'lowered');
  const off = (text: string) =>
    text.replace(/[\d.]+/, (number) => String(Number((Number(number) * (1.2 + source.uniform())).toPrecision(3))));
  const unit = facts.isProbability
    ? size(first).replace(/percentage points?/, '%')
    : `${size(first)} percentage points`;
  return [
    { kind: 'another number', text: `${nameOf(first)} ${way(first)} the score by ${off(size(first))}.` },
    {
      kind: 'a number of another feature',
      text: `${first.name} ${way(first)} it by ${sizeText(facts, second.share)}.`,
    },
    {
      kind: 'numbers exchanged',
      text: `${first.name} (${size(second)}) and ${second.name} (${size(first)}) changed it.`,
    },
    { kind: 'another direction', text: `${nameOf(first)} ${wrongWay(first)} the score by ${size(first)}.` },
    { kind: 'another direction, without a number', text: `A ${second.name} as here ${wrongWay(second)} the result.` },
    { kind: 'an invented feature', text: `The shoe size raised the score by ${size(first)}.` },
    { kind: 'an invented quotation', text: `The word “wonderful” was looked at.` },
    { kind: 'another class', text: `The model predicts “another class” with ${totalText(facts, facts.value)}.` },
    { kind: 'not the most important', text: `The most important feature is ${third.name}.` },
    { kind: 'another total', text: `The model gives ${off(totalText(facts, facts.value))} for “${facts.label}”.` },
    {
      kind: 'totals exchanged',
      text: `The model gives ${totalText(facts, facts.baselineValue as number)}, for the baseline ${totalText(facts, facts.value)}.`,
    },
    { kind: 'another unit', text: `${first.name} ${way(first)} it by ${unit}.` },
    { kind: 'another value', text: `${first.name} (12345) ${way(first)} it.` },
    { kind: 'a denial', text: `${first.name} has not ${way(first)} the result.` },
    { kind: 'another error', text: `The error is ${rounded(250 * (facts.relativeError as number), 2)} %.` },
    { kind: 'another comparison', text: `${third.name} more than ${first.name} counted.` },
    {
      kind: 'a smaller error by ten',
      text: `${first.name} ${way(first)} it by ${size(first).replace(/[\d.]+/, (number) => String(Number(number) / 10))}.`,
    },
    { kind: 'another count', text: `${facts.features.length + 2} features were looked at.` },
  ];
}

export interface CheckedTexts {
  /** Each planted mistake or true sentence that was looked at, with what went wrong; empty where nothing did. */
  readonly seen: readonly string[];
  readonly count: number;
}

/** Mistakes, one in each text, that the check of words let pass. */
export function missedMistakes(explanations: number): CheckedTexts {
  const seen: string[] = [];
  let count = 0;
  for (let seed = 0; seed < explanations; seed++) {
    const facts = inventedExplanation(seed);
    const [first, second] = bySize(facts.features);
    const alike = Math.abs(second.share) > 0.95 * Math.abs(first.share);
    for (const { kind, text } of mistakes(facts, random(seed, 1))) {
      // Two shares that may round alike make no mistake of an exchange.
      if (alike && /another feature|exchanged/.test(kind)) continue;
      count++;
      if (verifyText(text, facts).every(({ status }) => status !== 'struck')) seen.push(`${seed} ${kind}: ${text}`);
    }
  }
  return { seen, count };
}

/** True sentences that the check of words struck: those told here, and those of others. */
export function struckTruths(explanations: number): CheckedTexts {
  const seen: string[] = [];
  let count = 0;
  for (let seed = 0; seed < explanations; seed++) {
    const facts = inventedExplanation(seed);
    const texts = [...audiences.flatMap((audience) => tell(facts, audience)), ...paraphrases(facts, random(seed, 2))];
    for (const text of texts) {
      for (const { status, problems } of verifyText(text, facts)) {
        count++;
        if (status === 'struck') seen.push(`${seed} ${text} ${problems}`);
      }
    }
  }
  return { seen, count };
}
