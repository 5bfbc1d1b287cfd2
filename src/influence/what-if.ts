import { type Calibration, calibratedEffect } from './calibration/calibration.ts';
import { additiveShare } from './groups.ts';
import type { Estimate } from './retraining/paired.ts';

/**
 * What could be done, and the change of f by the rows' scores τ: `remove` −τ; `reweight`, counting a row twice, +τ;
 * `relabel` τ(x, y′) − τ(x, y); `add` +τ(z′).
 */
export const whatIfActions = ['remove', 'relabel', 'reweight', 'add'] as const;
export type WhatIfAction = (typeof whatIfActions)[number];

/** A change of the training rows that was not made yet. */
export interface ProposedChange {
  readonly action: WhatIfAction;
  /** In words, as `remove row 12 of train.csv`. */
  readonly words: string;
  /** Rows that are changed. */
  readonly rows: number;
  /** Ids of the rows, where they are few. */
  readonly ids?: readonly string[];
  /** The new class, of `relabel`. */
  readonly label?: string;
  /** Change of f by the scores, in their unit. */
  readonly predicted: number;
}

/** A proposed change with its place among the others and, where there is a calibration, its effect. */
export interface WhatIf extends ProposedChange {
  /** 1 for the largest rise of f; all of `of` that were compared. */
  readonly rank: number;
  readonly of: number;
  /** Change of f after retraining, in nats: `slope · predicted` with a 95 % interval. Absent where it is not known. */
  readonly effect?: Estimate;
  /** Why there is no effect. */
  readonly unknown?: 'uncalibrated' | 'more rows than the calibration left out';
  /** More than 5 % of the rows: they stand in for each other, and the sum says too little. */
  readonly understated?: true;
}

/**
 * Ranks proposed changes by what they do to f, the largest rise first, and calibrates them; those without an effect come
 * last.
 * @param query `rows`: training rows in all; `spread`: see `spreadOf`, of its scores
 */
export function rankWhatIfs(
  proposed: readonly ProposedChange[],
  { rows, spread }: { readonly rows: number; readonly spread: number },
  calibration?: Pick<Calibration, 'slope' | 'bySize'>,
): WhatIf[] {
  const ranked = [...proposed]
    .sort((a, b) => b.predicted - a.predicted)
    .map((one, i): WhatIf => {
      const effect = calibration && calibratedEffect(calibration, one.predicted, { rows: one.rows, spread });
      return {
        ...one,
        rank: i + 1,
        of: proposed.length,
        ...(effect
          ? { effect }
          : {
              unknown: calibration ? ('more rows than the calibration left out' as const) : ('uncalibrated' as const),
            }),
        ...(one.rows > additiveShare * rows && { understated: true as const }),
      };
    });
  return [...ranked.filter(({ effect }) => effect), ...ranked.filter(({ effect }) => !effect)];
}
