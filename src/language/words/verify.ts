import { bySize, type ExplanationFacts, type ToldFeature } from './facts.ts';
import { type Item, itemsOf, type Role } from './words-of.ts';

/** A sentence about an explanation, with what is wrong about it. */
export interface CheckedSentence {
  readonly text: string;
  /** verified: all that it states is so. struck: something is not, or cannot be checked. silent: it states nothing. */
  readonly status: 'verified' | 'struck' | 'silent';
  readonly problems: readonly string[];
}

type NumberItem = Extract<Item, { kind: 'number' }>;

/**
 * Checks a text about an explanation, sentence by sentence, against what the explanation states: numbers with their
 * units, what they are numbers of, the direction of each feature, what is said to count most, and names. Whoever wrote
 * the text is not believed: what cannot be checked is struck.
 */
export function verifyText(text: string, facts: ExplanationFacts): CheckedSentence[] {
  let subject: ToldFeature | undefined;
  return sentencesOf(text, facts).map((sentence) => {
    const items = itemsOf(sentence, facts);
    const check = new SentenceCheck(items, facts, subject);
    const problems = check.run();
    subject = check.lastFeature ?? subject;
    const states = items.some(
      ({ kind }) => kind === 'number' || kind === 'feature' || kind === 'label' || kind === 'unknown',
    );
    return { text: sentence, status: problems.length > 0 ? 'struck' : states ? 'verified' : 'silent', problems };
  });
}

/** Sentences of a text; a full stop inside a number or a known name ends none. */
export function sentencesOf(text: string, facts: ExplanationFacts): string[] {
  const names = facts.features
    .flatMap(({ name, text: value }) => [name, value ?? ''])
    .concat(facts.label, facts.baseline ?? '');
  let masked = text;
  for (const name of names.filter((part) => /[.!?]/.test(part)))
    masked = masked.replaceAll(name, (part) => '_'.repeat(part.length));
  const sentences: string[] = [];
  let start = 0;
  for (const match of masked.matchAll(/[.!?]+["”»)]*(?=\s|$)|\n+/g)) {
    const end = match.index + match[0].length;
    sentences.push(text.slice(start, end).trim());
    start = end;
  }
  sentences.push(text.slice(start).trim());
  return sentences.filter((sentence) => sentence !== '');
}

/** The check of one sentence. */
class SentenceCheck {
  lastFeature: ToldFeature | undefined;
  private readonly items: readonly Item[];
  private readonly facts: ExplanationFacts;
  private readonly before: ToldFeature | undefined;
  private readonly problems: string[] = [];

  constructor(items: readonly Item[], facts: ExplanationFacts, before: ToldFeature | undefined) {
    this.items = items;
    this.facts = facts;
    this.before = items.some(({ kind }) => kind === 'pronoun') ? before : undefined;
  }

  run(): readonly string[] {
    this.checkNames();
    this.checkDirections();
    this.checkMost();
    this.checkComparisons();
    for (const [at, item] of this.items.entries()) if (item.kind === 'number') this.checkNumber(item, at);
    for (const item of this.items) if (item.kind === 'feature') this.lastFeature = item.feature;
    return this.problems;
  }

  private checkNames(): void {
    const { label, others } = this.facts;
    for (const [at, item] of this.items.entries()) {
      if (item.kind === 'unknown') this.problems.push(`“${item.text}” is no part of the explanation`);
      if (item.kind !== 'label' || item.label === label) continue;
      const other = others.find((one) => one.label === item.label);
      const numbers = this.items.filter((one): one is NumberItem => one.kind === 'number');
      const told = other && numbers.some((number) => this.isTotal(number, other.value));
      if (!told || this.items.slice(0, at).every(({ kind }) => kind !== 'number' && kind !== 'role'))
        this.problems.push(`“${item.label}” is not what is explained`);
    }
  }

  /** Features that a word at some position speaks of: those behind it where it opens the sentence, else those before it. */
  private featuresAt(at: number): ToldFeature[] {
    const isEnd = ({ kind }: Item) => kind === 'direction';
    const collect = (items: readonly Item[]) =>
      items.flatMap((item) => (item.kind === 'feature' ? [item.feature] : []));
    const firstFeature = this.items.findIndex(({ kind }) => kind === 'feature');
    const firstWord = this.items.findIndex(isEnd);
    const ahead = this.items.slice(at + 1);
    const end = ahead.findIndex(isEnd);
    const following = collect(end < 0 ? ahead : ahead.slice(0, end));
    let start = at;
    while (start > 0 && !isEnd(this.items[start - 1])) start--;
    const preceding = collect(this.items.slice(start, at));
    const leads = firstFeature < 0 || (firstWord >= 0 && firstWord < firstFeature);
    const [first, second] = leads ? [following, preceding] : [preceding, following];
    if (first.length > 0) return first;
    if (second.length > 0) return second;
    return this.before ? [this.before] : [];
  }

  private checkDirections(): void {
    const isNegated = this.items.some(({ kind }) => kind === 'negation');
    for (const [at, item] of this.items.entries()) {
      if (item.kind !== 'direction') continue;
      const features = this.featuresAt(at);
      if (isNegated && features.length > 0) this.problems.push('a denial cannot be checked');
      for (const { name, share } of features)
        if (Math.sign(share) !== item.sign)
          this.problems.push(`${name} ${share < 0 ? 'lowers' : share > 0 ? 'raises' : 'does not change'} it`);
      if (features.length === 0 && !this.speaksOfAll())
        this.problems.push('nothing known is said to raise or lower it');
    }
  }

  /** Whether a sentence without a feature has a subject all the same: the others, the whole. */
  private speaksOfAll(): boolean {
    const known: readonly Role[] = ['rest', 'difference', 'sum', 'baseline', 'error'];
    return (
      this.items.some((item) => item.kind === 'role' && known.includes(item.role)) ||
      !this.items.some(({ kind }) => kind === 'number' || kind === 'pronoun')
    );
  }

  private checkMost(): void {
    const at = this.items.findIndex(({ kind }) => kind === 'most');
    if (at < 0) return;
    const direction = this.items.find((item) => item.kind === 'direction');
    const ahead = this.items.slice(at).find((item) => item.kind === 'feature');
    const behind = this.items.slice(0, at).findLast((item) => item.kind === 'feature');
    const feature = (behind ?? ahead)?.feature ?? this.before;
    if (!feature) return;
    const sign = direction?.sign;
    const rivals = this.facts.features.filter(({ share }) => sign === undefined || share * sign > 0);
    const [first] = bySize(rivals);
    if (first && Math.abs(feature.share) < Math.abs(first.share))
      this.problems.push(`${first.name} counts more than ${feature.name}`);
  }

  /** `age more than hours`. */
  private checkComparisons(): void {
    for (const [at, item] of this.items.entries()) {
      if (item.kind !== 'more' && item.kind !== 'less') continue;
      const [left, right] = [this.items[at - 1], this.items[at + 1]];
      if (left?.kind !== 'feature' || right?.kind !== 'feature') continue;
      const difference = Math.abs(left.feature.share) - Math.abs(right.feature.share);
      if (item.kind === 'more' ? difference <= 0 : difference >= 0)
        this.problems.push(`${left.feature.name} does not count ${item.kind} than ${right.feature.name}`);
    }
  }

  private checkNumber(number: NumberItem, at: number): void {
    const isNumber = ({ kind }: Item) => kind === 'number';
    let start = at;
    while (start > 0 && !isNumber(this.items[start - 1])) start--;
    const before = this.items.slice(start, at);
    const behind = this.items.slice(at + 1);
    const next = behind.findIndex(isNumber);
    const after = next < 0 ? behind : behind.slice(0, next);
    const feature = lastFeature(before) ?? (rolesOf(before).length > 0 ? undefined : this.subjectOf(at, after));
    if (feature && this.fitsFeature(number, feature, at)) return;
    const roles = feature ? [] : rolesBeside(rolesOf(before), rolesOf(after));
    if (!feature && this.fitsRole(number, roles, before)) return;
    const other = before.find((item) => item.kind === 'label');
    const value = this.facts.others.find(({ label }) => other?.kind === 'label' && label === other.label)?.value;
    if (value !== undefined && this.isTotal(number, value)) return;
    const count = number.unit === 'none' && this.fitsCount(number.value, roles);
    if (!count) this.problems.push(`${number.text.trim()} is not so${feature ? ` of ${feature.name}` : ''}`);
  }

  /** The feature that a number without a name right before it belongs to: the last one named, or the next one. */
  private subjectOf(at: number, after: readonly Item[]): ToldFeature | undefined {
    const named = lastFeature(this.items.slice(0, at));
    if (named) return rolesOf(after).length > 0 && !after.some(({ kind }) => kind === 'feature') ? undefined : named;
    return (
      after.find((item) => item.kind === 'feature')?.feature ?? (rolesOf(after).length > 0 ? undefined : this.before)
    );
  }

  /** Its share, its share in per cent of the difference, or its value. */
  private fitsFeature(number: NumberItem, feature: ToldFeature, at: number): boolean {
    const { isProbability, difference } = this.facts;
    const share = isProbability ? 100 * feature.share : feature.share;
    const direction = this.directionAt(at);
    const sign = number.sign === 0 ? (direction ?? 1) : number.sign;
    const unit = isProbability ? 'points' : 'none';
    if (number.unit === unit && near(number, Math.abs(share)) && Math.sign(share) === sign) return true;
    if (number.unit === 'percent' && difference && near(number, (100 * Math.abs(feature.share)) / Math.abs(difference)))
      return true;
    const value = Number(feature.text?.replaceAll(',', ''));
    return (
      number.unit === 'none' && feature.text !== undefined && value === (number.sign < 0 ? -number.value : number.value)
    );
  }

  private directionAt(at: number): 1 | -1 | undefined {
    const before = this.items.slice(0, at).findLast((item) => item.kind === 'direction');
    return (before ?? this.items.slice(at).find((item) => item.kind === 'direction'))?.sign;
  }

  private fitsRole(number: NumberItem, roles: readonly Role[], before: readonly Item[]): boolean {
    const { value, baselineValue, difference, sum, relativeError, isProbability, features } = this.facts;
    const scale = isProbability ? 100 : 1;
    const shareUnit = isProbability ? 'points' : 'none';
    const amount = (of: number | undefined, strict = false) => {
      if (of === undefined || number.unit !== shareUnit || !near(number, Math.abs(scale * of))) return false;
      const way = number.sign || this.directionOfTotal(before);
      return way === 0 ? !strict || of >= 0 : Math.sign(of) === way;
    };
    const fits: Readonly<Record<Role, () => boolean>> = {
      value: () => this.isTotal(number, value),
      baseline: () => baselineValue !== undefined && this.isTotal(number, baselineValue),
      difference: () => amount(difference),
      sum: () => amount(sum) || amount(difference),
      error: () => number.unit === 'percent' && relativeError !== undefined && near(number, 100 * relativeError),
      rest: () => this.fitsRest(number, features, scale, shareUnit),
    };
    const last = roles.at(-1);
    if (last === undefined)
      return amount(difference) && this.items.some(({ kind }) => kind === 'more' || kind === 'less');
    return fits[last]();
  }

  /** −1 and 1 where `less` or `more` or a word of direction says which way a total went, else 0. */
  private directionOfTotal(before: readonly Item[]): -1 | 0 | 1 {
    const all = [...before, ...this.items.slice(this.items.indexOf(before[before.length - 1]) + 1)];
    const word = all.find(({ kind }) => kind === 'more' || kind === 'less' || kind === 'direction');
    if (word?.kind === 'direction') return word.sign;
    return word ? (word.kind === 'more' ? 1 : -1) : 0;
  }

  /** The sum of the features that the text may have left to the rest: some number of the smallest ones. */
  private fitsRest(number: NumberItem, features: readonly ToldFeature[], scale: number, unit: string): boolean {
    if (number.unit !== unit) return this.fitsCount(number.value, ['rest']);
    const way = number.sign || this.items.find((item) => item.kind === 'direction')?.sign || 0;
    const count = this.items.find((item): item is NumberItem => item.kind === 'number' && item !== number)?.value;
    const sums = restSums(features);
    return sums.some(
      ({ sum, left }) =>
        near(number, Math.abs(scale * sum)) &&
        (way === 0 || Math.sign(sum) === way || sum === 0) &&
        (count === undefined || count === left),
    );
  }

  private fitsCount(value: number, roles: readonly Role[]): boolean {
    const { length } = this.facts.features;
    return Number.isInteger(value) && (roles.includes('rest') ? value > 0 && value < length : value === length);
  }

  private isTotal(number: NumberItem, value: number): boolean {
    const { isProbability } = this.facts;
    if (number.unit !== (isProbability ? 'percent' : 'none')) return false;
    const shown = isProbability ? 100 * value : value;
    return near(number, Math.abs(shown)) && number.sign < 0 === shown < 0;
  }
}

/** Sums of what is left when the largest on either side have been told one by one. */
function restSums(features: readonly ToldFeature[]): { readonly sum: number; readonly left: number }[] {
  const sides = [1, -1].map((sign) => bySize(features).filter(({ share }) => share * sign > 0));
  const total = features.reduce((sum, { share }) => sum + share, 0);
  const starts = sides.map((side) => {
    let told = 0;
    return [0, ...side.map(({ share }) => (told += share))];
  });
  return starts[0].flatMap((first, i) =>
    starts[1].map((second, j) => ({ sum: total - first - second, left: features.length - i - j })),
  );
}

/** Whether a number is another one, rounded to the digits that are written. */
function near({ value, digits }: NumberItem, exact: number): boolean {
  // Half a unit of the last digit, and what three significant digits lose.
  return Math.abs(value - exact) <= 0.5000001 * digits && (value !== 0 || exact < 0.5 * digits);
}

const lastFeature = (items: readonly Item[]): ToldFeature | undefined =>
  items.findLast((item) => item.kind === 'feature')?.feature;

/**
 * What a number is about, last: the last word before it says that, or the first ones behind it. What the model gives for
 * the baseline is the baseline's, unless a number of the baseline follows.
 */
function rolesBeside(before: readonly Role[], after: readonly Role[]): readonly Role[] {
  if (before.length === 0) return after;
  const ofBaseline = before.includes('baseline') && !(before.includes('value') && after.includes('baseline'));
  return ofBaseline ? [...before, 'baseline'] : before;
}

/** Words of role among others. A result that is raised or lowered is not told by the number behind it. */
function rolesOf(items: readonly Item[]): Role[] {
  const isMoved = items.some(({ kind }) => kind === 'direction');
  return items.flatMap((item) => (item.kind === 'role' && !(isMoved && item.role === 'value') ? [item.role] : []));
}
