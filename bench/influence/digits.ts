// Gates of influence on digits: LDS of every method with gradients on both questions, leave-one-out, brittleness.

import type { Dataset } from '../../src/dataset/dataset.ts';
import type { GradientMaterial, TrainingCheckpoint } from '../../src/influence/gradient-material.ts';
import type { Matrix64 } from '../../src/influence/matrix.ts';
import { modelGradients } from '../../src/influence/model-gradients.ts';
import { type Bank, datamodelCeiling } from '../../src/influence/retraining/datamodel-score.ts';
import { type OpenRetraining, openRetraining } from '../../src/influence/retraining/retraining.ts';
import { score } from '../../src/influence/score.ts';
import { openUnrolling } from '../../src/influence/unrolled/unrolling.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import { createModel } from '../../src/runtime/model.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { pearson, spearman } from '../../src/tensor/correlation.ts';
import { random } from '../../src/tensor/random.ts';
import { float32, sizeOf } from '../../src/tensor/tensor.ts';
import { activation, linear } from '../../src/train/layers/index.ts';
import { Network } from '../../src/train/network.ts';
import { readParameters, trainableParameters, withParameters } from '../../src/train/parameters.ts';
import type { TrainOptions } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import type { Digits } from '../unrolled/digits.ts';
import { bankOf, ldsOf, meanBank } from './banks.ts';
import { bracketed, interval, gate as mark } from './intervals.ts';
import type { Kept } from './kept.ts';

export type DigitsKind = 'softmax regression' | 'MLP';

const weightDecay = { 'softmax regression': 1e-2, MLP: 1e-3 } as const;

/** The reference's networks and trainings: 400 steps of all 300 rows with momentum .9. */
export function recipeOf(kind: DigitsKind, rows: Dataset, runtime: Runtime, seed: number): TrainOptions {
  const network = new Network({ seed: 0 });
  const x = network.input('x', 'float32', ['N', 64]);
  const below =
    kind === 'MLP' ? activation(network, linear(network, x, 'hidden', { features: 24 }), 'tanh', 'tanh') : x;
  const built = network.build([linear(network, below, 'logits', { features: 10 })]);
  return {
    model: drawn(built, kind, seed),
    samples: rows,
    loss: { kind: 'cross-entropy' },
    optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: weightDecay[kind] },
    schedule: { kind: 'constant', learningRate: kind === 'MLP' ? 0.5 : 1 },
    epochs: 400,
    batchSize: rows.length,
    divisor: 'rows',
    seed,
    runtime,
  };
}

function drawn(model: OnnxModel, kind: DigitsKind, seed: number): OnnxModel {
  const source = random(seed, 1);
  const scale = kind === 'MLP' ? 0.15 : 0.01;
  const values = [...readParameters(model, trainableParameters(model))].map(
    ([name, { shape }]) =>
      [
        name,
        float32(
          shape,
          Float32Array.from({ length: sizeOf(shape) }, () => scale * source.normal()),
        ),
      ] as const,
  );
  return withParameters(model, new Map(values));
}

export const initialOf = (recipe: TrainOptions, kind: DigitsKind) => (seed: number) =>
  readParameters(drawn(recipe.model, kind, seed), trainableParameters(recipe.model));

export async function gradientsOf(
  model: OnnxModel,
  rows: Dataset,
  queries: Dataset,
  kind: DigitsKind,
  runtime: Runtime,
): Promise<GradientMaterial> {
  const opened = createModel(model, runtime, { name: 'digits', hash: '' });
  return modelGradients({
    model: opened,
    output: model.graph.outputs[0].name,
    classes: 10,
    rows,
    queries,
    weightDecay: weightDecay[kind],
  });
}

/** Checkpoints behind a fifth, two fifths, … of the steps. */
async function trainedWith(recipe: TrainOptions, digits: Digits, kind: DigitsKind, runtime: Runtime) {
  const { model, checkpoints } = await train({ ...recipe, checkpointEvery: { fractions: [0.2, 0.4, 0.6, 0.8] } });
  const found: TrainingCheckpoint[] = [];
  for (const step of await checkpoints.steps()) {
    const { parameters, learningRate } = await checkpoints.load(step);
    const gradients = await gradientsOf(
      withParameters(recipe.model, parameters),
      digits.rows,
      digits.queries,
      kind,
      runtime,
    );
    found.push({ step, learningRate, gradients });
  }
  return { model, checkpoints: found };
}

/** A method with its parameters, and the least that it has to reach. */
interface Row {
  readonly name: string;
  readonly parameters?: object;
  /** Models from other seeds whose scores are averaged. */
  readonly models?: number;
  readonly gates?: Partial<Record<DigitsKind, number>>;
}

const methods: readonly Row[] = [
  { name: 'influence', gates: { MLP: 0.75 } },
  { name: 'influence-cg' },
  { name: 'influence-nystrom' },
  { name: 'ek-fac', gates: { 'softmax regression': 0.9, MLP: 0.5 } },
  { name: 'k-fac' },
  { name: 'diagonal-fisher' },
  { name: 'relat-if' },
  { name: 'data-inf' },
  { name: 'logra', parameters: { side: 8 } },
  { name: 'trak', parameters: { side: 16, share: 1 }, models: 5, gates: { 'softmax regression': 0.85, MLP: 0.6 } },
  { name: 'track-star' },
  { name: 'grad-dot' },
  { name: 'grad-cos' },
  { name: 'tracin-cp' },
  { name: 'source', parameters: { momentum: 0.9 } },
];

const format = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? '–' : value.toFixed(3));

export interface DigitsBench {
  readonly digits: Digits;
  readonly runtime: Runtime;
  readonly trainings: number;
  readonly shares: readonly number[];
  readonly kept: Kept;
  readonly say: (line: string) => void;
}

/** Scores of every method of the bench, and of one that only draws numbers. */
async function scoresOf({ digits, runtime }: DigitsBench, kind: DigitsKind): Promise<Map<string, Matrix64>> {
  const { rows, queries } = digits;
  const recipe = recipeOf(kind, rows, runtime, 0);
  const own = await trainedWith(recipe, digits, kind, runtime);
  const gradients = await gradientsOf(own.model, rows, queries, kind, runtime);
  const scores = new Map<string, Matrix64>();
  for (const { name, parameters, models = 1 } of methods) {
    const context = { rows: rows.length, queries: queries.length, seed: 1, gradients, checkpoints: own.checkpoints };
    const { values } = await score(name, context, parameters);
    for (let seed = 1; seed < models; seed++) {
      const other = await trainedWith(recipeOf(kind, rows, runtime, seed), digits, kind, runtime);
      const again = await gradientsOf(other.model, rows, queries, kind, runtime);
      const part = await score(name, { ...context, seed: 1 + seed, gradients: again }, parameters);
      for (let j = 0; j < values.data.length; j++) values.data[j] += part.values.data[j];
    }
    scores.set(name, values);
  }
  const unrolling = openUnrolling({ training: recipe, queries });
  const one = { rows: rows.length, queries: queries.length, seed: 1 };
  scores.set('unrolled', (await score('unrolled', { ...one, unrolling }, {})).values);
  scores.set('random', (await score('random', one, {})).values);
  return scores;
}

export async function digitsGates(bench: DigitsBench, kind: DigitsKind): Promise<void> {
  const { digits, runtime, trainings, shares, kept, say } = bench;
  const { rows, queries } = digits;
  const recipe = recipeOf(kind, rows, runtime, 0);
  const retraining = await openRetraining({ recipe: { ...recipe, initial: initialOf(recipe, kind) }, queries });
  const scores = await scoresOf(bench, kind);
  // Softmax regression has one optimum, whatever the seed: both questions are one.
  const seeds = kind === 'MLP' ? [[0], [1, 2], [3, 4]] : [[0]];
  say(`\n### ${kind}: linear datamodeling score\n`);
  say(
    `Spearman's correlation of predicted and retrained f over ${trainings} random parts of the rows, mean over ${queries.length} queries; in brackets 95 % by bootstrap over the parts. ${kind === 'MLP' ? '“This model”: trainings from its own seed. “This recipe”: the mean over four other seeds; ceiling: that of two seeds against the mean of the two others.' : 'It has one optimum: both questions are one, and the ceiling is 1.'}\n`,
  );
  const banks: { share: number; own: Bank; recipe?: Bank; ceiling?: number }[] = [];
  for (const share of shares) {
    const [ownBank, first, second] = await inOrder(
      seeds.map(
        (some) => () => bankOf(retraining, { rows: rows.length, share, trainings, seeds: some, name: kind }, kept),
      ),
    );
    banks.push({
      share,
      own: ownBank,
      ...(first && second && { recipe: meanBank(first, second), ceiling: datamodelCeiling(first, second) }),
    });
  }
  const titles = banks.flatMap(({ share, recipe: other }) => [
    `${100 * share} %, this model`,
    ...(other ? [`${100 * share} %, this recipe`] : []),
  ]);
  say(`| method | ${titles.join(' | ')} | gate at 50 % |`);
  say(`|${' --- |'.repeat(titles.length + 2)}`);
  if (kind === 'MLP') say(`| *ceiling* | ${banks.flatMap(({ ceiling }) => ['–', format(ceiling)]).join(' | ')} | |`);
  for (const [name, { data }] of scores) {
    const gate = methods.find((one) => one.name === name)?.gates?.[kind];
    let last = Number.NaN;
    const cells = banks.flatMap(({ own: bank, recipe: other }) =>
      [bank, ...(other ? [other] : [])].map((one) => {
        const { lds, low, high } = ldsOf(data, one);
        last = lds;
        return `${format(lds)} [${format(low)}, ${format(high)}]`;
      }),
    );
    say(`| ${name} | ${cells.join(' | ')} | ${gate === undefined ? '' : `≥ ${gate} ${last >= gate ? '✓' : '✗'}`} |`);
  }
  await leaveOneOut(retraining, scores, { rows: rows.length, queries: queries.length, kept, say, kind });
  await retraining.close();
}

/** Least correlations with leaving out one row: of the softmax regression Pearson's, of the network Spearman's. */
const leastOfOne: Readonly<
  Record<DigitsKind, { readonly measure: 0 | 1; readonly of: Readonly<Record<string, number>> }>
> = {
  'softmax regression': { measure: 0, of: { influence: 0.99, source: 0.99, unrolled: 0.99 } },
  MLP: { measure: 1, of: { unrolled: 0.85 } },
};

interface LeaveOneOut extends Pick<DigitsBench, 'kept' | 'say'> {
  readonly rows: number;
  readonly queries: number;
  readonly kind: DigitsKind;
}

/** Pearson and Spearman of scores with trainings that each leave out one row, means over queries. */
async function leaveOneOut(
  retraining: OpenRetraining,
  scores: ReadonlyMap<string, Matrix64>,
  { rows, queries, kept, say, kind }: LeaveOneOut,
): Promise<void> {
  const whole = (await retraining.train(new Uint32Array(rows).fill(1), 0)).queries;
  const effect = Array.from({ length: queries }, () => new Float64Array(rows));
  const together = 30;
  for (let from = 0; from < rows; from += together) {
    const part = await kept(['leave one out', kind, from, together], async () => {
      const found = new Float64Array(together * queries);
      for (let i = 0; i < together; i++) {
        const counts = new Uint32Array(rows).fill(1);
        counts[from + i] = 0;
        found.set((await retraining.train(counts, 0)).queries, i * queries);
      }
      return found;
    });
    for (let i = 0; i < together; i++)
      for (let q = 0; q < queries; q++) effect[q][from + i] = whole[q] - part[i * queries + q];
  }
  say(`\n### ${kind}: leaving out one row, this model\n`);
  say(`Means over the ${queries} queries of the correlation over ${rows} rows; 95 % by bootstrap over the queries.\n`);
  say('| method | Pearson | Spearman | gate |');
  say('| --- | --- | --- | --- |');
  const { measure: gated, of: least } = leastOfOne[kind];
  for (const [name, { data }] of scores) {
    const found = [pearson, spearman].map((measure) => {
      const each = effect.map((one, q) => measure(data.subarray(q * rows, (q + 1) * rows), one) ?? 0);
      const mean = (at: readonly number[]) => at.reduce((sum, q) => sum + each[q], 0) / at.length;
      return { mean: mean([...each.keys()]), interval: interval(mean, queries) };
    });
    const goal = least[name];
    const cells = found.map((one) => bracketed(one.mean, one.interval));
    say(
      `| ${name} | ${cells.join(' | ')} | ${goal === undefined ? '' : `≥ ${goal} ${mark(found[gated].mean >= goal)}`} |`,
    );
  }
}

async function inOrder<T>(work: readonly (() => Promise<T>)[]): Promise<T[]> {
  const done: T[] = [];
  for (const one of work) done.push(await one());
  return done;
}
