import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { OnnxModel } from '../../onnx/graph.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import { float32, int64 } from '../../tensor/tensor.ts';
import {
  activation,
  type Divisor,
  datasetOf,
  linear,
  lossGradients,
  Network,
  type Optimizer,
  type TrainOptions,
  train,
  withParameters,
} from '../../train/index.ts';
import { unrolledScores } from './unrolled.ts';

interface Reference {
  readonly x: number[][];
  readonly y: number[];
  readonly queries: number[][];
  readonly queryTargets: number[];
  readonly order: number[][];
  readonly weights: number[];
  readonly start: number[][];
  readonly batchSize: number;
  readonly learningRate: number;
  readonly cases: readonly {
    readonly name: string;
    readonly settings: Optimizer & {
      readonly divisor?: Divisor;
      readonly clipNorm?: number;
      readonly cosine?: boolean;
    };
    readonly losses: number[];
    readonly scores: number[][];
  }[];
}
const file = new URL('../../../test/fixtures/unrolled/cases.json', import.meta.url);
const reference = JSON.parse(readFileSync(file, 'utf8')) as Reference;

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const names = ['hidden.weight', 'hidden.bias', 'logits.weight', 'logits.bias'];

function startingModel(): OnnxModel {
  const network = new Network({ seed: 0 });
  const x = network.input('x', 'float32', ['N', 4]);
  const hidden = activation(network, linear(network, x, 'hidden', { features: 5 }), 'tanh', 'tanh');
  const model = network.build([linear(network, hidden, 'logits', { features: 3 })]);
  const shapes = [[4, 5], [5], [5, 3], [3]];
  return withParameters(model, new Map(names.map((name, i) => [name, float32(shapes[i], reference.start[i])])));
}

const rowsOf = (x: number[][], y: number[]) =>
  datasetOf({ x: float32([x.length, 4], x.flat()) }, { labels: int64([y.length], y) });

function trainingOf({ settings }: Reference['cases'][number], changes: Partial<TrainOptions> = {}): TrainOptions {
  const { divisor, clipNorm, cosine, ...optimizer } = settings;
  return {
    model: startingModel(),
    samples: rowsOf(reference.x, reference.y),
    loss: { kind: 'cross-entropy' },
    optimizer,
    schedule: { kind: cosine ? 'cosine' : 'constant', learningRate: reference.learningRate },
    epochs: reference.order.length,
    batchSize: reference.batchSize,
    order: reference.order.map((rows) => Uint32Array.from(rows)),
    rowWeights: Float32Array.from(reference.weights),
    divisor,
    clipNorm,
    seed: 0,
    runtime,
    ...changes,
  };
}

/** Minus the mean loss of the first two queries, and minus the loss of the third. */
async function measured(model: OnnxModel, parameters: Tensors): Promise<Tensors[]> {
  const found = await lossGradients({
    model: withParameters(model, parameters),
    loss: { kind: 'cross-entropy' },
    runtime,
    samples: rowsOf(reference.queries, reference.queryTargets),
    groups: [Uint32Array.of(0, 1), Uint32Array.of(2)],
  });
  return found.map(
    ({ gradient }) =>
      new Map(
        [...gradient].map(([name, { shape, data }]) => [
          name,
          float32(
            shape,
            (data as Float32Array).map((g) => -g),
          ),
        ]),
      ),
  );
}

function farthest(actual: ArrayLike<number>, expected: readonly number[]): number {
  let [worst, scale] = [0, 0];
  expected.forEach((value, i) => {
    worst = Math.max(worst, Math.abs(value - actual[i]));
    scale = Math.max(scale, Math.abs(value));
  });
  return worst / scale;
}

describe('differentiation through training', () => {
  it.each(reference.cases)('agrees with float64 automatic differentiation: $name', async (one) => {
    const training = trainingOf(one);
    const { scores, losses } = await unrolledScores({
      training,
      measured: (weights) => measured(training.model, weights),
    });
    expect(farthest(losses, one.losses)).toBeLessThan(1e-5);
    // 15 steps in float32: rounding of 1e-7 that each step may amplify; Adam divides by roots of small moments.
    expect(farthest(scores, one.scores.flat())).toBeLessThan(one.settings.kind === 'sgd' ? 1e-5 : 1e-4);
  });

  it('gives the same scores however many quantities one graph takes', async () => {
    const training = trainingOf(reference.cases[1]);
    const ask = (width: number) =>
      unrolledScores({ training, width, measured: (weights) => measured(training.model, weights) });
    const [one, two, more] = [await ask(1), await ask(2), await ask(8)];
    expect(two.scores).toEqual(one.scores);
    expect(more.scores).toEqual(one.scores);
    // 15 steps in stretches of 4: four states at starts and four of a stretch, of 43 weights and velocities of 4 bytes.
    expect(one.keptBytes).toBe(8 * 43 * 2 * 4);
  });

  it('refuses a training other than the one recorded', async () => {
    const training = trainingOf(reference.cases[1]);
    const { history } = await train(training);
    const ask = (losses: Float64Array) =>
      unrolledScores({ training, losses, measured: (weights) => measured(training.model, weights) });
    expect((await ask(history.losses)).losses).toEqual(history.losses);
    const other = history.losses.slice();
    other[7] += 1e-6;
    await expect(ask(other)).rejects.toThrow(/^step 8: the training that is computed again is not the one recorded/);
    await expect(ask(other.slice(0, 7))).rejects.toThrow(/its length: .*\(got 15 steps, expected 7/);
  });

  it('gives 0 where the measured quantity does not depend on the weights', async () => {
    const training = trainingOf(reference.cases[4]);
    const zero = async (weights: Tensors) => [
      new Map(
        [...weights].map(([name, { shape }]) => [
          name,
          float32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1))),
        ]),
      ),
    ];
    const { scores } = await unrolledScores({ training, measured: zero });
    expect([...scores].every((score) => score === 0)).toBe(true);
  });

  it('refuses to differentiate nothing', async () => {
    const nothing = unrolledScores({ training: trainingOf(reference.cases[0]), measured: async () => [] });
    await expect(nothing).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  it('stops when it is cancelled', async () => {
    const abort = new AbortController();
    const training = trainingOf(reference.cases[0]);
    const stopped = unrolledScores({
      training,
      measured: (weights) => measured(training.model, weights),
      signal: abort.signal,
      onProgress: (done, total) => {
        expect(total).toBe(45);
        if (done === 20) abort.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
  });
});
