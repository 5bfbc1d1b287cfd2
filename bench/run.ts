import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { type Case, cases, open } from './cases.ts';
import { type Clock, type Comparison, difference, interleave, ratioText, spent, spreadOf } from './measure.ts';
import { peakOf, repetitions } from './memory.ts';
import { Peer } from './peer.ts';

const program = new Command('bench')
  .description('Compares with PyTorch in eager mode, turn by turn; writes bench/results.md when every case was run.')
  .option('--threads <n>', 'threads of each side', '2')
  .option('--case <key...>', `only these: ${cases.map(({ key }) => key).join(', ')}, memory`)
  .option('--rounds <n>', 'rounds of every case, instead of its own number')
  .addOption(
    new Option(
      '--clock <clock>',
      'by which the goals are judged: wall, elapsed; cpu, summed over threads, for busy machines',
    )
      .choices(['wall', 'cpu'])
      .default('wall'),
  )
  .parse();
const options = program.opts<{ threads: string; case?: string[]; rounds?: string; clock: Clock }>();
const threads = Number(options.threads);

/** Processes that each peak is measured in. */
const processes = 3;

/** Both sides compute in float32; sums in another order and the kinks of ReLU and pooling move single elements. */
const tolerance = 1e-3;

async function compare(one: Case, peer: Peer): Promise<Comparison & { readonly difference: number }> {
  const opened = await open(one, threads);
  try {
    await peer.ask(opened.load);
    await peer.ask(opened.prepare);
    const ours = () => spent(opened.run);
    const theirs = () => peer.run();
    await ours();
    await theirs();
    const differs = difference(opened.results(), await peer.ask({ do: 'digest' }));
    if (!(differs <= tolerance)) throw new Error(`${one.title}: the two sides differ by ${differs.toExponential(1)}`);
    const rounds = options.rounds ? Number(options.rounds) : one.rounds;
    return { ...(await interleave(ours, theirs, { rounds, warmUp: 2 })), difference: differs };
  } finally {
    await opened.close();
  }
}

const milliseconds = (seconds: number) =>
  seconds >= 10 ? `${seconds.toFixed(1)} s` : `${(1000 * seconds).toFixed(seconds < 0.1 ? 1 : 0)} ms`;

function row(one: Case, result: Comparison & { readonly difference: number }): string {
  const { wall, cpu } = result;
  const { median } = result[options.clock].ratio;
  const cells = [
    one.title,
    milliseconds(wall.ours.median),
    milliseconds(wall.theirs.median),
    ratioText(wall),
    `${milliseconds(cpu.ours.median)}, ${milliseconds(cpu.theirs.median)}`,
    ratioText(cpu),
    `≤ ${one.limit} ${median <= one.limit ? '✓' : '✗'}`,
    result.difference.toExponential(0),
  ];
  return `| ${cells.join(' | ')} |`;
}

/**
 * Buffers that nobody needs any more are collected late, so a short run ends before its peak; hence three lengths. When
 * they are collected is a matter of chance; hence several processes.
 */
function memoryRow(repeated: string): string {
  const { title, counts } = repetitions[repeated];
  const peaks = counts.map(
    (count) => spreadOf(Array.from({ length: processes }, () => peakOf(repeated, count, threads))).median,
  );
  const ratios = peaks.slice(1).map((peak, i) => {
    const ratio = peak / peaks[i];
    return `${counts[i + 1]} against ${counts[i]}: **${ratio.toFixed(2)}** (≤ 1.10 ${ratio <= 1.1 ? '✓' : '✗'})`;
  });
  return `- ${title}: ${peaks.map((peak) => peak.toFixed(0)).join(', ')} MiB for ${counts.join(', ')}; ${ratios.join('; ')}`;
}

const isChosen = (key: string) => !options.case || options.case.includes(key);
const peer = await Peer.start(threads).catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
const lines = [
  `| case | Wherefore | PyTorch eager | ratio (quartiles) | processor time | its ratio | goal (${options.clock}) | difference |`,
  '|---|---|---|---|---|---|---|---|',
];
console.log(lines.join('\n'));
const say = (line: string) => {
  console.log(line);
  lines.push(line);
};
for (const one of cases) if (isChosen(one.key)) say(row(one, await compare(one, peer)));
peer.close();
if (isChosen('memory')) {
  say('');
  say(`Peak memory of a process of its own and of the model's, the median of ${processes}:`);
  say('');
  for (const repeated of Object.keys(repetitions)) say(memoryRow(repeated));
}

if (!options.case) {
  const ortVersion: string = createRequire(import.meta.url)('onnxruntime-node/package.json').version;
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} processors, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const command = `npm run bench${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(' ')}` : ''}`;
  const head = [
    '# Benchmark',
    '',
    `Median of the ratio Wherefore / PyTorch over rounds in which both sides ran turn by turn, ${threads} threads each, with its quartiles; below 1 is faster.`,
    'Times are elapsed, then processor time summed over the threads of all processes of a side (models run in a process of their own), with everything that a caller waits for: copies to and from the runtime included.',
    'The last column is the relative difference of the two results.',
    '',
    `- Machine: ${machine}`,
    `- Versions: Node ${process.versions.node}, onnxruntime-node ${ortVersion}, ${peer.versions}`,
    `- Command: \`${command}\``,
    '',
  ];
  writeFileSync(
    fileURLToPath(new URL('../../bench/results.md', import.meta.url)),
    `${[...head, ...lines].join('\n')}\n`,
  );
}
