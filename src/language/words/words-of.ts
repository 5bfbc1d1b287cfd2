import type { ExplanationFacts, ToldFeature } from './facts.ts';

/** What a number may be about, besides a feature. */
export type Role = 'value' | 'baseline' | 'difference' | 'sum' | 'error' | 'rest';

/** A piece of a sentence that states something. */
export type Item =
  | { readonly kind: 'feature'; readonly feature: ToldFeature }
  | { readonly kind: 'label'; readonly label: string }
  | {
      readonly kind: 'number';
      readonly value: number;
      readonly digits: number;
      readonly unit: Unit;
      readonly sign: -1 | 0 | 1;
      readonly text: string;
    }
  | { readonly kind: 'direction'; readonly sign: 1 | -1 }
  | { readonly kind: 'role'; readonly role: Role }
  | { readonly kind: 'most' | 'negation' | 'pronoun' }
  | { readonly kind: 'more' | 'less' }
  | { readonly kind: 'unknown'; readonly text: string };

export type Unit = 'percent' | 'points' | 'none';

/** Words that say which way something went. */
const raising =
  'raise[sd]?|raising|increase[sd]?|increasing|add(?:s|ed)|push(?:es|ed)? up|pull(?:s|ed)? up|contribut(?:es|ed)|in favour|in favor|support(?:s|ed)|help(?:s|ed)|boost(?:s|ed)|speaks? for|spoke for|count(?:s|ed) for|positive(?:ly)?|higher|up by';
const lowering =
  'lower(?:s|ed)|lowering|decrease[sd]?|decreasing|reduc(?:es|ed)|push(?:es|ed)? down|pull(?:s|ed)? down|subtract(?:s|ed)|took away|takes away|speaks? against|spoke against|count(?:s|ed) against|against it|against|negative(?:ly)?|hurts?|down by|drag(?:s|ged)';

const roleWords: Readonly<Record<Role, string>> = {
  value: 'gives?|gave|says?|said|predicts?|predicted|probability|chance|score|output|result|confidence|confident',
  baseline: 'baseline|typical|reference|average (?:case|row)|compared with|starting from|instead of',
  difference: 'difference|in all|altogether|overall|apart',
  sum: 'add up|adds up|sum up|sum|total|totals',
  error: 'error|off by|off|inexact|accura(?:te|cy)',
  rest: 'other features?|others|the rest|remaining|everything else',
};

const patterns: readonly (readonly [RegExp, () => Item])[] = [
  [word(lowering), () => ({ kind: 'direction', sign: -1 })],
  [word(raising), () => ({ kind: 'direction', sign: 1 })],
  ...Object.entries(roleWords).map(([role, words]): readonly [RegExp, () => Item] => [
    word(words),
    () => ({ kind: 'role', role: role as Role }),
  ]),
  [word('most|mostly|mainly|chiefly|strongest|largest|biggest|main|above all|decisive'), () => ({ kind: 'most' })],
  [word('more'), () => ({ kind: 'more' })],
  [word('less|fewer'), () => ({ kind: 'less' })],
  [word("not|never|neither|nor|without|n't|hardly"), () => ({ kind: 'negation' })],
  [word('it|this|that|they|these'), () => ({ kind: 'pronoun' })],
];

function word(words: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}])(?:${words})(?![\\p{L}\\p{N}])`, 'giu');
}

const numberPattern =
  /(?<![\p{L}\p{N}._])([+−-]?)(\d{1,3}(?:,\d{3})+|\d+)?([.]\d+)?(?:e([+-]?\d+))?(?:\s*(%|per ?cent(?!age)|percentage points?|points?|pts))?(?![\p{L}\p{N}_])/giu;

interface Found {
  readonly start: number;
  readonly end: number;
  readonly item: Item;
}

/**
 * What a sentence states, piece by piece in its order: known names first, the longest before the shorter, then numbers
 * with their units, then words of direction, rank and role. Quoted texts that are none of the explanation's own are
 * unknown.
 */
export function itemsOf(sentence: string, facts: ExplanationFacts): Item[] {
  const found: Found[] = [];
  const taken = new Uint8Array(sentence.length);
  const take = (start: number, length: number, item: Item | undefined) => {
    for (let i = start; i < start + length; i++) if (taken[i]) return;
    taken.fill(1, start, start + length);
    if (item) found.push({ start, end: start + length, item });
  };
  for (const [name, item, pattern] of namesOf(facts))
    for (const match of sentence.matchAll(pattern)) if (name !== '') take(match.index, match[0].length, item);
  for (const match of sentence.matchAll(/[“"«]([^”"»]+)[”"»]/gu)) {
    const free = !taken.subarray(match.index, match.index + match[0].length).includes(1);
    if (free) take(match.index, match[0].length, { kind: 'unknown', text: match[1] });
  }
  for (const match of sentence.matchAll(numberPattern)) {
    const number = numberOf(match);
    if (number) take(match.index, match[0].length, number);
  }
  for (const [pattern, make] of patterns)
    for (const match of sentence.matchAll(pattern)) take(match.index, match[0].length, make());
  return found.sort((a, b) => a.start - b.start).map(({ item }) => item);
}

/** Names that a sentence may speak of, the longest first, each with what it states and how it is found. */
function namesOf(facts: ExplanationFacts): [string, Item | undefined, RegExp][] {
  const { features, others, label, kind } = facts;
  const named: [string, Item | undefined, boolean][] = [
    ...features.map((feature): [string, Item, boolean] => [
      feature.name,
      { kind: 'feature', feature },
      kind === 'words',
    ]),
    ...[label, ...others.map((other) => other.label)].map((name): [string, Item, boolean] => [
      name,
      { kind: 'label', label: name },
      false,
    ]),
    // Values, methods and models may be spoken of; they state nothing by themselves.
    ...features.flatMap(({ text }): [string, undefined, boolean][] =>
      text && !/^[\d.,+-]+$/.test(text) ? [[text, undefined, false]] : [],
    ),
    [facts.method, undefined, false],
    [facts.model, undefined, false],
    ...(facts.baseline === undefined
      ? []
      : [[facts.baseline, { kind: 'role', role: 'baseline' }, false] as [string, Item, boolean]]),
  ];
  named.sort(([a], [b]) => b.length - a.length);
  return named.map(([name, item, quoted]) => [name, item, namePattern(name, quoted)]);
}

/** Finds a name whatever stands between its words, in quotation marks or without; words of a text in them only. */
function namePattern(name: string, quoted: boolean): RegExp {
  const spaced = name
    .split(/[\s_-]+/)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
    .join('[\\s_-]+');
  const inside = `[“"«]${spaced}[”"»]`;
  return new RegExp(quoted ? inside : `${inside}|(?<![\\p{L}\\p{N}_])${spaced}(?![\\p{L}\\p{N}_])`, 'giu');
}

const units: Readonly<Record<string, Unit>> = { '%': 'percent', 'per cent': 'percent', percent: 'percent' };

function numberOf(match: RegExpMatchArray): Item | undefined {
  const [text, sign, whole = '', part = '', power, unit] = match;
  if (whole === '' && part === '') return undefined;
  const value = Number(`${whole.replaceAll(',', '') || '0'}${part}${power === undefined ? '' : `e${power}`}`);
  return {
    kind: 'number',
    value,
    // The size of the last digit that is written.
    digits: 10 ** (Number(power ?? 0) - Math.max(0, part.length - 1)),
    unit: unit === undefined ? 'none' : (units[unit.toLowerCase()] ?? 'points'),
    sign: sign === '' ? 0 : sign === '+' ? 1 : -1,
    text,
  };
}
