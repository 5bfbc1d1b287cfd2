/** A part of an input and its share of what is explained. */
export interface ToldFeature {
  /** A column, a word, a part of an image. */
  readonly name: string;
  /** Its value as a person wrote it. */
  readonly text?: string;
  readonly share: number;
}

/** What an explanation states, as far as words can tell it. */
export interface ExplanationFacts {
  readonly model: string;
  readonly method: string;
  /** What the input is compared with; undefined where the method needs none. */
  readonly baseline: string | undefined;
  /** The class or value that is explained. */
  readonly label: string;
  /** Whether values are probabilities: totals are told in per cent, shares in percentage points. */
  readonly isProbability: boolean;
  /** f(x), f(x₀) and their difference. */
  readonly value: number;
  readonly baselineValue: number | undefined;
  readonly difference: number | undefined;
  /** Σ of the shares. */
  readonly sum: number;
  /** |Σ − difference| / |difference|; undefined where the values promise no sum. */
  readonly relativeError: number | undefined;
  readonly features: readonly ToldFeature[];
  /** What the model said of the same input besides. */
  readonly others: readonly { readonly label: string; readonly value: number }[];
  /** What features are; words of a text stand in quotation marks when they are spoken of. */
  readonly kind: 'values' | 'words' | 'regions';
}

/** Features by the size of their share, the largest first. */
export const bySize = (features: readonly ToldFeature[]): ToldFeature[] =>
  [...features].sort((a, b) => Math.abs(b.share) - Math.abs(a.share));

/** A total as a person reads it: `72.1 %`, `3.42`. */
export function totalText({ isProbability }: Pick<ExplanationFacts, 'isProbability'>, value: number): string {
  return isProbability ? `${rounded(100 * value, 3)} %` : rounded(value, 4);
}

/** The size of a share as a person reads it, without its sign: `12.3 points`, `.52`. */
export function sizeText({ isProbability }: Pick<ExplanationFacts, 'isProbability'>, share: number): string {
  const size = Math.abs(share);
  if (!isProbability) return rounded(size, 3);
  const points = rounded(100 * size, 3);
  return `${points} ${points === '1' ? 'percentage point' : 'percentage points'}`;
}

/** A number to some significant digits, without a tail of zeros. */
export const rounded = (value: number, digits: number): string =>
  value === 0 ? '0' : String(Number(value.toPrecision(digits))).replace('-', '−');
