// Exact unrolled influence of digits against retraining: `npm run bench:unrolled`.
import { Command } from 'commander';
import { type Bank, datamodelCeiling, datamodelScore } from '../../src/influence/retraining/datamodel-score.ts';
import { openRetraining } from '../../src/influence/retraining/retraining.ts';
import { type Smoothness, smoothnessOf } from '../../src/influence/unrolled/smoothness.ts';
import { unrolledScores } from '../../src/influence/unrolled/unrolled.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { permutation, random } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import {
  lossGradients,
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
  .option('--recipes <list>', "optimizer:learning rate[:Adam's ε]", 'sgd:.5,sgd:.02,adam:.01:.01,adam:.002:.01')
  .option('--seeds <list>', 'models whose scores are judged; the other seed is the next one', '0,1,2')
  .parse()
  .opts<Record<'reference' | 'trainings' | 'shares' | 'recipes' | 'seeds', string>>();

const runtime = createNodeRuntime({ threads: 1 });
const digits = readDigits(options.reference);
const [n, queries, trainings] = [digits.rows.length, digits.queries.length, Number(options.trainings)];
const list = (text: string) => text.split(',').map(Number);

/** Trainings that each leave out another random part of the rows. */
async function bankOf(recipe: TrainOptions, share: number, seed: number): Promise<Bank> {
  const removed = Math.max(1, Math.round(share * n));
  const weights = new Float32Array(trainings * n);
  const values = new Float64Array(trainings * queries);
  const initial = (of: number) => readParameters(networkOf(of), trainableParameters(recipe.model));
  const retraining = await openRetraining({ recipe: { ...recipe, initial }, queries: digits.queries });
  for (let t = 0; t < trainings; t++) {
    const counts = new Uint32Array(n).fill(1);
    for (const row of permutation(n, random(7, t)).subarray(0, removed)) counts[row] = 0;
    weights.set(counts, t * n);
    values.set((await retraining.train(counts, seed)).queries, t * queries);
  }
  await retraining.close();
  return { weights, values, trainings };
}

async function scoresOf(recipe: TrainOptions): Promise<Float64Array> {
  const groups = Array.from({ length: queries }, (_, q) => Uint32Array.of(q));
  const { scores } = await unrolledScores({
    training: recipe,
    async measured(parameters) {
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

/** Least LDS of this model by recipe and share, a little below what a float64 reference measured. */
const goals: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  'sgd:.5': { 0.01: 0.9, 0.05: 0.84 },
  'sgd:.02': { 0.01: 0.97, 0.05: 0.95 },
  'adam:.002:.01': { 0.01: 0.97, 0.05: 0.95 },
};

/** The same recipe at ten times the learning rate. */
const tenfold = (name: string) =>
  name
    .split(':')
    .map((part, i) => (i === 1 ? `${10 * Number(part)}` : part))
    .join(':');

print(['recipe', 'metasmoothness', 'smooth', 'at ten times the learning rate', 'smooth']);
print(Array.from({ length: 5 }, () => '---'));
for (const name of options.recipes.split(',')) {
  const [own, wild] = [name, tenfold(name)].map((one) => recipeOf(digits.rows, runtime, one, 0));
  const told = ({ value, isSmooth }: Smoothness) => [value, isSmooth ? 'yes' : 'no'];
  print([name, ...told(await smoothnessOf({ training: own })), ...told(await smoothnessOf({ training: wild }))]);
}
console.log('');
print(['recipe', 'seed', 'left out', 'LDS, this model', 'goal', 'LDS, next seed', 'ceiling', 'slope']);
print(Array.from({ length: 8 }, () => '---'));
for (const name of options.recipes.split(',')) {
  for (const seed of list(options.seeds)) {
    const recipe = recipeOf(digits.rows, runtime, name, seed);
    const scores = await scoresOf(recipe);
    for (const share of list(options.shares)) {
      const [own, other] = [await bankOf(recipe, share, seed), await bankOf(recipe, share, seed + 1)];
      const { lds, slope } = datamodelScore(scores, own);
      const next = datamodelScore(scores, other).lds;
      const goal = goals[name]?.[share];
      const reached = goal === undefined ? '–' : `≥ ${goal} ${lds >= goal ? '✓' : '✗'}`;
      print([name, `${seed}`, `${share * 100} %`, lds, reached, next, datamodelCeiling(own, other), slope]);
    }
  }
}
await runtime.close();
