// Ten metrics of explanation quality against PyTorch, turn by turn: `npm run bench:metrics`.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { loadModel } from '../../src/data/model/load-model.ts';
import { meanOf } from '../../src/evaluation/statistics.ts';
import { weightsIn } from '../cases.ts';
import { type Clock, type Comparison, interleave, ratioText, type Spent, spent } from '../measure.ts';
import { Peer } from '../peer.ts';
import { batched, chosenMetrics, drawn, type Explained, explainAll, type Scores, single } from './ours.ts';
import { lenet, resnet, type Subject, shapes } from './subjects.ts';

const options = new Command('bench:metrics')
  .option('--subject <key...>', 'only these: lenet, shapes, resnet')
  .option('--inputs <n>', 'explanations that are scored; of ResNet-18 a 32nd part', '64')
  .option('--rounds <n>', 'rounds of the batched ways, a third of them one by one; default 9 of LeNet-5, else 3')
  .option('--fashion <folder>', 'the IDX files of Fashion-MNIST', '../shared/data/fashion-mnist')
  .option('--threads <n>', 'threads of each side', '2')
  .option('--out <file>', 'where the table goes when every subject was run', 'bench/results-metrics.md')
  .addOption(
    new Option(
      '--clock <clock>',
      'by which the goals are judged: wall, elapsed; cpu, summed over threads, for busy machines',
    )
      .choices(['wall', 'cpu'])
      .default('wall'),
  )
  .parse()
  .opts<
    Record<'inputs' | 'fashion' | 'threads' | 'out', string> & {
      subject?: readonly string[];
      rounds?: string;
      clock: Clock;
    }
  >();
const [threads, count] = [options.threads, options.inputs].map(Number);

/** What two sums in float32 in different order leave, where a threshold does not flip. */
const tolerance = 1e-3;
/** Both sides solve ROAD's equations up to a thousandth of the range, from different first guesses. */
const solverTolerance = 0.02;

/** Throws where the two sides do not measure the same; tells the largest difference of a metric without chance. */
function agreement(ours: Scores, theirs: Scores): number {
  let largest = 0;
  for (const name of chosenMetrics) {
    const differences = ours[name].map((score, i) => score - theirs[name][i]);
    const mean = meanOf(differences);
    if (drawn.has(name)) {
      // Fewer have no spread to judge by.
      if (differences.length < 8) continue;
      const deviation = Math.sqrt(meanOf(differences.map((difference) => (difference - mean) ** 2)));
      const error = deviation / Math.sqrt(Math.max(1, differences.length - 1));
      if (Math.abs(mean) > 4 * error) throw new Error(`${name}: the two sides differ by ${mean}, ${error} is chance`);
      continue;
    }
    const worst = Math.max(...differences.map(Math.abs));
    if (!(worst <= (name === 'road' ? solverTolerance : tolerance)))
      throw new Error(`${name}: the two sides differ by ${worst}`);
    if (name !== 'road') largest = Math.max(largest, worst);
  }
  return largest;
}

const seconds = (value: number) => (value >= 10 ? `${value.toFixed(1)} s` : `${value.toFixed(2)} s`);
const text = (found: Comparison, goal: number) =>
  `${ratioText(found.wall)}, processor ${ratioText(found.cpu)} ${found[options.clock].ratio.median <= goal ? '✓' : '✗'}`;

async function compare(subject: Subject, peer: Peer): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'wherefore-metrics-'));
  const file = join(folder, 'model.onnx');
  writeFileSync(file, subject.bytes);
  const model = await loadModel(file, { threads });
  try {
    const explained = await explainAll(model, subject);
    await peer.ask({ do: 'load', net: subject.net, file, weights: weightsIn(file, subject.bytes), threads });
    await giveData(peer, join(folder, 'data.bin'), subject, explained);
    let scores: Scores = {};
    const way = (run: typeof batched) => () =>
      spent(async () => {
        scores = await run(model, explained);
      });
    const their = (name: 'batched' | 'single') => async (): Promise<Spent> => {
      await peer.ask({ do: 'prepare', way: name });
      return peer.run();
    };
    await way(batched)();
    const ourScores = scores;
    await their('batched')();
    const difference = agreement(ourScores, await peer.ask<Scores>({ do: 'digest' }));
    const rounds = Number(options.rounds ?? subject.rounds);
    const few = Math.max(1, Math.round(rounds / 3));
    const together = await interleave(way(batched), their('batched'), { rounds, warmUp: 1 });
    const apart = await interleave(way(batched), their('single'), { rounds: few, warmUp: 0 });
    agreement(ourScores, await peer.ask<Scores>({ do: 'digest' }));
    const own = await interleave(way(batched), way(single), { rounds: few, warmUp: 0 });
    const cells = [
      `${subject.title}, ${explained.length} inputs`,
      seconds(together.wall.ours.median),
      seconds(together.wall.theirs.median),
      text(together, 1),
      seconds(apart.wall.theirs.median),
      text(apart, 0.15),
      seconds(own.wall.theirs.median),
      text(own, 0.15),
      difference.toExponential(0),
    ];
    return `| ${cells.join(' | ')} |`;
  } finally {
    await model.close();
    rmSync(folder, { recursive: true });
  }
}

async function giveData(peer: Peer, file: string, { inputs }: Subject, explained: readonly Explained[]): Promise<void> {
  const maps = explained.map(({ map }) => new Uint8Array(map.buffer, map.byteOffset, map.byteLength));
  writeFileSync(
    file,
    Buffer.concat([new Uint8Array(inputs.data.buffer, inputs.data.byteOffset, inputs.data.byteLength), ...maps]),
  );
  await peer.ask({ do: 'data', file, shape: inputs.shape, classes: explained.map(({ target }) => target.class) });
}

const subjects: Record<string, () => Promise<Subject | undefined>> = {
  lenet: () => lenet(options.fashion, count),
  shapes: () => shapes(count),
  resnet: async () => resnet(Math.max(1, Math.round(count / 32))),
};

const peer = await Peer.start(threads, 'metrics_peer.py').catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
const lines: string[] = [];
const say = (line: string) => {
  console.log(line);
  lines.push(line);
};
say(
  '| model | Wherefore | PyTorch, batched | ratio, goal ≤ 1.0 | PyTorch, one by one | ratio, goal ≤ .15 | Wherefore, one by one | ratio, goal ≤ .15 | difference |',
);
say('|---|---|---|---|---|---|---|---|---|');
for (const [key, open] of Object.entries(subjects)) {
  if (options.subject && !options.subject.includes(key)) continue;
  const subject = await open();
  if (subject) say(await compare(subject, peer));
  else console.log(`${key}: skipped, Fashion-MNIST is not in ${options.fashion} (--fashion names another folder)`);
}
peer.close();

if (lines.length === 2 + Object.keys(subjects).length) {
  const ortVersion: string = createRequire(import.meta.url)('onnxruntime-node/package.json').version;
  const head = [
    '# Benchmark of the metrics',
    '',
    `Ten metrics on every input: ${chosenMetrics.map((name) => `\`${name}\``).join(', ')}, with default parameters (ROAD without noise), reference zero, maps of gradient × input. All run the model on perturbed inputs; metrics that only look at the map are left out.`,
    `PyTorch in eager mode (\`bench/metrics_peer.py\`): *batched* runs one perturbation of all inputs at once, *one by one* perturbs, runs and scores one input at a time. Medians of rounds in which both sides ran turn by turn, ${threads} threads each, with the quartiles of the ratio; elapsed time, and the ratio of processor time, summed over the threads of all processes of a side. Goals by ${options.clock === 'wall' ? 'elapsed' : 'processor'} time.`,
    'The last column is the largest difference of a score between the two sides, over the metrics that draw nothing; ROAD, whose equations both sides solve up to .001 of the range, agrees within .02, those that draw random sets within 4 standard errors of their mean (from 8 inputs on).',
    '',
    `- Machine: ${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} processors, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `- Versions: Node ${process.versions.node}, onnxruntime-node ${ortVersion}, ${peer.versions}`,
    `- Command: \`npm run bench:metrics${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(' ')}` : ''}\``,
    '',
  ];
  writeFileSync(options.out, `${[...head, ...lines].join('\n')}\n`);
  // docs/metrics.md holds the table.
  console.log(
    'WHEREFORE_WRITE_DOCS=1 npx vitest run src/evaluation/metrics/page.test.ts copies it into the documentation',
  );
}
