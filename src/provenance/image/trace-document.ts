import { type VerifiedRun, verifiedText } from '../verify/verified-run.ts';
import type { ImageRanking, TracedItem } from './ranking.ts';
import type { ImageTrace } from './trace-image.ts';

/** What is said in one sentence of a trace; the three statements of provenance are never mixed. */
export interface TraceStatements {
  /** Is the item in the data? By hashes and near copies alone. */
  readonly membership: string;
  /** Does anything in the data resemble it? By scores that were calibrated on unrelated images. */
  readonly resemblance: string;
  /** Would it be another one without these items, and without items like these? Only retraining can say. */
  readonly influence: string;
}

const percent = (share: number, digits = 1) => `${(100 * share).toFixed(digits)} %`;

/** `closer than 99.7 % of unrelated images`; beyond all that were looked at, how many these were. */
export function supportText(support: number, unrelated: number): string {
  if (support > 1 - 1 / unrelated) return `closer than all of ${unrelated} unrelated images`;
  return `closer than ${percent(support)} of unrelated images`;
}

export function statementsOf({ membership, rankings, images }: ImageTrace, verified?: VerifiedRun): TraceStatements {
  const { same, near } = membership;
  const named = (items: readonly { readonly id: string }[]) =>
    `${items
      .slice(0, 3)
      .map(({ id }) => id)
      .join(', ')}${items.length > 3 ? ` and ${items.length - 3} more` : ''}`;
  const membershipText =
    same.length > 0
      ? `In the data: the same image is ${named(same)}.`
      : near.length > 0
        ? `Not in the data to the pixel; a near copy is: ${named(near)}.`
        : `Not in the data: none of ${images.toLocaleString('en')} images has its hash or is a near copy.`;
  const alike = rankings.filter(({ question, resembles }) => resembles && question !== 'hand');
  const texts = alike.map(({ question, items: [first], unrelated = 0 }) =>
    question === 'region' || question === 'block'
      ? `${question === 'block' ? 'a small part' : 'a part'} of it lies in ${first.item.id} (${supportText(first.support ?? 0, unrelated)})`
      : `as a whole it is like ${first.item.id} (${supportText(first.support ?? 0, unrelated)})`,
  );
  return {
    membership: membershipText,
    resemblance:
      texts.length > 0
        ? `Something in the data resembles it: ${texts.join('; ')}.`
        : same.length + near.length > 0
          ? 'The copies named above do; the rankings find nothing that stands out from how images of the data resemble each other.'
          : 'Nothing in the data resembles this, more than unrelated images resemble each other.',
    influence: verified
      ? verifiedText(verified)
      : 'Whether it would be another image without these items is not said by likeness; only retraining can say (wherefore trace verify).',
  };
}

/** Digits behind the point, where it is not one. */
const digits: Readonly<Record<string, number>> = {
  points: 0,
  blocks: 0,
  ssim: 2,
  cosine: 2,
  embeddingCosine: 2,
  distance: 2,
};

/** Signals in the order of a table, rounded. */
export function componentsText({ components }: TracedItem): string {
  return Object.entries(components)
    .map(([name, value]) => `${name} ${value.toFixed(digits[name] ?? 1).replace(/^-(0\.0+)$/, '$1')}`)
    .join(', ');
}

/** The items that count: those above the threshold, or all of a ranking by words. */
export function countedItems({ items, resembles }: ImageRanking): readonly TracedItem[] {
  return resembles === undefined ? items : items.filter(({ share }) => share > 0);
}
