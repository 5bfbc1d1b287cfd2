// What scores are used for, on digits: rows whose removal turns a prediction, and wrong labels that are found and left out.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNpy } from '../../src/data/formats/npy.ts';
import type { Dataset } from '../../src/dataset/dataset.ts';
import { datasetOf } from '../../src/dataset/in-memory.ts';
import { withLabels } from '../../src/influence/decided-dataset.ts';
import { type Matrix64, matrix, rowOf } from '../../src/influence/matrix.ts';
import { openRetraining } from '../../src/influence/retraining/retraining.ts';
import { score, suspicion } from '../../src/influence/score.ts';
import { openUnrolling } from '../../src/influence/unrolled/unrolling.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { toNumbers } from '../../src/tensor/convert.ts';
import { ranks } from '../../src/tensor/correlation.ts';
import { permutation, random } from '../../src/tensor/random.ts';
import { float32, int64, type Tensor } from '../../src/tensor/tensor.ts';
import { train } from '../../src/train/train.ts';
import { digits as allDigits } from './data.ts';
import { type DigitsBench, gradientsOf, initialOf, recipeOf } from './digits.ts';
import { bracketed, gate, interval } from './intervals.ts';

const kind = 'MLP';
const classesOf = ({ labels }: Dataset) => Int32Array.from(toNumbers(labels as Tensor<'int64'>));

async function pixelsOf(of: Dataset) {
  const all = Uint32Array.from({ length: of.length }, (_, i) => i);
  const { data } = (await of.read(all)).inputs.x as Tensor<'float32'>;
  return matrix(of.length, data.length / of.length, data);
}

/** What knows labels and pixels alone, and gradients of a model beside. */
async function contextOf(model: OnnxModel, rows: Dataset, queries: Dataset, runtime: Runtime) {
  return {
    ...{ rows: rows.length, queries: queries.length, seed: 1 },
    gradients: await gradientsOf(model, rows, queries, kind, runtime),
    labels: { rows: classesOf(rows), queries: classesOf(queries), classes: 10 },
    embeddings: { rows: await pixelsOf(rows), queries: await pixelsOf(queries) },
  };
}

/** Rows by the numbers that an order is made of, the largest first. */
const largestFirst = (values: ArrayLike<number>) =>
  Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[b] - values[a] || a - b);

/** Proponents that are left out of a training. */
const removed = 15;

/** Share of right predictions that turn when the first proponents of each are left out, against as many rows of its class. */
export async function removals({ digits, runtime, kept, say }: DigitsBench): Promise<void> {
  const { rows, queries } = digits;
  const recipe = recipeOf(kind, rows, runtime, 0);
  const retraining = await openRetraining({ recipe: { ...recipe, initial: initialOf(recipe, kind) }, queries });
  const { model } = await train(recipe);
  const context = {
    ...(await contextOf(model, rows, queries, runtime)),
    unrolling: openUnrolling({ training: recipe, queries }),
  };
  const before = (await retraining.train(new Uint32Array(rows.length).fill(1), 0)).right?.queries as Float64Array;
  const asked = Array.from(before.keys()).filter((q) => before[q] === 1);
  /** Whether each query's prediction turns. */
  const turnedBy = async (name: string, values: Matrix64) =>
    kept(['turned', name, removed], async () => {
      const turned = new Float64Array(asked.length);
      for (const [k, q] of asked.entries()) {
        const counts = new Uint32Array(rows.length).fill(1);
        for (const row of largestFirst(rowOf(values, q)).slice(0, removed)) counts[row] = 0;
        turned[k] = 1 - ((await retraining.train(counts, 0)).right?.queries[q] as number);
      }
      return turned;
    });
  const control = await turnedBy('random-same-class', (await score('random-same-class', context, {})).values);
  say(`\n### MLP: predictions that turn without their first ${removed} proponents\n`);
  say(`${asked.length} right predictions, trained again from the same weights; 95 % by bootstrap over them.\n`);
  say('| method | share that turns | less that of random rows of the class | gate |');
  say('| --- | --- | --- | --- |');
  for (const name of ['random-same-class', 'influence', 'ek-fac', 'unrolled', 'knn-shapley']) {
    const turned = await turnedBy(name, (await score(name, context, {})).values);
    const cells = [(k: number) => turned[k], (k: number) => turned[k] - control[k]].map((of) => {
      const mean = (at: readonly number[]) => at.reduce((sum, k) => sum + of(k), 0) / at.length;
      return {
        mean: mean([...asked.keys()]),
        text: bracketed(mean([...asked.keys()]), interval(mean, asked.length), 2),
      };
    });
    const judged = name === 'influence' ? `≥ .25 ${gate(cells[1].mean >= 0.25)}` : '';
    say(`| ${name} | ${cells[0].text} | ${cells[1].text} | ${judged} |`);
  }
  await retraining.close();
}

/** Rows of the file that the reference drew from, less those of the training. */
async function heldOut(folder: string, rows: Dataset): Promise<Dataset> {
  const { x, y } = allDigits(folder, 'optdigits.tes');
  const used = new Set<string>();
  const pixels = await pixelsOf(rows);
  for (let i = 0; i < rows.length; i++) used.add(Array.from(rowOf(pixels, i), (v) => Math.round(16 * v)).join());
  const at = Array.from(y.keys()).filter(
    (i) => !used.has(Array.from(x.data.subarray(64 * i, 64 * i + 64), (v) => Math.round(16 * v)).join()),
  );
  const data = new Float32Array(64 * at.length);
  for (const [k, i] of at.entries()) data.set(x.data.subarray(64 * i, 64 * i + 64), 64 * k);
  return datasetOf(
    { x: float32([at.length, 64], data) },
    {
      labels: int64(
        [at.length],
        at.map((i) => y[i]),
      ),
    },
  );
}

/** Chance that a wrong row scores above a right one. */
function auc(values: ArrayLike<number>, wrong: ArrayLike<number>, at: readonly number[]): number {
  const rank = ranks(at.map((i) => values[i]));
  let [sum, count] = [0, 0];
  for (const [k, i] of at.entries()) {
    if (!wrong[i]) continue;
    sum += rank[k];
    count++;
  }
  return (sum - (count * (count - 1)) / 2) / (count * (at.length - count));
}

/** Wrong labels found by each method, and what leaving out as many rows as are wrong does. */
export async function noisyDigits(
  { digits, runtime, kept, say }: DigitsBench,
  folders: { readonly reference: string; readonly data: string },
): Promise<void> {
  const numbers = (name: string) => toNumbers(readNpy(readFileSync(join(folders.reference, name)), name));
  const rows = withLabels(digits.rows, Int32Array.from(numbers('y_train_noisy.npy')));
  const flipped = numbers('flipped.npy');
  const [wrong, count] = [new Uint8Array(rows.length), flipped.length];
  for (const row of flipped) wrong[row] = 1;
  const held = await heldOut(folders.data, digits.rows);
  const recipe = recipeOf(kind, rows, runtime, 0);
  const { model } = await train(recipe);
  const context = await contextOf(model, rows, digits.queries, runtime);
  const { rows: confidences } = await context.gradients.confidences();
  const selfOf = async (name: string) => (await suspicion(name, context))?.values as Float64Array;
  const knn = (await score('knn-shapley', context, {})).values;
  const harm = Float64Array.from({ length: rows.length }, (_, i) => {
    let sum = 0;
    for (let q = 0; q < knn.rows; q++) sum -= knn.data[q * rows.length + i];
    return sum;
  });
  const source = random(9);
  const orders: readonly (readonly [string, ArrayLike<number>, number?])[] = [
    ['none left out', new Float64Array(rows.length)],
    ['random', Float64Array.from(permutation(rows.length, source))],
    ['wrong labels, known', wrong],
    ['loss', confidences.map((p) => -Math.log(p)), 0.95],
    ['self-influence (influence)', await selfOf('influence'), 0.95],
    ['self-influence (EK-FAC)', await selfOf('ek-fac')],
    ['KNN-Shapley', harm, 0.9],
  ];
  say(`\n### MLP: ${count} of ${rows.length} labels wrong\n`);
  say(
    `AUC: chance that a wrong row stands above a right one, 95 % by bootstrap over the rows. Accuracy on ${held.length.toLocaleString('en')} rows of optdigits.tes that are in no training, trained without the first ${count}: mean of 4 seeds, 95 % by bootstrap over the held-out rows.\n`,
  );
  say('| order | AUC | gate | accuracy without them |');
  say('| --- | --- | --- | --- |');
  const retraining = await openRetraining({ recipe: { ...recipe, initial: initialOf(recipe, kind) }, queries: held });
  const all = Array.from({ length: rows.length }, (_, i) => i);
  for (const [name, values, least] of orders) {
    const right = await kept(['cleaned', name], async () => {
      const sums = new Float64Array(held.length);
      const counts = new Uint32Array(rows.length).fill(1);
      if (name !== 'none left out') for (const row of largestFirst(values).slice(0, count)) counts[row] = 0;
      for (const seed of [0, 1, 2, 3]) {
        const found = (await retraining.train(counts, seed)).right?.queries as Float64Array;
        for (const [q, one] of found.entries()) sums[q] += one / 4;
      }
      return sums;
    });
    const accuracy = (at: readonly number[]) => at.reduce((sum, q) => sum + right[q], 0) / at.length;
    const told = bracketed(accuracy([...right.keys()]), interval(accuracy, held.length));
    const area = (at: readonly number[]) => auc(values, wrong, at);
    const isOrder = least !== undefined || name === 'random' || name.startsWith('self');
    const cell = isOrder ? bracketed(area(all), interval(area, rows.length)) : '–';
    say(`| ${name} | ${cell} | ${least === undefined ? '' : `≥ ${least} ${gate(area(all) >= least)}`} | ${told} |`);
  }
  await retraining.close();
}
