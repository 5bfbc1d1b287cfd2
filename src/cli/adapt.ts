import { basename, extname, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { observeReads } from '../data/files/open-file.ts';
import { unlabelledInputs } from '../data/inputs/unlabelled.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { WhereforeError } from '../errors.ts';
import { preprocessingOf } from '../explain/preprocessing-of.ts';
import { type Adapted, type AdaptPlan, type LaxOptions, laxSettings, type Validation } from '../explainer/index.ts';
import { adaptedFiles, writeAdapted } from '../report/adapted.ts';
import { readShardFile, type ShardRecord } from '../run/compute.ts';
import { readRun } from '../run/record.ts';
import { keyOf } from '../run/shard.ts';
import { formatShape } from '../tensor/tensor.ts';
import { planAdaptation } from './adapt-run.ts';
import { adaptFiles, checkpointOf, type OpenEpochs, openEpochs, validationOf } from './adapt-shards.ts';
import { type DriverOptions, withDriver } from './driver-options.ts';
import { interruptible } from './failure.ts';
import {
  commandLine,
  list,
  type RuntimeOptions,
  runtimeOf,
  wholeNumber,
  withPreprocessing,
  withRuntime,
  wordsOf,
} from './options.ts';
import { checkWritable } from './out-folder.ts';
import { formatDuration, type Progress, showProgress } from './progress.ts';
import { shardedRun } from './sharded-run.ts';
import { print, tell } from './terminal.ts';

interface Options extends RuntimeOptions, DriverOptions {
  readonly data: string;
  readonly out?: string;
  readonly reads?: 'features' | 'input';
  readonly layers?: readonly string[];
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly channels?: number;
  readonly seed?: string;
  readonly set: readonly string[];
  readonly runs: string;
  readonly preprocessing?: string;
}

export function defineAdapt(program: Command): void {
  const command = program
    .command('adapt')
    .description('train an explainer on a frozen classifier of images: then one run gives a mask')
    .argument('<model>', 'an .onnx file')
    .requiredOption('--data <path>', 'unlabelled inputs: a folder of images, .npy/.npz/.safetensors, or an IDX file')
    .option('--out <folder>', 'where the explainer goes; default .wherefore/explainers/<model>')
    .addOption(
      new Option('--reads <what>', 'inner values of the model, or the input alone')
        .choices(['features', 'input'])
        .default('features'),
    )
    .option('--layers <names>', 'feature maps to read, low to high, separated by commas; default: chosen', list)
    .option('--epochs <n>', 'number of epochs; default 10', wholeNumber)
    .option('--batch-size <n>', 'inputs a step; default 64', wholeNumber)
    .option('--channels <n>', 'channels of the adapter; default 64 (128 for tokens, 24 without features)', wholeNumber)
    .option('--seed <n>', 'random seed; default 0')
    .option('--set <name=value...>', 'another setting, e.g. minimality=2 references=mean,noise', [])
    .option(
      '--runs <folder>',
      'where its run is kept, epoch by epoch; the same command goes on where it was stopped',
      '.wherefore/runs',
    );
  withDriver(withRuntime(withPreprocessing(command))).action((path: string, options: Options, command: Command) =>
    interruptible(
      (signal) => run(path, options, signal, { command: commandLine(command), words: wordsOf(command) }),
      'stopped; the epochs that are done are kept, and the same command goes on from there',
    ),
  );
}

async function run(
  path: string,
  options: Options,
  signal: AbortSignal,
  { command, words }: { readonly command: string; readonly words: readonly string[] },
): Promise<void> {
  const settings = settingsOf(options);
  const started = new Date();
  const progress = showProgress(process.stderr);
  const say = (text: string) => {
    progress.clear();
    tell(text);
  };
  const folder = options.out ?? join('.wherefore', 'explainers', basename(path, extname(path)));
  await checkWritable(folder);
  const read = new Set<string>();
  const observe = (one: string) => void read.add(resolve(one));
  const load = () => loadModel(path, { ...runtimeOf(options), preprocessing: options.preprocessing });
  const model = await observeReads(observe, load);
  let epochs: OpenEpochs | undefined;
  try {
    const dataset = await unlabelledInputs(options.data, model, preprocessingOf(model, {}));
    epochs = await openEpochs(model, dataset, {
      ...{ settings, signal },
      onProgress: stepProgress(progress),
      onValidation: (found) => {
        const text = validationText(found, laxSettings(settings).epochs);
        if (process.stderr.isTTY) say(text);
        else progress.update(found.epoch / laxSettings(settings).epochs, () => text);
      },
    });
    say(planText(epochs.plan));
    const planned = await planAdaptation(model, dataset, { epochs, read, options, path, say });
    await checkOther(folder, keyOf(planned.work));
    const shown = { ...progress, update: () => undefined };
    const session = { signal, command, words, progress: options.queue === undefined ? shown : progress, say };
    const run = await shardedRun({ ...planned, options: { ...options, out: options.runs } }, session);
    const file = (shard: ShardRecord, name: string) => readShardFile(run.storage, shard, name);
    const { shards, cost } = run.finished;
    const validations: Validation[] = [];
    for (const shard of shards) validations.push(validationOf(await file(shard, adaptFiles.validation)));
    const last = checkpointOf(await file(shards[shards.length - 1], adaptFiles.checkpoint));
    const adapted = await epochs.finish(last, validations);
    progress.clear();
    const info = { command, data: options.data, images: dataset.length, seconds: cost.seconds, started };
    const { key, folder: runFolder } = run;
    await writeAdapted(folder, model, adapted, { ...info, key, run: { folder: runFolder, shards: shards.length } });
    report(path, model, adapted, folder, cost.seconds);
  } finally {
    progress.clear();
    await epochs?.close();
    await model.close();
  }
}

/** Refuses a folder that holds the explainer of another training: its files would be written over. */
async function checkOther(folder: string, key: string): Promise<void> {
  const run = await readRun(folder);
  if (run === undefined || run.key === key) return;
  throw new WhereforeError('invalid-argument', 'the folder holds the explainer of another training', {
    where: folder,
    got: run.command,
    fix: 'name another folder with --out, or remove this one',
  });
}

function settingsOf({ reads, layers, epochs, batchSize, channels, seed, set }: Options): LaxOptions {
  const others: Record<string, unknown> = {};
  for (const text of set) {
    const [, name, value] = /^([A-Za-z]+)=(.+)$/s.exec(text) ?? [];
    if (!name) throw new WhereforeError('invalid-argument', '--set', { got: text, expected: 'NAME=VALUE' });
    const parts = value.split(',').map((part) => (Number.isNaN(Number(part)) ? part : Number(part)));
    const isList = name === 'references' || name === 'temperature' || name === 'gradients';
    others[name] = isList ? (value === 'none' ? [] : parts) : parts[0];
  }
  const given = { reads, layers, epochs, batchSize, channels, seed: seed === undefined ? undefined : Number(seed) };
  const stated = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const settings = { ...stated, ...others } as LaxOptions;
  laxSettings(settings);
  return settings;
}

function planText(plan: AdaptPlan): string {
  const { settings, images, validated, layers, gradients, missing, channels, parameters } = plan;
  const reads = layers.length
    ? layers.map((map) => `"${map.name}" (${formatShape([map.channels, map.height, map.width])})`).join(', ')
    : 'the input alone';
  const told = gradients.length
    ? `, and the gradient of the class at ${gradients.join(', ')} of the way from the mean`
    : missing
      ? `, without the gradient of the class (${missing})`
      : '';
  return `${parameters.toLocaleString('en')} parameters in ${channels} channels, reading ${reads}${told}; ${images} images, ${validated} more to validate with, ${settings.epochs} epochs`;
}

/** Steps on a terminal; elsewhere the lines of the epochs say how far it has come. */
function stepProgress(progress: Progress) {
  if (!process.stderr.isTTY) return undefined;
  let began: number | undefined;
  let first = 0;
  return ({ step, steps, loss }: { step: number; steps: number; loss: number }) => {
    if (began === undefined) [began, first] = [performance.now(), step];
    else {
      const left = ((performance.now() - began) / 1000 / (step - first)) * (steps - step);
      const text = () => `step ${step} of ${steps}, loss ${loss.toFixed(3)}, about ${formatDuration(left)} left`;
      progress.update(step / steps, text);
    }
  };
}

const share = (value: number) => `${(100 * value).toFixed(1)} %`;

function validationText({ epoch, kept, removed, area, saturated }: Validation, epochs: number): string {
  return `epoch ${epoch} of ${epochs}: the mask covers ${share(area)}; the class keeps ${share(kept)} with it and ${share(removed)} without; ${share(saturated)} of it is decided`;
}

function report(path: string, model: LoadedModel, adapted: Adapted, folder: string, seconds: number): void {
  const { comparison } = adapted;
  print(`trained in ${formatDuration(seconds)}`);
  print(
    comparison.identical
      ? `predictions with and without the explainer have the same bits (${comparison.images} images)`
      : `predictions of ${adaptedFiles.fused} differ from those of ${model.name} by up to ${comparison.difference}: use ${adaptedFiles.explainer} beside the model`,
  );
  for (const name of [adaptedFiles.explainer, adaptedFiles.fused, adaptedFiles.curves]) print(join(folder, name));
  print(
    `next: wherefore explain IMAGE --model ${path} --method lax --set lax.explainer=${join(folder, adaptedFiles.explainer)}`,
  );
}
