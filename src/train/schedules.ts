import { WhereforeError } from '../errors.ts';

export interface WarmUp {
  /** The learning rate rises linearly over the first so many steps. Default 0. */
  readonly warmUp?: number;
}

/** Learning rate by step, as plain data. */
export type Schedule =
  | ({ readonly kind: 'constant'; readonly learningRate: number } & WarmUp)
  /** From `learningRate` to `final` (default 0) along half a cosine (Loshchilov and Hutter 2017, arXiv 1608.03983). */
  | ({ readonly kind: 'cosine'; readonly learningRate: number; readonly final?: number } & WarmUp)
  /** Multiplied by `factor` (default 0.1) after every `every` steps. */
  | ({
      readonly kind: 'step';
      readonly learningRate: number;
      readonly every: number;
      readonly factor?: number;
    } & WarmUp);

export type Rate<S> = (schedule: S, step: number, steps: number) => number;

/** Every schedule: the learning rate of step 0 … steps − 1, counted after the warm-up. */
export const schedules: { readonly [K in Schedule['kind']]: Rate<Extract<Schedule, { kind: K }>> } = {
  constant: ({ learningRate }) => learningRate,
  cosine: ({ learningRate, final = 0 }, step, steps) =>
    final + (learningRate - final) * 0.5 * (1 + Math.cos((Math.PI * step) / steps)),
  step: ({ learningRate, every, factor = 0.1 }, step) => learningRate * factor ** Math.floor(step / every),
};

/** The learning rate of `step`, counted from 0, of `steps` in all. */
export function learningRateAt(schedule: Schedule, step: number, steps: number): number {
  const warmUp = schedule.warmUp ?? 0;
  if (step < warmUp) return (schedule.learningRate * (step + 1)) / warmUp;
  return (schedules[schedule.kind] as Rate<Schedule>)(schedule, step - warmUp, Math.max(1, steps - warmUp));
}

/** @throws WhereforeError `invalid-argument` */
export function checkSchedule(schedule: Schedule): void {
  const positive = (name: string, value: number | undefined) => {
    if (value !== undefined && !(Number.isFinite(value) && value > 0)) {
      throw new WhereforeError('invalid-argument', `${name} of the schedule`, {
        got: String(value),
        expected: 'a positive number',
      });
    }
  };
  positive('learningRate', schedule.learningRate);
  if (schedule.kind === 'step') {
    positive('every', schedule.every);
    positive('factor', schedule.factor);
  }
}
