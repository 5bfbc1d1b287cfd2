import { WhereforeError } from '../errors.ts';
import { formatShape, sameShape } from '../tensor/tensor.ts';
import type { Checkpoint } from './checkpoint.ts';
import { checkSchedule } from './schedules.ts';
import type { TrainingStep } from './step.ts';
import type { TrainOptions } from './train.ts';

/** @throws WhereforeError `invalid-argument` or `invalid-data` for options that make no sense. */
export function checkOptions(options: TrainOptions): void {
  const whole = (name: string, value: number) => {
    if (!Number.isInteger(value) || value < 1)
      throw new WhereforeError('invalid-argument', name, { got: String(value), expected: 'a whole number from 1' });
  };
  whole('epochs', options.epochs);
  whole('batchSize', options.batchSize);
  const every = options.checkpointEvery;
  if (every) whole('checkpointEvery', 'steps' in every ? every.steps : every.epochs);
  if (options.samples.count === 0) throw new WhereforeError('invalid-data', 'there are no samples to train on');
  checkSchedule(options.schedule);
}

/** What determines a training besides model and data, as JSON. */
export function settingsOf(options: TrainOptions, training: TrainingStep, steps: number): string {
  const { loss, optimizer, schedule, batchSize, seed, samples, output, clipNorm, inputsAt, determinedBy } = options;
  // The total counts only where the schedule depends on it: other trainings may be made longer when they are resumed.
  const total = schedule.kind === 'cosine' || inputsAt ? { steps } : {};
  return JSON.stringify({
    loss,
    optimizer,
    schedule,
    batchSize,
    seed,
    samples: samples.count,
    output,
    clipNorm,
    trainable: training.trainable,
    ...(determinedBy && { determinedBy }),
    ...total,
  });
}

/** @throws WhereforeError `invalid-argument` or `wrong-shape` when a training cannot go on from this checkpoint. */
export function checkResume(checkpoint: Checkpoint, settings: string, training: TrainingStep, steps: number): void {
  if (checkpoint.settings !== settings) {
    const [before, now] = [checkpoint.settings, settings].map((text) => JSON.parse(text) as Record<string, unknown>);
    const text = (value: unknown) => JSON.stringify(value) ?? 'nothing';
    const differing = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
      (key) => text(before[key]) !== text(now[key]),
    );
    throw new WhereforeError('invalid-argument', 'the checkpoint belongs to a training with other settings', {
      got: differing.map((key) => `${key} ${text(now[key])}`).join(', '),
      expected: differing.map((key) => `${key} ${text(before[key])}`).join(', '),
    });
  }
  if (checkpoint.step > steps) {
    throw new WhereforeError('invalid-argument', 'the checkpoint lies beyond the end of the training', {
      got: `step ${checkpoint.step}`,
      expected: `at most ${steps}`,
    });
  }
  for (const half of ['parameters', 'state'] as const) {
    for (const [name, { shape }] of training.initial[half]) {
      const kept = checkpoint[half].get(name);
      if (!kept || !sameShape(kept.shape, shape)) {
        throw new WhereforeError('wrong-shape', `"${name}" of the checkpoint`, {
          got: kept ? formatShape(kept.shape) : 'nothing',
          expected: formatShape(shape),
        });
      }
    }
  }
}
