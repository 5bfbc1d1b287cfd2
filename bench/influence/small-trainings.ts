// Short trainings of digits for the benches of requirements: 64-12-10 with tanh (910 weights), 20 epochs in batches of 32.

import type { Dataset } from '../../src/dataset/dataset.ts';
import { datasetOf } from '../../src/dataset/in-memory.ts';
import type { GradientMaterial } from '../../src/influence/gradient-material.ts';
import type { Matrix64 } from '../../src/influence/matrix.ts';
import { modelGradients } from '../../src/influence/model-gradients.ts';
import {
  type OpenRetraining,
  openRetraining,
  type PlannedTraining,
} from '../../src/influence/retraining/retraining.ts';
import { score } from '../../src/influence/score.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import { createModel } from '../../src/runtime/model.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { permutation, random } from '../../src/tensor/random.ts';
import { float32, int64 } from '../../src/tensor/tensor.ts';
import { activation, linear } from '../../src/train/layers/index.ts';
import { Network } from '../../src/train/network.ts';
import type { TrainOptions } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { digits } from './data.ts';

/** Rows as numbers: 64 pixels each, and a class. */
export interface Rows {
  readonly x: readonly Float32Array[];
  readonly y: readonly number[];
}

/** Some rows of digits, drawn by a seed. */
export function drawRows(folder: string, file: string, count: number, seed: number): Rows {
  const { x, y } = digits(folder, file);
  const at = Array.from(permutation(y.length, random(seed, 21)).subarray(0, count));
  return { x: at.map((i) => x.data.slice(64 * i, 64 * (i + 1))), y: at.map((i) => y[i]) };
}

export const join = (...parts: readonly Rows[]): Rows => ({
  x: parts.flatMap(({ x }) => [...x]),
  y: parts.flatMap(({ y }) => [...y]),
});

export const withClasses = ({ x }: Rows, y: readonly number[]): Rows => ({ x, y });

/** A row with normal noise on its pixels. */
export const nearCopy = (row: Float32Array, spread: number, seed: number): Float32Array => {
  const source = random(seed, 22);
  return row.map((value) => value + spread * source.normal());
};

export function datasetFrom({ x, y }: Rows): Dataset {
  const data = new Float32Array(64 * x.length);
  for (const [i, row] of x.entries()) data.set(row, 64 * i);
  return datasetOf({ x: float32([x.length, 64], data) }, { labels: int64([x.length], [...y]) });
}

const decays = { MLP: 1e-3, 'softmax regression': 1e-2 } as const;
type DigitsKind = keyof typeof decays;

/** @param kind the network, or a softmax regression trained to its optimum by 400 steps of all rows */
export function smallRecipe(
  rows: Rows,
  runtime: Runtime,
  kind: DigitsKind = 'MLP',
  weightDecay: number = decays[kind],
): TrainOptions {
  const network = new Network({ seed: 1 });
  const x = network.input('x', 'float32', ['N', 64]);
  const isDeep = kind === 'MLP';
  const below = isDeep ? activation(network, linear(network, x, 'hidden', { features: 12 }), 'tanh', 'tanh') : x;
  return {
    model: network.build([linear(network, below, 'logits', { features: 10 })]),
    samples: datasetFrom(rows),
    loss: { kind: 'cross-entropy' },
    optimizer: { kind: 'sgd', momentum: 0.9, weightDecay },
    schedule: { kind: 'constant', learningRate: isDeep ? 0.1 : 1 },
    epochs: isDeep ? 20 : 400,
    batchSize: isDeep ? 32 : rows.y.length,
    divisor: 'rows',
    seed: 0,
    runtime,
  };
}

/** A recipe with its model of seed 0, and trainings of it that are measured on queries. */
export interface Subject {
  readonly rows: Rows;
  readonly queries: Rows;
  readonly model: OnnxModel;
  readonly retraining: OpenRetraining;
  /** Gradients of rows at the weights of the model, for the queries. */
  gradients(of: Rows, about?: Rows): Promise<GradientMaterial>;
  /** Scores of the rows for every query, by exact influence. */
  scores(): Promise<{ readonly values: Matrix64; readonly directions: readonly Matrix64[] }>;
  close(): Promise<void>;
}

export async function subjectOf(
  rows: Rows,
  queries: Rows,
  runtime: Runtime,
  kind: DigitsKind = 'MLP',
  weightDecay: number = decays[kind],
): Promise<Subject> {
  const recipe = smallRecipe(rows, runtime, kind, weightDecay);
  const { model } = await train(recipe);
  const opened = createModel(model, runtime, { name: 'digits', hash: '' });
  const gradients = (of: Rows, about = queries) =>
    modelGradients({
      ...{ model: opened, output: model.graph.outputs[0].name, classes: 10, weightDecay },
      ...{ rows: datasetFrom(of), queries: datasetFrom(about) },
    });
  const retraining = await openRetraining({ recipe, queries: datasetFrom(queries) });
  return {
    ...{ rows, queries, model, retraining, gradients },
    async scores() {
      const context = { rows: rows.y.length, queries: queries.y.length, seed: 1, gradients: await gradients(rows) };
      const { values, directions = [] } = await score('influence', context);
      return { values, directions };
    },
    close: () => retraining.close(),
  };
}

/** f of every query after each training. */
export async function trainAll(
  { retraining }: Pick<Subject, 'retraining'>,
  trainings: readonly PlannedTraining[],
): Promise<Float64Array[]> {
  const found: Float64Array[] = [];
  for (const one of trainings) found.push((await retraining.trainOn(undefined, one)).queries);
  return found;
}

/** Each row used once, but some not at all. */
export function countsWithout(rows: number, left: Iterable<number>): Uint32Array {
  const counts = new Uint32Array(rows).fill(1);
  for (const row of left) counts[row] = 0;
  return counts;
}

export const seedsOf = (count: number, first = 0): number[] => Array.from({ length: count }, (_, s) => first + s);

export const meanOf = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
};

/** Wrong classes for some rows, any other class. */
export function spoiled(rows: Rows, at: Iterable<number>, seed: number): Rows {
  const source = random(seed, 23);
  const y = [...rows.y];
  for (const i of at) y[i] = (y[i] + 1 + source.integer(9)) % 10;
  return withClasses(rows, y);
}

export interface DigitsSetting {
  /** Of digits. */
  readonly folder: string;
  readonly runtime: Runtime;
  /** Repetitions of the experiments of R3; half of them for planted errors. */
  readonly repeats: number;
  readonly say: (line: string) => void;
}
