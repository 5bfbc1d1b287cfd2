import { WhereforeError } from '../../errors.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import { permutation, random } from '../../tensor/random.ts';
import { openTrainer, type Trainer, type TrainOptions } from '../../train/index.ts';

export interface SmoothnessOptions {
  readonly training: TrainOptions;
  /** Part of the rows that is weighted down. Default 0.05. */
  readonly share?: number;
  /** How many random parts; each costs two trainings beside the one that they share. Default 1. */
  readonly directions?: number;
  /** Determines the parts. Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

/** How smoothly the end of a training moves with the weights of its rows. */
export interface Smoothness {
  /** From −1 to 1; 1: the second half of a change moves every trained weight the way that the first half did. */
  readonly value: number;
  /** Whether scores of single rows can be trusted: `value` is at least {@link leastSmooth}. */
  readonly isSmooth: boolean;
  /** The value of each part. */
  readonly each: readonly number[];
}

/** Below this, derivatives say little about what happens when rows are left out; see docs/training.md. */
export const leastSmooth = 0.5;

/**
 * Metasmoothness (Engstrom et al. 2025, "Optimizing ML training with metagradient descent", arXiv 2503.13751): a random
 * part of the rows is weighted 1, ½ and 0, and the two changes of the trained weights are compared:
 * `S = Σ_j |Δ_j| sign(Δ_j) sign(Δ′_j) / Σ_j |Δ_j|`, Δ = θ(½) − θ(1), Δ′ = θ(0) − θ(½).
 *
 * @throws WhereforeError as `train`; `invalid-argument` for a share that leaves nothing out or nothing in
 */
export async function smoothnessOf(options: SmoothnessOptions): Promise<Smoothness> {
  const { training, share = 0.05, directions = 1, seed = 0, signal } = options;
  const { length: count } = training.samples;
  const part = Math.max(1, Math.round(share * count));
  if (!(share > 0 && part < count && directions >= 1)) {
    throw new WhereforeError('invalid-argument', 'what a test of smoothness weights down', {
      got: `${share} of ${count} rows, ${directions} times`,
      expected: 'some of the rows but not all, at least once',
    });
  }
  const trainer = await openTrainer(training);
  try {
    const whole = await trainer.train({}, signal);
    const each: number[] = [];
    for (let direction = 0; direction < directions; direction++) {
      const rows = permutation(count, random(seed, direction + 1)).subarray(0, part);
      const [half, none] = [
        await trainWith(trainer, training, { rows, factor: 0.5 }, signal),
        await trainWith(trainer, training, { rows, factor: 0 }, signal),
      ];
      each.push(agreement(whole.parameters, half, none));
    }
    const value = each.reduce((sum, one) => sum + one, 0) / directions;
    return { value, isSmooth: value >= leastSmooth, each };
  } finally {
    await trainer.close();
  }
}

async function trainWith(
  trainer: Trainer,
  { rowWeights, samples }: TrainOptions,
  { rows, factor }: { readonly rows: Uint32Array; readonly factor: number },
  signal: AbortSignal | undefined,
): Promise<Tensors> {
  const weights = rowWeights?.slice() ?? new Float32Array(samples.length).fill(1);
  for (const row of rows) weights[row] *= factor;
  return (await trainer.train({ rowWeights: weights }, signal)).parameters;
}

function agreement(whole: Tensors, half: Tensors, none: Tensors): number {
  let [agreeing, all] = [0, 0];
  for (const name of whole.keys()) {
    const [a, b, c] = [whole, half, none].map((of) => of.get(name)?.data as Float32Array);
    for (let j = 0; j < a.length; j++) {
      const [first, second] = [b[j] - a[j], c[j] - b[j]];
      agreeing += first * Math.sign(second);
      all += Math.abs(first);
    }
  }
  // Nothing moves: the rows have no part in the training.
  return all === 0 ? 1 : agreeing / all;
}
