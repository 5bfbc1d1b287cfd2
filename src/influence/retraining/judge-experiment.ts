import { judgeScores, leastSeeds, type Reliability } from '../reliability.ts';
import type { Arm, Experiment, LeaveOneOut } from './experiment.ts';
import { beyondRandom, type Estimate, pairedEstimate, type Verdict, verdictOf } from './paired.ts';
import type { ClassEffect, MeasuredQuantity } from './retrain-document.ts';

/** A quantity of every training of an experiment: larger is better. */
export interface Quantity {
  readonly title: string;
  readonly unit: string;
  readonly values: readonly number[];
}

/** Compares the trainings of an experiment by one quantity, seed by seed. */
export function judgeQuantity(
  { parts }: Pick<Experiment, 'parts'>,
  { title, unit, values }: Quantity,
): MeasuredQuantity {
  const by: Record<Arm, number[]> = { with: [], changed: [], control: [] };
  const whole = new Map<number, number>();
  for (const [i, { arm, seed }] of parts.entries()) {
    by[arm].push(values[i]);
    if (arm === 'with') whole.set(seed, values[i]);
  }
  const differences = (arm: Arm) =>
    parts.flatMap((part, i) => (part.arm === arm ? [values[i] - (whole.get(part.seed) as number)] : []));
  const [ours, others] = [differences('changed'), differences('control')];
  const effect = pairedEstimate(ours);
  const beyond = beyondRandom(ours, others);
  return {
    title,
    unit,
    values: by,
    effect,
    random: pairedEstimate(others),
    beyond,
    verdict: verdictOf(effect, beyond),
  };
}

/**
 * What the change does to the measured rows of each class; the intervals are so wide that all of them hold together
 * (Bonferroni).
 * @param values of every training and measured row, training by training
 */
export function classEffects(
  { parts }: Pick<Experiment, 'parts'>,
  values: Float64Array,
  labels: Int32Array,
  classes: readonly string[],
): ClassEffect[] {
  const present = [...new Set(labels)].sort((a, b) => a - b);
  const meanOf = (training: number, k: number) => {
    let [sum, count] = [0, 0];
    for (let i = 0; i < labels.length; i++) {
      if (labels[i] !== k) continue;
      sum += values[training * labels.length + i];
      count++;
    }
    return sum / count;
  };
  return present.map((k) => {
    const whole = new Map(parts.flatMap(({ arm, seed }, i) => (arm === 'with' ? [[seed, meanOf(i, k)] as const] : [])));
    const differences = parts.flatMap(({ arm, seed }, i) =>
      arm === 'changed' ? [meanOf(i, k) - (whole.get(seed) as number)] : [],
    );
    return {
      class: classes[k] ?? String(k),
      rows: labels.reduce((sum, label) => sum + Number(label === k), 0),
      effect: pairedEstimate(differences, 0.05 / present.length),
    };
  });
}

const endings: Readonly<Record<Verdict, string>> = {
  helps: 'The change helps: more than leaving out as many random rows.',
  harms: 'The change harms: more than leaving out as many random rows.',
  'like-random': 'That is no more than leaving out as many random rows does.',
  'less-harm': 'The change harms, but less than leaving out as many random rows.',
  'less-help': 'The change helps, but less than leaving out as many random rows.',
  'no-effect': 'No measurable effect: with these seeds it cannot be told from none.',
};

/** What was found, in two sentences. @param what the change in words, at the beginning of a sentence */
export function answerOf(what: string, measured: readonly MeasuredQuantity[]): string {
  const [first, ...others] = measured;
  const told = ({ title, effect, unit }: MeasuredQuantity) => `${title} ${effectText(effect, unit)}`;
  const also = others.length > 0 ? ` (${others.map(told).join('; ')})` : '';
  const random = `Without as many random rows: ${effectText(first.random, first.unit)}.`;
  return `${what}: ${told(first)}${also}. ${random} ${endings[first.verdict]}`;
}

/** `+0.12 nats [0.08, 0.16]`. */
export function effectText({ mean, low, high }: Estimate, unit: string): string {
  const interval = low === undefined || high === undefined ? '' : ` [${signedNumber(low)}, ${signedNumber(high)}]`;
  return `${signedNumber(mean)}${unit ? ` ${unit}` : ''}${interval}`;
}

/** Three significant digits with a sign. */
export function signedNumber(value: number): string {
  return value > 0 ? `+${plainNumber(value)}` : plainNumber(value);
}

/** The mean of some values, to three significant digits. */
export const meanText = (values: readonly number[]): string =>
  plainNumber(values.reduce((sum, one) => sum + one, 0) / values.length);

function plainNumber(value: number): string {
  const size = Math.abs(value);
  const text = size === 0 || (size >= 1e-3 && size < 1e5) ? String(Number(size.toPrecision(3))) : size.toExponential(1);
  return value < 0 ? `−${text}` : text;
}

/** What leaving out single rows does, by row, the most harmful first. */
export interface LeftOutEffect {
  readonly row: number;
  readonly effect: Estimate;
  readonly reliability?: Reliability;
}

/** f with a row less f without it, over the seeds; with five or more the reliability of each, all rows tried together. */
export function leftOutEffects({ parts }: Pick<LeaveOneOut, 'parts'>, values: readonly number[]): LeftOutEffect[] {
  const bySeed = new Map<number, number[]>();
  const rows: number[] = [];
  const whole = new Map<number, number>();
  for (const [i, { row, seed }] of parts.entries()) {
    if (row === undefined) whole.set(seed, values[i]);
    else {
      const own = bySeed.get(seed) ?? [];
      own.push((whole.get(seed) as number) - values[i]);
      bySeed.set(seed, own);
      if (bySeed.size === 1) rows.push(row);
    }
  }
  const effects = [...bySeed.values()];
  const judged =
    effects.length < leastSeeds
      ? undefined
      : judgeScores(effects.map((own) => ({ rows: 1, columns: rows.length, data: Float64Array.from(own) })));
  return rows
    .map((row, j) => ({
      row,
      effect: pairedEstimate(effects.map((own) => own[j])),
      ...(judged && { reliability: judged.reliability[j] }),
    }))
    .sort((a, b) => a.effect.mean - b.effect.mean || a.row - b.row);
}
