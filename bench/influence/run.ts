// Influence: planted wrong labels, label errors that people checked, scores against retraining: `npm run bench:influence`.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { readNpy } from '../../src/data/formats/npy.ts';
import { datasetOf } from '../../src/dataset/in-memory.ts';
import { subset } from '../../src/dataset/select.ts';
import { labelEvidence } from '../../src/influence/audit/label-evidence.ts';
import { labelMargins } from '../../src/influence/label-margins.ts';
import { matrix } from '../../src/influence/matrix.ts';
import { lossesOf } from '../../src/influence/methods/controls.ts';
import { modelGradients } from '../../src/influence/model-gradients.ts';
import { nearestNeighbours } from '../../src/influence/neighbours.ts';
import { suspicion } from '../../src/influence/score.ts';
import { createModel } from '../../src/runtime/model.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { toNumbers } from '../../src/tensor/convert.ts';
import { ranks } from '../../src/tensor/correlation.ts';
import { float32, int64, sizeOf } from '../../src/tensor/tensor.ts';
import { readDigits } from '../unrolled/digits.ts';
import { banking } from './banking.ts';
import { digits, fashion, flipKinds, flipped, type Images } from './data.ts';
import { dattriSetting } from './dattri.ts';
import { digitsGates } from './digits.ts';
import { noisyDigits, removals } from './digits-use.ts';
import { duplicates } from './duplicates.ts';
import { interval } from './intervals.ts';
import { keptIn } from './kept.ts';
import { network, represented, trained } from './networks.ts';
import { requirements } from './requirements.ts';
import { speed } from './speed.ts';
import { storeQueries } from './store-query.ts';

const options = new Command('bench:influence')
  .option('--data <folder>', 'the folder of data sets', '../shared/data')
  .option('--rows <n>', 'rows of Fashion-MNIST', '12000')
  .option('--epochs <n>', 'of the CNN', '3')
  .option('--reference <folder>', 'rows and queries of digits as .npy', '../shared/reference/influence')
  .option('--trainings <n>', 'retrainings for each part of the rows that is left out', '60')
  .option('--shares <list>', 'parts of the rows that are left out', '.01,.05,.1,.2,.5')
  .option('--only <part>', 'flips, label-errors, requirements, digits, dattri, banking, duplicates, speed or store')
  .option('--repeats <n>', 'experiments of R3 on random rows; half as many on planted errors', '40')
  .option('--kind <name>', 'of digits: softmax regression, MLP or use; default all')
  .option(
    '--kept <folder>',
    'where trainings of digits and dattri are kept, so that the same command goes on',
    '.wherefore/bench',
  )
  .option(
    '--parts <list>',
    'of the requirements: claims, errors, groups, largeGroups, mechanisms, actions, calibration, gap',
  )
  .option('--threads <n>', 'threads of the runtime', '2')
  .option('--out <file>', 'where the tables go', 'bench/results-influence.md')
  .parse()
  .opts<
    Record<
      'data' | 'rows' | 'epochs' | 'threads' | 'out' | 'reference' | 'trainings' | 'shares' | 'repeats' | 'kept',
      string
    > & {
      only?: string;
      parts?: string;
      kind?: string;
    }
  >();

const runtime = createNodeRuntime({ threads: Number(options.threads) });
const lines: string[] = [];
const say = (line: string) => {
  lines.push(line);
  console.log(line);
};

/** Share of the wrong rows among the first so many by a score, the largest first. */
function found(scores: Float64Array, wrong: Uint8Array, share: number): number {
  const order = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a]);
  const all = wrong.reduce((sum, one) => sum + one, 0);
  return order.slice(0, Math.round(share * order.length)).reduce((sum, i) => sum + wrong[i], 0) / all;
}

/** Chance that a random wrong row scores above a random right one. */
function auc(scores: ArrayLike<number>, wrong: ArrayLike<number>): number {
  const rank = ranks(scores);
  let [sum, count] = [0, 0];
  for (let i = 0; i < rank.length; i++) {
    if (!wrong[i]) continue;
    sum += rank[i];
    count++;
  }
  return (sum - (count * (count - 1)) / 2) / (count * (rank.length - count));
}

const shown = (value: number) => value.toFixed(3);

async function flips(): Promise<void> {
  const cases: readonly [string, 'mlp' | 'cnn', Images, number][] = [
    ['digits, MLP', 'mlp', digits(join(options.data, 'digits')), 20],
    [
      `Fashion-MNIST, ${options.rows} rows, CNN`,
      'cnn',
      fashion(join(options.data, 'fashion-mnist'), 'train', Number(options.rows)),
      Number(options.epochs),
    ],
  ];
  say('## Planted wrong labels, 5 %\n');
  say(
    'Share found in the first 10 % of the list. Difference: audit less loss, with a 95 % interval over the wrong rows.\n',
  );
  say('| data | flips | audit | loss | confident learning | neighbours | difference |');
  say('|---|---|---|---|---|---|---|');
  for (const [name, kind, images, epochs] of cases) {
    const clean = await represented(await trained(kind, images, images.y, epochs, 2, runtime), images, runtime);
    for (const flip of flipKinds) {
      if (kind === 'mlp' && flip === 'confusable') continue;
      const { labels, wrong } = flipped(images.y, 0.05, flip, 1, clean.probabilities);
      const model = await trained(kind, images, labels, epochs, 1, runtime);
      const { probabilities, embeddings } = await represented(model, images, runtime);
      const near = await nearestNeighbours(runtime, embeddings, embeddings, 10, { exceptSelf: true });
      const evidence = labelEvidence(probabilities, labels, near);
      const { losses, margins, agreement } = evidence;
      const first = (scores: Float64Array) => {
        const order = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a]);
        return new Set(order.slice(0, Math.round(0.1 * order.length)));
      };
      const [ours, theirs] = [first(evidence.suspicion), first(losses)];
      const bad = Array.from(wrong.keys()).filter((i) => wrong[i]);
      const [low, high] = interval(
        (at) => at.reduce((sum, k) => sum + Number(ours.has(bad[k])) - Number(theirs.has(bad[k])), 0) / at.length,
        bad.length,
      );
      const by = [evidence.suspicion, losses, margins.map((m) => -m), agreement.map((a) => -a)].map((s) =>
        found(s, wrong, 0.1),
      );
      say(
        `| ${name}, ${epochs} epochs | ${flip} | ${by.map(shown).join(' | ')} | ${shown(by[0] - by[1])} [${shown(low)}, ${shown(high)}] |`,
      );
    }
  }
}

/** A row of which five people said what they think of its label. */
interface Checked {
  readonly id: number | string;
  readonly mturk: { readonly given: number };
}

/** Parts of the rows, each left out of a training in its turn. */
const folds = 5;

/** Self-influence of images with their labels, by EK-FAC at the weights of a CNN that was trained without them. */
async function selfInfluence(images: Images): Promise<Float64Array> {
  const rows = datasetOf({ image: images.x }, { labels: int64([images.y.length], Array.from(images.y)) });
  const all = new Float64Array(rows.length);
  const size = sizeOf(images.x.shape.slice(1));
  for (let fold = 0; fold < folds; fold++) {
    const at = Array.from(images.y.keys()).filter((i) => i % folds !== fold);
    const x = new Float32Array(at.length * size);
    for (const [k, i] of at.entries()) x.set(images.x.data.subarray(i * size, (i + 1) * size), k * size);
    const others = {
      ...images,
      x: float32([at.length, ...images.x.shape.slice(1)], x),
      y: Int32Array.from(at, (i) => images.y[i]),
    };
    const model = await trained('cnn', others, others.y, Number(options.epochs), 1, runtime);
    const gradients = await modelGradients({
      model: createModel(model, runtime, { name: 'cnn', hash: '' }),
      ...{ output: model.graph.outputs[0].name, classes: images.classes, rows, queries: subset(rows, [0]) },
    });
    const context = { rows: rows.length, queries: 1, seed: 1, gradients };
    const { values } = (await suspicion('ek-fac', context)) as { readonly values: Float64Array };
    for (let i = fold; i < rows.length; i += folds) all[i] = values[i];
  }
  return all;
}

async function labelErrors(): Promise<void> {
  const folder = join(options.data, 'label-errors');
  say('\n## Label errors that people checked\n');
  say(
    'Among the rows that confident learning suspected and five people judged; confirmed: fewer than three of them chose the given label. AUC of confirmed against refuted; no other row was ever checked.\n',
  );
  say('| data | checked | confirmed | loss | confident learning | self-influence by EK-FAC |');
  say('|---|---|---|---|---|---|');
  for (const name of ['mnist', 'cifar10', 'imdb']) {
    const read = (file: string) => readNpy(readFileSync(join(folder, file)), file);
    const array = read(`cross_validated_predicted_probabilities/${name}_test_set_pyx.npy`);
    const [rows, columns] = array.shape;
    const probabilities = matrix(rows, columns, Float64Array.from(toNumbers(array)));
    const labels = Int32Array.from(toNumbers(read(`original_test_labels/${name}_test_set_original_labels.npy`)));
    const checked = JSON.parse(readFileSync(join(folder, `mturk/${name}_mturk.json`), 'utf8')) as Checked[];
    const index = join(folder, `dataset_indexing/${name}_test_set_index_to_filename.json`);
    const position = existsSync(index)
      ? new Map(
          (JSON.parse(readFileSync(index, 'utf8')) as string[]).map((file, i) => [
            `test/${file.replace(/[.]txt$/, '')}`,
            i,
          ]),
        )
      : undefined;
    const at = checked.map(({ id }) => position?.get(String(id)) ?? Number(id));
    const confirmed = checked.map(({ mturk }) => Number(mturk.given < 3));
    const { margins } = labelMargins(probabilities, labels);
    // Of the others there are no images here: their probabilities alone were given.
    const own = name === 'mnist' ? [await selfInfluence(fashion(join(options.data, 'mnist'), 't10k', rows))] : [];
    const orders = [lossesOf(probabilities, labels), margins.map((margin) => -margin), ...own];
    const cells = orders.map((scores) => {
      const checkedOnes = at.map((i) => scores[i]);
      const [low, high] = interval(
        (some) =>
          auc(
            some.map((k) => checkedOnes[k]),
            some.map((k) => confirmed[k]),
          ),
        checkedOnes.length,
      );
      return `${shown(auc(checkedOnes, confirmed))} [${shown(low)}, ${shown(high)}]`;
    });
    say(
      `| ${name} | ${checked.length} | ${confirmed.reduce((sum, one) => sum + one, 0)} | ${cells.join(' | ')} |${own.length ? '' : ' – |'}`,
    );
  }
}

async function gates(): Promise<void> {
  say('\n## Digits against retraining\n');
  const shares = options.shares.split(',').map(Number);
  const digits = readDigits(options.reference);
  const bench = { digits, runtime, trainings: Number(options.trainings), shares, kept: keptIn(options.kept), say };
  for (const kind of ['softmax regression', 'MLP'] as const)
    if (!options.kind || options.kind === kind) await digitsGates(bench, kind);
  if (!options.kind || options.kind === 'use') {
    await removals(bench);
    await noisyDigits(bench, { reference: options.reference, data: join(options.data, 'digits') });
  }
}

async function speeds(): Promise<void> {
  const images = fashion(join(options.data, 'fashion-mnist'), 'train', 4096);
  const own = createNodeRuntime({ threads: 1 });
  await speed(network('cnn', images, 1), images, own, 5, say);
  await own.close();
}

const parts: Readonly<Record<string, () => Promise<void> | void>> = {
  flips,
  'label-errors': labelErrors,
  requirements: () =>
    requirements(
      { folder: join(options.data, 'digits'), runtime, repeats: Number(options.repeats), say },
      options.parts?.split(','),
    ),
  digits: gates,
  dattri: () =>
    dattriSetting({
      data: join(options.data, 'fashion-mnist'),
      ...{ runtime, trainings: Number(options.trainings), kept: keptIn(options.kept), say },
    }),
  banking: () => banking({ folder: join(options.data, 'banking77'), runtime, say, interval }),
  duplicates: () => duplicates(fashion(join(options.data, 'fashion-mnist'), 'train', 60_000), runtime, say),
  speed: speeds,
  store: () => storeQueries(join(options.data, 'fashion-mnist'), say),
};
for (const [name, part] of Object.entries(parts)) if (!options.only || options.only === name) await part();
if (!options.only)
  writeFileSync(
    options.out,
    `# Influence: what is found, and how well it predicts\n\n\`npm run bench:influence\`\n\n${lines.join('\n')}\n`,
  );
await runtime.close();
