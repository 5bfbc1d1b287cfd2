// The setting of dattri's benchmark (arXiv 2410.04555), MNIST-10 with an MLP, on Fashion-MNIST: 5,000 rows, 500 queries,
// trainings on random halves of the rows.
import type { Dataset } from '../../src/dataset/dataset.ts';
import { datasetOf } from '../../src/dataset/in-memory.ts';
import { subset } from '../../src/dataset/select.ts';
import type { GradientMaterial, TrainingCheckpoint } from '../../src/influence/gradient-material.ts';
import { modelGradients } from '../../src/influence/model-gradients.ts';
import { type Bank, datamodelCeiling } from '../../src/influence/retraining/datamodel-score.ts';
import { score } from '../../src/influence/score.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import { createModel } from '../../src/runtime/model.ts';
import type { Runtime, Tensors } from '../../src/runtime/runtime.ts';
import { permutation, random } from '../../src/tensor/random.ts';
import { float32, int64, sizeOf, type Tensor } from '../../src/tensor/tensor.ts';
import { openRowLosses } from '../../src/train/index.ts';
import { activation, flatten, linear } from '../../src/train/layers/index.ts';
import { Network } from '../../src/train/network.ts';
import { readParameters, trainableParameters, withParameters } from '../../src/train/parameters.ts';
import type { TrainOptions } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { spent } from '../measure.ts';
import { ldsOf, meanBank } from './banks.ts';
import { fashion, type Images } from './data.ts';
import type { Kept } from './kept.ts';

const counts = { rows: 5000, queries: 500, epochs: 50 };

/** Models on halves of the rows whose weights are kept, for TRAK over several models. */
const keptModels = 10;

/** A method, the models whose scores are averaged, and what dattri's chart shows of it on MNIST (read off to ± .01). */
interface Row {
  readonly name: string;
  readonly title: string;
  readonly parameters?: object;
  /** Of these, trained on halves, instead of the one on all rows. */
  readonly models?: number;
  readonly published?: number;
}

const methods: readonly Row[] = [
  { name: 'ek-fac', title: 'EK-FAC' },
  { name: 'logra', title: 'LoGra, 16 × 16 a layer', parameters: { side: 16 } },
  { name: 'trak', title: 'TRAK, one model', parameters: { side: 16, share: 1 }, models: 1, published: 0.11 },
  { name: 'trak', title: 'TRAK, ten models', parameters: { side: 16, share: 1 }, models: 10, published: 0.33 },
  { name: 'tracin-cp', title: 'TracIn, five checkpoints', published: 0.15 },
  { name: 'grad-dot', title: 'Grad-Dot', published: 0.1 },
  { name: 'grad-cos', title: 'Grad-Cos', published: 0.12 },
  { name: 'random', title: 'random' },
];

export interface DattriBench {
  /** Folder of Fashion-MNIST. */
  readonly data: string;
  readonly runtime: Runtime;
  /** Halves of the rows; two trainings each. */
  readonly trainings: number;
  readonly kept: Kept;
  readonly say: (line: string) => void;
}

/** 784–128–64–10 with ReLU. */
function perceptron(seed: number): OnnxModel {
  const build = new Network({ seed });
  let value = flatten(build, build.input('image', 'float32', ['N', 1, 28, 28]), 'flat');
  for (const [k, features] of [128, 64].entries())
    value = activation(build, linear(build, value, `hidden${k}`, { features }), `hidden${k}.active`, 'relu');
  return build.build([linear(build, value, 'logits', { features: 10 })]);
}

const recipeOf = (samples: Dataset, seed: number, runtime: Runtime): TrainOptions => ({
  ...{ model: perceptron(seed), samples, seed, runtime, epochs: counts.epochs, batchSize: 64 },
  loss: { kind: 'cross-entropy' },
  optimizer: { kind: 'sgd', momentum: 0.9 },
  schedule: { kind: 'constant', learningRate: 0.01 },
});

const datasetOfImages = ({ x, y }: Images) => datasetOf({ image: x }, { labels: int64([y.length], y) });

interface Sides {
  readonly rows: Dataset;
  readonly queries: Dataset;
}

const halfOf = (t: number) =>
  permutation(counts.rows, random(11, t))
    .subarray(0, counts.rows / 2)
    .sort();

/** f = −loss of every query behind a training on a half, and its weights one after the other. */
async function trainedHalf({ rows, queries }: Sides, t: number, repeat: number, bench: DattriBench) {
  const seed = 1 + 2 * t + repeat;
  return bench.kept(['dattri', counts, t, repeat], async () => {
    const recipe = recipeOf(subset(rows, halfOf(t)), seed, bench.runtime);
    const { model } = await train(recipe);
    const parameters = readParameters(model, trainableParameters(model));
    const losses = await openRowLosses({ ...recipe, samples: queries });
    const f = (await losses.at(parameters)).losses.map((loss) => -loss);
    await losses.close();
    const weights =
      t < keptModels && repeat === 0 ? [...parameters.values()].map(({ data }) => data as Float32Array) : [];
    return joined([f, ...weights]);
  });
}

function joined(parts: readonly (Float32Array | Float64Array)[]): Float64Array {
  const whole = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The model of a half, from the numbers that are kept of its training. */
function modelOf(kept: Float64Array): OnnxModel {
  const model = perceptron(0);
  const parameters = new Map<string, Tensor<'float32'>>();
  let at = counts.queries;
  for (const [name, { shape }] of readParameters(model, trainableParameters(model))) {
    parameters.set(name, float32(shape, Float32Array.from(kept.subarray(at, at + sizeOf(shape)))));
    at += sizeOf(shape);
  }
  return withParameters(model, parameters);
}

async function bankOf(sides: Sides, repeat: number, bench: DattriBench): Promise<Bank> {
  const { trainings } = bench;
  const weights = new Float32Array(trainings * counts.rows);
  const values = new Float64Array(trainings * counts.queries);
  for (let t = 0; t < trainings; t++) {
    for (const row of halfOf(t)) weights[t * counts.rows + row] = 1;
    const found = await trainedHalf(sides, t, repeat, bench);
    values.set(found.subarray(0, counts.queries), t * counts.queries);
  }
  return { weights, values, trainings };
}

function gradientsOf(model: OnnxModel, { rows, queries }: Sides, runtime: Runtime): Promise<GradientMaterial> {
  const opened = createModel(model, runtime, { name: 'mlp', hash: '' });
  return modelGradients({ model: opened, output: model.graph.outputs[0].name, classes: 10, rows, queries });
}

/** The model on all rows, with checkpoints behind each fifth of the steps. */
async function trainedWhole(sides: Sides, runtime: Runtime) {
  const recipe = recipeOf(sides.rows, 0, runtime);
  const { model, checkpoints } = await train({ ...recipe, checkpointEvery: { fractions: [0.2, 0.4, 0.6, 0.8] } });
  const found: TrainingCheckpoint[] = [];
  const at = async (parameters: Tensors) => gradientsOf(withParameters(recipe.model, parameters), sides, runtime);
  for (const step of await checkpoints.steps()) {
    const { parameters, learningRate } = await checkpoints.load(step);
    found.push({ step, learningRate, gradients: await at(parameters) });
  }
  return { model, checkpoints: found };
}

/** Scores of a method, queries × rows, behind the processor seconds that they took. */
async function scoresOf(
  { name, parameters, models, title }: Row,
  sides: Sides,
  whole: () => ReturnType<typeof trainedWhole>,
  bench: DattriBench,
): Promise<{ readonly seconds: number; readonly values: Float64Array }> {
  const { runtime, kept } = bench;
  const found = await kept(['dattri', counts, title, parameters], async () => {
    const total = new Float64Array(counts.queries * counts.rows);
    const own = models ? undefined : await whole();
    const of = models
      ? await Promise.all(
          Array.from({ length: models }, async (_, t) => modelOf(await trainedHalf(sides, t, 0, bench))),
        )
      : [(own as Awaited<ReturnType<typeof whole>>).model];
    const { cpu } = await spent(async () => {
      for (const [k, model] of of.entries()) {
        const gradients = await gradientsOf(model, sides, runtime);
        const context = { rows: counts.rows, queries: counts.queries, seed: 1 + k, gradients };
        const { values } = await score(name, { ...context, checkpoints: own?.checkpoints ?? [] }, parameters);
        for (let j = 0; j < total.length; j++) total[j] += values.data[j] / of.length;
      }
    });
    return joined([Float64Array.of(cpu), total]);
  });
  return { seconds: found[0], values: found.subarray(1) };
}

export async function dattriSetting(bench: DattriBench): Promise<void> {
  const { data, runtime, trainings, say } = bench;
  const sides: Sides = {
    rows: datasetOfImages(fashion(data, 'train', counts.rows)),
    queries: datasetOfImages(fashion(data, 't10k', counts.queries)),
  };
  const { cpu } = await spent(async () => {
    for (const repeat of [0, 1]) for (let t = 0; t < trainings; t++) await trainedHalf(sides, t, repeat, bench);
  });
  const [first, second] = [await bankOf(sides, 0, bench), await bankOf(sides, 1, bench)];
  let own: ReturnType<typeof trainedWhole> | undefined;
  const whole = () => (own ??= trainedWhole(sides, runtime));
  const ceiling = datamodelCeiling(first, second);
  say(`\n## dattri's setting, on Fashion-MNIST: ${counts.rows} rows, ${counts.queries} queries, MLP 784–128–64–10\n`);
  say(
    `Spearman's correlation of predicted and retrained f (log-probability of the label) over ${trainings} random halves of the rows, mean over the queries; in brackets 95 % by bootstrap over the halves. Every training has its own seed. A second training of each half says ${ceiling.toFixed(3)} of the first; scores that knew the mean over all seeds would reach about the root of that, ${Math.sqrt(ceiling).toFixed(2)}. Trainings: ${cpu.toFixed(0)} processor seconds, where they were not kept.\n`,
  );
  say('| method | LDS, one training a half | LDS, mean of two | processor seconds, all queries | dattri on MNIST |');
  say('|---|---|---|---|---|');
  const both = meanBank(first, second);
  for (const method of methods) {
    const { seconds, values } = await scoresOf(method, sides, whole, bench);
    const cells = [first, both].map((bank) => {
      const { lds, low, high } = ldsOf(values, bank);
      return `${lds.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
    });
    say(`| ${method.title} | ${cells.join(' | ')} | ${seconds.toFixed(1)} | ${method.published?.toFixed(2) ?? '–'} |`);
  }
}
