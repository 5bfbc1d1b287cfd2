import type { Comparison } from './comparison.ts';

/** A method that sound metrics do not put above a negative control. */
export interface Doubtful {
  readonly row: string;
  /** Metrics by which its distance from a control may be chance. */
  readonly indistinguishable: readonly string[];
  /** Metrics by which it is below a control beyond chance. */
  readonly below: readonly string[];
}

/** The methods that are no better than noise by some sound metric, those of the most metrics first. */
export function doubtfulMethods({ rows, verdicts }: Pick<Comparison, 'rows' | 'verdicts'>): Doubtful[] {
  const sound = verdicts.filter(({ sound }) => sound);
  return rows
    .map(({ id }): Doubtful => {
      const below = sound.filter((verdict) => verdict.below.some(({ row }) => row === id));
      const indistinguishable = sound.filter(
        (one) => !below.includes(one) && one.indistinguishable.some(({ row }) => row === id),
      );
      return {
        row: id,
        indistinguishable: indistinguishable.map(({ metric }) => metric),
        below: below.map(({ metric }) => metric),
      };
    })
    .filter(({ indistinguishable, below }) => indistinguishable.length + below.length > 0)
    .sort((a, b) => 2 * (b.below.length - a.below.length) + b.indistinguishable.length - a.indistinguishable.length);
}

/** `gradient: worse than a control by deletion; no better by insertion` */
export function doubtText(
  { row, indistinguishable, below }: Doubtful,
  title: (id: string) => string,
  metric: (name: string) => string,
): string {
  const names = (list: readonly string[]) => list.map(metric).join(', ');
  const parts = [
    below.length > 0 && `worse than a control by ${names(below)}`,
    indistinguishable.length > 0 && `not beyond chance better than a control by ${names(indistinguishable)}`,
  ].filter(Boolean);
  return `${title(row)}: ${parts.join('; ')}`;
}
