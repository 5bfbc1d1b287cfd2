import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Command, InvalidArgumentError } from 'commander';
import { methods as methodTable } from '../attribution/methods/index.ts';
import { observeReads } from '../data/files/open-file.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { answerText } from '../evaluation/answer.ts';
import { flagText } from '../evaluation/comparison.ts';
import { doubtfulMethods, doubtText } from '../evaluation/doubtful.ts';
import { metrics as metricTable } from '../evaluation/metrics/index.ts';
import {
  defaultImageMethods,
  defaultMetrics,
  defaultTableMethods,
  type Evaluation,
  type EvaluationPlan,
  evaluate,
  evaluationKey,
  type EvaluateOptions as LibraryOptions,
} from '../explain/evaluation/evaluate.ts';
import { preprocessingOf } from '../explain/preprocessing-of.ts';
import { createResultStore } from '../report/result-store.ts';
import { writeEvaluation } from '../report/write-evaluation.ts';
import { openStorage } from '../run/open-storage.ts';
import { withDriver } from './driver-options.ts';
import { type EvaluateProgress, evaluateProgress } from './evaluate-progress.ts';
import { type EvaluateOptions, evaluateInShards, noteReads } from './evaluate-run.ts';
import { parseEvaluation, parseMetrics } from './evaluation-text.ts';
import { interruptible } from './failure.ts';
import { filesOf } from './named-files.ts';
import { commandLine, list, repeated, runtimeOf, wholeNumber, withModel, withRun, wordsOf } from './options.ts';
import { checkWritable } from './out-folder.ts';
import { shortSource } from './print-explained.ts';
import { formatDuration, showProgress } from './progress.ts';
import { formatNumber, formatTable } from './table-text.ts';
import { print, printJson, tell, visible } from './terminal.ts';

type Options = EvaluateOptions & { readonly examples?: string };

export function defineEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description('which explanation to trust: methods × metrics × inputs with intervals and controls, and a page')
    .argument('<input...>', 'inputs as for explain, or folders of images; several give intervals');
  withModel(command)
    .option(
      '--inputs <count>',
      'how many inputs; of more, some are chosen by the seed; default all that are given',
      wholeNumber,
    )
    .option(
      '--augment',
      'fill up to --inputs with variants of the images: mirrored, cut to 75–100 % of each side, brightness × 0.75–1.25',
    )
    .option(
      '--method <names>',
      `of ${Object.keys(methodTable).join(', ')}; default ${defaultImageMethods.join(', ')}; of rows ${defaultTableMethods.join(', ')}`,
      list,
    )
    .option(
      '--metric <names>',
      `of ${Object.keys(metricTable).join(', ')}; default ${defaultMetrics.map(({ name }) => name).join(', ')}`,
      list,
    )
    .option(
      '--layer <names>',
      '"input", "all", or names of values; default the input, and the last spatial layer for methods that need one',
      list,
    )
    .option('--target <what>', 'as for explain; default: what the model said of each input')
    .option('--baseline <what>', 'as for explain; may be repeated: each is compared', repeated)
    .option('--reference <what>', 'what metrics replace removed features by; default: the baseline')
    .option(
      '--regions <pixels>',
      'side of the tiles of an image that metrics move as one, 1: pixel by pixel; default a 14th of the shorter side',
      wholeNumber,
    )
    .option(
      '--alpha-min <number>',
      'lowest mask value that counts as chosen by MSI, or "tuned": the best for all methods together on a quarter of the images, which are not reported then; default 0.5',
      alphaMin,
    )
    .option(
      '--truth <folder>',
      'where the objects are, for pointing-game, mass-accuracy and rank-accuracy: masks (cat.png for cat.jpg) or boxes (cat.json with [[left, top, right, bottom], …])',
    )
    .option(
      '--set <name.parameter=value>',
      'a parameter of a method or a metric, e.g. insertion.steps=64; may be repeated',
      repeated,
      [],
    )
    .option('--examples <metric>', 'the metric that chooses the best and worst examples; default the first')
    .option('--seed <number>', 'random seed', Number, 0);
  withDriver(withRun(command, 'where runs are kept; the same command goes on where it was stopped')).action(
    (inputs: readonly string[], options: Options, command: Command) =>
      interruptible(
        (signal) => run(inputs, options, signal, { command: commandLine(command), words: wordsOf(command) }),
        'stopped; what was scored is kept, and the same command goes on from there',
      ),
  );
}

function alphaMin(text: string): number | 'tuned' {
  if (text === 'tuned') return text;
  const value = Number(text);
  if (!(value >= 0 && value < 1)) throw new InvalidArgumentError('expected "tuned" or a number from 0 to below 1.');
  return value;
}

async function run(
  sources: readonly string[],
  options: Options,
  signal: AbortSignal,
  { command, words }: { readonly command: string; readonly words: readonly string[] },
): Promise<void> {
  parseMetrics(options);
  await checkWritable(options.out);
  const started = new Date();
  const progress = showProgress(process.stderr, !options.json);
  const say = (text: string) => {
    progress.clear();
    if (!options.json) tell(text);
  };
  const read = new Set<string>();
  const load = () => loadModel(options.model, { ...runtimeOf(options), ...filesOf(options) });
  const model = await observeReads(noteReads(read), load);
  try {
    const { key, ...asked } = await observeReads(noteReads(read), () => question(model, sources, options));
    let folder = '';
    const calibration = await openStorage(resolve(join(options.out, `.calibration-${key}`)));
    await calibration.clear();
    let work: EvaluateProgress | undefined;
    const planned: LibraryOptions = {
      ...asked,
      exampleMetric: options.examples,
      signal,
      store: createResultStore(calibration),
      onPlanned: (plan) => {
        for (const text of plan.leftOut) say(`left out at ${text}`);
        say(forecastText(plan));
        work = evaluateProgress(progress, plan);
      },
      ahead: async (request, tuned) => {
        const tunedTo = options.alphaMin === 'tuned' ? tuned : undefined;
        const session = { signal, command, words, progress, say };
        const done = await evaluateInShards(model, { sources, request, tunedTo, read }, options, session);
        folder = done.folder;
        return done;
      },
      onScored: (scored) => work?.scored(scored),
      onProgress: (passes) => work?.update(passes),
    };
    const evaluation = await observeReads(noteReads(read), () => evaluate(model, sources, planned));
    progress.clear();
    signal.throwIfAborted();
    await writeEvaluation(folder, model, evaluation, { command, started });
    await calibration.removeFolder('');
    if (options.json) printJson({ folder, ...evaluation.comparison });
    else printComparison(evaluation, folder);
  } finally {
    progress.clear();
    await model.close();
  }
}

/** What the words mean for the model, and the key of the question. */
async function question(model: LoadedModel, sources: readonly string[], options: Options) {
  const asked = await parseEvaluation(model, options);
  const { method, layer, target, baseline: baselines, reference: referenceText, seed } = options;
  const { inputs: count, augment, regions, alphaMin, truth } = options;
  const { metrics, parameters } = asked;
  const preprocessing = preprocessingOf(model, {});
  const labels = options.labels && model.labels;
  const stated = { method, layer, target, baselines, referenceText, count, augment, regions, alphaMin, truth, seed };
  return { ...asked, key: evaluationKey(model, sources, { ...stated, labels, metrics, parameters, preprocessing }) };
}

/** What is going to be computed, and how long it may take. */
function forecastText({ inputs, calibration, explanations, metrics, forecast }: EvaluationPlan): string {
  const { explaining, scoring, seconds } = forecast;
  const passes = (kind: 'least' | 'most') =>
    explaining[kind].forward + explaining[kind].backward + scoring.forward + scoring.backward;
  const range = (least: string, most: string) => (least === most ? `about ${most}` : `${least} to ${most}`);
  const held = calibration > 0 ? ` (and ${calibration} to tune α_min)` : '';
  return (
    `${explanations} explanations of ${inputs} inputs${held} by ${metrics} metrics: ` +
    `${range(passes('least').toLocaleString('en'), passes('most').toLocaleString('en'))} passes through the model, ` +
    `${range(formatDuration(seconds.least), formatDuration(seconds.most))} without what is kept from before; Ctrl-C stops, the same command goes on`
  );
}

function printComparison({ comparison, alphaMin, regions, inputs }: Evaluation, folder: string): void {
  const { metrics, rows, verdicts } = comparison;
  const marked = (name: string) => {
    const verdict = verdicts.find(({ metric }) => metric === name);
    return verdict?.sound || verdict?.judgedBy === 'description' ? '' : ' !';
  };
  const head = metrics.map((name) => `${name} ${metricTable[name].direction === 'higher' ? '↑' : '↓'}${marked(name)}`);
  const lines = rows.map((row) => [
    `${row.id}${row.onFront ? ' *' : ''}`,
    ...metrics.map((name) => {
      const interval = row.scores[name];
      if (!interval) return '–';
      const half =
        interval.low === undefined || interval.high === undefined
          ? ''
          : ` ±${halfText((interval.high - interval.low) / 2, interval.mean)}`;
      return `${formatNumber(Number(interval.mean.toPrecision(3)))}${half}`;
    }),
    row.quality === undefined ? '–' : row.quality.toFixed(2),
    row.cost ? String(Math.round(row.cost.passes)) : '–',
  ]);
  const sources = new Set(comparison.sources).size;
  const drawn = sources < inputs.length ? ` of ${sources} images, which intervals draw as one` : '';
  const tiles = regions > 1 ? `; images by regions of ${regions} × ${regions} pixels` : '';
  print(
    `mean over ${inputs.length} inputs${drawn} ± half the 95 % interval; * on the front of quality against passes${tiles}\n`,
  );
  if (alphaMin.tunedOn)
    print(`α_min = ${alphaMin.value}, tuned on ${alphaMin.tunedOn.map(shortSource).join(', ')} (not reported)\n`);
  print(formatTable([['method', ...head, 'quality', 'passes'], ...lines]));
  for (const { metric, judgedBy, sound: isSound, flags } of verdicts) {
    if (judgedBy === 'description') print(`${metric} describes a map and has no part in quality`);
    else if (!isSound) print(`! ${metric} is not sound here: ${flags.map((flag) => flagText(flag)).join('; ')}`);
  }
  const itself = (name: string) => name;
  for (const one of doubtfulMethods(comparison)) print(doubtText(one, itself, itself));
  for (const note of comparison.notes) print(`note: ${visible(note)}`);
  const failed = comparison.references.filter(({ test }) => test && !test.passes);
  if (failed.length)
    print(`note: on ${failed.length} of ${comparison.references.length} inputs ${failed[0].test?.warning}`);
  const reasons = new Set(
    comparison.failures.map(({ row, metric, why }) => `${metric ? `${metric} of ` : ''}${row}: ${why}`),
  );
  for (const why of reasons) print(`failed: ${visible(why)}`);
  print(`\n${answerText(comparison.answer, new Set(comparison.sources).size, itself)}`);
  print(`\npage: ${join(folder, 'index.html')}\n      ${pathToFileURL(join(folder, 'index.html'))}`);
}

/** Half an interval to two digits; rounding of float32 outputs counts as none. */
function halfText(half: number, mean: number): string {
  return half <= 1e-6 * Math.max(1, Math.abs(mean)) ? '0' : formatNumber(Number(half.toPrecision(2)));
}
