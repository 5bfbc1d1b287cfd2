import { WhereforeError } from '../errors.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';
import type { LossEvaluation } from './evaluate.ts';
import type { TrainingState } from './step.ts';

/** One epoch of a training. */
export interface EpochRecord {
  /** Counted from 1. */
  readonly epoch: number;
  /** Mean of the batches' losses, each before its update, weighted by the batch's size. */
  readonly loss: number;
  readonly evaluation?: LossEvaluation;
}

/** What happened during a training; influence methods that follow it need the learning rates. */
export interface TrainingHistory {
  readonly epochs: readonly EpochRecord[];
  /** Loss of each step's batch before the update. */
  readonly losses: Float64Array;
  /** Learning rate of each step. */
  readonly learningRates: Float64Array;
}

/** The state of a training between two steps: enough to go on with the same bits. */
export interface Checkpoint extends TrainingState {
  /** Steps done. */
  readonly step: number;
  /** Whole epochs done. */
  readonly epoch: number;
  /** Learning rate of the last step. */
  readonly learningRate: number;
  readonly history: TrainingHistory;
  /** What determines the training besides model and data: settings as JSON; a resumed training must have the same. */
  readonly settings: string;
}

/** Where checkpoints are kept. */
export interface CheckpointStore {
  save(checkpoint: Checkpoint): Promise<void>;
  /** Steps of the checkpoints that are kept, rising. */
  steps(): Promise<readonly number[]>;
  /** @throws WhereforeError `unknown-name` when there is none of that step */
  load(step: number): Promise<Checkpoint>;
}

/** Checkpoints in memory, all of them. */
export function checkpointsInMemory(): CheckpointStore {
  const kept = new Map<number, Checkpoint>();
  return {
    save: async (checkpoint) => {
      kept.set(checkpoint.step, checkpoint);
    },
    steps: async () => [...kept.keys()].sort((a, b) => a - b),
    load: async (step) => kept.get(step) ?? missing(step, [...kept.keys()]),
  };
}

/** @throws WhereforeError `unknown-name`, always */
export function missing(step: number, known: readonly number[]): never {
  throw new WhereforeError('unknown-name', `there is no checkpoint of step ${step}`, {
    expected: known.join(', ') || 'there are none',
  });
}

const prefixes = { parameters: 'parameter/', state: 'state/' } as const;

/** A checkpoint as named tensors and text, which is what a safetensors file holds. */
export function checkpointContent(checkpoint: Checkpoint): {
  tensors: Map<string, Tensor>;
  metadata: Record<string, string>;
} {
  const { parameters, state, history, settings, step, epoch, learningRate } = checkpoint;
  const tensors = new Map<string, Tensor>();
  for (const [name, value] of parameters) tensors.set(prefixes.parameters + name, value);
  for (const [name, value] of state) tensors.set(prefixes.state + name, value);
  tensors.set('history/losses', tensor('float64', [history.losses.length], history.losses));
  tensors.set('history/learning-rates', tensor('float64', [history.learningRates.length], history.learningRates));
  const facts = { version: 1, step, epoch, learningRate, epochs: history.epochs };
  return { tensors, metadata: { 'wherefore.checkpoint': JSON.stringify(facts), 'wherefore.settings': settings } };
}

/** The checkpoint that {@link checkpointContent} wrote. @throws WhereforeError `invalid-data` when it is none */
export function readCheckpoint(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>>,
  where: string,
): Checkpoint {
  const text = metadata['wherefore.checkpoint'];
  const settings = metadata['wherefore.settings'];
  const losses = tensors.get('history/losses');
  const learningRates = tensors.get('history/learning-rates');
  if (text === undefined || settings === undefined || losses?.type !== 'float64' || learningRates?.type !== 'float64') {
    throw new WhereforeError('invalid-data', 'not a checkpoint of a training', {
      where,
      fix: 'name a file that training wrote',
    });
  }
  const facts = JSON.parse(text) as {
    version: number;
    step: number;
    epoch: number;
    learningRate: number;
    epochs: EpochRecord[];
  };
  if (facts.version !== 1) {
    throw new WhereforeError('invalid-data', 'a checkpoint of another version', {
      where,
      got: String(facts.version),
      expected: '1',
    });
  }
  const under = (prefix: string) =>
    new Map(
      [...tensors]
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, value]) => [name.slice(prefix.length), value]),
    );
  return {
    parameters: under(prefixes.parameters),
    state: under(prefixes.state),
    step: facts.step,
    epoch: facts.epoch,
    learningRate: facts.learningRate,
    settings,
    history: {
      epochs: facts.epochs,
      losses: losses.data as Float64Array,
      learningRates: learningRates.data as Float64Array,
    },
  };
}
