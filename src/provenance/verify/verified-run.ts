import * as z from 'zod/mini';
import type { Effect } from './contrasts.ts';
import { effectText } from './verdict.ts';
import { unrelatedStratum } from './verification.ts';

const effect = z.object({
  mean: z.number(),
  low: z.optional(z.number()),
  high: z.optional(z.number()),
  seeds: z.int(),
  prompts: z.int(),
});

/** What evidence about an item takes from `verification.json`; the rest is left to that run's own page. */
export const verificationDocument = z.object({
  items: z.array(z.object({ id: z.string(), file: z.string(), stratum: z.string(), group: z.string() })),
  contrasts: z.array(
    z.object({
      arm: z.string(),
      against: z.optional(z.string()),
      effects: z.record(z.string(), z.record(z.string(), effect)),
    }),
  ),
  command: z.string(),
  key: z.string(),
  name: z.string(),
  images: z.int(),
  seeds: z.array(z.int()),
});

/** A proof by retraining in which an item took part. */
export interface VerifiedRun {
  /** SHA-256 of its `verification.json`. */
  readonly hash: string;
  readonly key: string;
  readonly command: string;
  readonly name: string;
  readonly images: number;
  readonly seeds: number;
  /** Items of the kind of the item, and prompts that they come from. */
  readonly stratum: string;
  readonly items: number;
  readonly prompts: number;
  /** Each arm, or difference of arms, on the items of that kind. */
  readonly rows: readonly { readonly arm: string; readonly effect: Effect }[];
}

/** What a verification says about the kind of item that one of these files is; undefined where the item took no part. */
export function verifiedRunOf(
  document: z.infer<typeof verificationDocument>,
  hash: string,
  file: string,
): VerifiedRun | undefined {
  const item = document.items.find((one) => one.file === file);
  if (!item) return undefined;
  const { stratum } = item;
  const alike = document.items.filter((one) => one.stratum === stratum);
  const rows = document.contrasts.flatMap(({ arm, against, effects }) => {
    const effect = effects.whole?.[stratum];
    return effect ? [{ arm: against === undefined ? arm : `${arm} − ${against}`, effect: completed(effect) }] : [];
  });
  const { key, command, name, images, seeds } = document;
  return {
    ...{ hash, key, command, name, images, stratum, rows },
    seeds: seeds.length,
    items: alike.length,
    prompts: new Set(alike.map(({ group }) => group)).size,
  };
}

const completed = ({ mean, low, high, seeds, prompts }: z.infer<typeof effect>): Effect => ({
  mean,
  low,
  high,
  seeds,
  prompts,
});

/** What a verification adds to the third statement of a trace, no stronger than its intervals. */
export function verifiedText({ rows, stratum, items, prompts, seeds }: VerifiedRun): string {
  if (stratum === unrelatedStratum)
    return `Not asked: in the run that it took part in nothing was traced for it, to see that others do not change it.`;
  const find = (arm: string) => rows.find((row) => row.arm === arm)?.effect;
  const group = `the ${items} items of its kind (${stratum}, ${prompts} prompt${prompts === 1 ? '' : 's'}, ${seeds} seed${seeds === 1 ? '' : 's'})`;
  const control = find('traced − filter') ?? find('traced − global');
  if (!control) return `It was retrained for ${group}, without a control to compare with: that shows nothing.`;
  const support =
    isAbove(control) === true
      ? `Yes, for ${group}: models that were trained without what was traced find them less likely than models without as many other images, by ${effectText(control)}.`
      : `Not shown, for ${group}: removing what was traced changes them no more than removing as many other images does, ${effectText(control)}.`;
  const swap = find('swap');
  if (!swap) return `${support} Whether images like the traced ones would do as well was not asked.`;
  return isAbove(swap) === false
    ? `${support} Look-alikes from outside the data in their place do as well (${effectText(swap)}): they rest on items like these, not on these items.`
    : `${support} With look-alikes from outside the data in their place something is missing (${effectText(swap)}): some of it is of these items themselves.`;
}

function isAbove({ low, high }: Effect): boolean | undefined {
  if (low === undefined || high === undefined) return undefined;
  return low > 0;
}
