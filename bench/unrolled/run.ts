// Exact unrolled influence of digits against retraining: `npm run bench:unrolled`.
import { Command } from 'commander';
import { type Bank, datamodelCeiling, datamodelScore } from '../../src/influence/retraining/datamodel-score.ts';
import { unrolledScores } from '../../src/influence/unrolled/unrolled.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { permutation, random } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import {
  lossGradients,
  openRowLosses,
  openTrainer,
  readParameters,
  type TrainOptions,
  trainableParameters,
  withParameters,
} from '../../src/train/index.ts';
import { networkOf, readDigits, recipeOf } from './digits.ts';

const options = new Command('bench:unrolled')
  .option('--reference <folder>', 'rows and queries as .npy', '../shared/reference/influence')
  .option('--trainings <n>', 'trainings without rows, for each share and seed', '60')
  .option('--shares <list>', 'parts of the rows that are left out', '.01,.05,.1,.2,.5')
  .option('--recipe <list>', 'optimizer:learning rate', 'sgd:.5,sgd:.02,adam:.01')
  .option('--queries <n>', 'rows whose loss is measured', '40')
  .parse()
  .opts<Record<'reference' | 'trainings' | 'shares' | 'recipe' | 'queries', string>>();

const runtime = createNodeRuntime({ threads: 1 });
const digits = readDigits(options.reference);
const queries = Number(options.queries);
const trainings = Number(options.trainings);
const n = digits.rows.count;

/** Trainings that each leave out another random part of the rows. */
async function bankOf(recipe: TrainOptions, share: number, seed: number): Promise<Bank> {
  const removed = Math.max(1, Math.round(share * n));
  const weights = new Float32Array(trainings * n).fill(1);
  const values = new Float64Array(trainings * queries);
  const model = networkOf(seed);
  const parameters = readParameters(model, trainableParameters(model));
  const [trainer, judge] = [await openTrainer(recipe), await openRowLosses({ ...recipe, samples: digits.queries })];
  for (let t = 0; t < trainings; t++) {
    const rowWeights = weights.subarray(t * n, (t + 1) * n);
    for (const row of permutation(n, random(7, t)).subarray(0, removed)) rowWeights[row] = 0;
    const trained = await trainer.train({ parameters, seed, rowWeights });
    const losses = await judge.at(trained.parameters);
    for (let q = 0; q < queries; q++) values[t * queries + q] = -losses[q];
  }
  await Promise.all([trainer.close(), judge.close()]);
  return { weights, values, trainings };
}

async function scoresOf(recipe: TrainOptions): Promise<Float64Array> {
  const { scores } = await unrolledScores({
    training: recipe,
    async measured(parameters) {
      const groups = Array.from({ length: queries }, (_, q) => Uint32Array.of(q));
      const model = withParameters(recipe.model, parameters);
      const found = await lossGradients({ ...recipe, model, samples: digits.queries, groups });
      return found.map(({ gradient }) => new Map([...gradient].map(([name, value]) => [name, negated(value)])));
    },
  });
  return scores;
}

const negated = (value: Tensor): Tensor => ({ ...value, data: (value.data as Float32Array).map((x) => -x) }) as Tensor;

const print = (cells: readonly (string | number)[]) =>
  console.log(`| ${cells.map((cell) => (typeof cell === 'number' ? cell.toFixed(3) : cell)).join(' | ')} |`);
print(['recipe', 'left out', 'LDS, this model', 'LDS, other seed', 'ceiling', 'slope', 's']);
for (const recipeName of options.recipe.split(',')) {
  const [kind, rate] = recipeName.split(':');
  const recipe = recipeOf(digits.rows, runtime, kind as 'sgd' | 'adam', Number(rate));
  let start = performance.now();
  const scores = await scoresOf(recipe);
  console.log(`${recipeName}: scores of ${queries} queries in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  for (const share of options.shares.split(',').map(Number)) {
    start = performance.now();
    const [own, other] = [await bankOf(recipe, share, 0), await bankOf(recipe, share, 1)];
    const { lds, slope } = datamodelScore(scores, own);
    print([
      recipeName,
      `${share * 100} %`,
      lds,
      datamodelScore(scores, other).lds,
      datamodelCeiling(own, other),
      slope,
      (performance.now() - start) / 1000,
    ]);
  }
}
await runtime.close();
