import type { Contrast, Effect } from './contrasts.ts';
import { unrelatedStratum } from './verification.ts';

/** Two sentences of a verification; membership is the index's to say, never an effect's. */
export interface Verdict {
  /** Does removing the group change the items, more than removing as many others? */
  readonly support: string;
  /** These items, or items like these? */
  readonly specificity: string;
  /** Do unrelated items stay as they are? */
  readonly unrelated: string;
}

const covers = ({ low, high }: Effect) => low === undefined || high === undefined || (low <= 0 && high >= 0);

/** `12.3 (4.5, 20.1)` */
export function effectText({ mean, low, high }: Effect): string {
  const number = (value: number) => value.toFixed(2);
  return low === undefined || high === undefined
    ? `${number(mean)} (no interval)`
    : `${number(mean)} (${number(low)}, ${number(high)})`;
}

/** What the contrasts of the measure `whole` carry, by stratum; words no stronger than the intervals. */
export function verdictOf(contrasts: readonly Contrast[]): Verdict {
  const find = (arm: string, against: string | undefined) =>
    contrasts.find((one) => one.arm === arm && one.against === against)?.effects.whole;
  const control = find('traced', 'filter') ?? find('traced', 'global');
  const controlName = find('traced', 'filter') ? 'with captions as near' : 'by chance';
  const strata = Object.keys(control ?? {}).filter((stratum) => stratum !== unrelatedStratum);
  const support = strata.map((stratum) => {
    const effect = (control as Readonly<Record<string, Effect>>)[stratum];
    if (covers(effect)) return `${stratum}: not shown, ${effectText(effect)}`;
    return effect.mean > 0
      ? `${stratum}: yes, ${effectText(effect)}`
      : `${stratum}: the other way, ${effectText(effect)}`;
  });
  const [swap, removed] = [find('swap', undefined), find('traced', undefined)];
  const specific = strata.map((stratum) => {
    const effect = swap?.[stratum];
    if (!effect) return '';
    return covers(effect)
      ? `${stratum}: items like these, not these items, ${effectText(effect)}`
      : `${stratum}: something of these items themselves is left, ${effectText(effect)}${ofRemoval(effect, removed?.[stratum])}`;
  });
  const stays = control?.[unrelatedStratum];
  return {
    support: control
      ? `Removing the traced items makes the items less likely than removing as many others ${controlName}? ${support.join('; ')}.`
      : 'Not asked: there is no arm "filter" or "global" to compare with.',
    specificity: swap
      ? `Each traced item replaced by its best look-alike from outside the data: ${specific.join('; ')}.`
      : 'Not asked: no look-alikes from outside the data were given (--outside INDEX).',
    unrelated: !control
      ? 'Not asked: there is no arm "filter" or "global" to compare with.'
      : !stays
        ? 'Not asked: no item has the stratum "unrelated".'
        : `Unrelated items ${unrelatedText(stays)}: ${effectText(stays)}.`,
  };
}

/** How much of what removing costs is left when look-alikes take the place. */
function ofRemoval(left: Effect, removal: Effect | undefined): string {
  if (!removal || covers(removal) || removal.mean <= 0) return '';
  return ` of ${removal.mean.toFixed(2)}: look-alikes carry ${(100 * (1 - left.mean / removal.mean)).toFixed(0)} % of it`;
}

function unrelatedText(effect: Effect): string {
  if (covers(effect)) return 'stay within what chance does';
  return effect.mean > 0
    ? 'move as well, so the effect is not of these items alone'
    : 'move less than where the others are removed, which touches them more';
}
