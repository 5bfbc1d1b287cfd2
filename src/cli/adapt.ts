import { basename, extname, join } from 'node:path';
import { type Command, Option } from 'commander';
import { checkpointFiles } from '../data/formats/checkpoint-files.ts';
import { unlabelledInputs } from '../data/inputs/unlabelled.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { WhereforeError } from '../errors.ts';
import { preprocessingOf } from '../explain/explain.ts';
import {
  type Adapted,
  type AdaptPlan,
  adapt,
  type LaxOptions,
  laxSettings,
  type Validation,
} from '../explainer/index.ts';
import { adaptedFiles, writeAdapted } from '../report/adapted.ts';
import { formatShape } from '../tensor/tensor.ts';
import { interruptible } from './failure.ts';
import {
  commandLine,
  list,
  type RuntimeOptions,
  runtimeOf,
  wholeNumber,
  withPreprocessing,
  withRuntime,
} from './options.ts';
import { checkWritable } from './out-folder.ts';
import { formatDuration, type Progress, showProgress } from './progress.ts';
import { print, tell } from './terminal.ts';

interface Options extends RuntimeOptions {
  readonly data: string;
  readonly out?: string;
  readonly reads?: 'features' | 'input';
  readonly layers?: readonly string[];
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly channels?: number;
  readonly seed?: string;
  readonly set: readonly string[];
  readonly resume?: boolean;
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
    .option('--resume', 'goes on from the last checkpoint in the folder');
  withRuntime(withPreprocessing(command)).action((path: string, options: Options, command: Command) =>
    interruptible((signal) => run(path, options, signal, commandLine(command))),
  );
}

async function run(path: string, options: Options, signal: AbortSignal, command: string): Promise<void> {
  const settings = settingsOf(options);
  const { epochs } = laxSettings(settings);
  const started = new Date();
  const progress = showProgress(process.stderr);
  const say = (text: string) => {
    progress.clear();
    tell(text);
  };
  const folder = options.out ?? join('.wherefore', 'explainers', basename(path, extname(path)));
  await checkWritable(folder);
  const model = await loadModel(path, { ...runtimeOf(options), preprocessing: options.preprocessing });
  try {
    const preprocessing = preprocessingOf(model, {});
    const dataset = await unlabelledInputs(options.data, model, preprocessing);
    const checkpoints = checkpointFiles(join(folder, adaptedFiles.checkpoints));
    const resume = await resumed(checkpoints, folder, options.resume);
    if (resume) say(`goes on from step ${resume.step} (epoch ${resume.epoch})`);
    const [input] = model.graph.inputs;
    const described = preprocessing.inputs[input.name];
    const adapted = await adapt(model, dataset, {
      settings,
      channelAxis: described?.kind === 'image' ? (described.layout === 'NCHW' ? 1 : 3) : undefined,
      checkpoints,
      resume,
      signal,
      onStart: (plan) => say(planText(plan)),
      onProgress: stepProgress(progress),
      onValidation: (found) => {
        const text = validationText(found, epochs);
        if (process.stderr.isTTY) say(text);
        else progress.update(found.epoch / epochs, () => text);
      },
    });
    progress.clear();
    const seconds = (Date.now() - started.getTime()) / 1000;
    const info = { command, data: options.data, images: dataset.length, seconds, started };
    await writeAdapted(folder, model, adapted, info);
    report(path, model, adapted, folder, seconds);
  } finally {
    progress.clear();
    await model.close();
  }
}

/** The last checkpoint, where one is to be resumed. @throws WhereforeError when there is one and nobody said what to do */
async function resumed(checkpoints: ReturnType<typeof checkpointFiles>, folder: string, wanted: boolean | undefined) {
  const steps = await checkpoints.steps();
  const last = steps.at(-1);
  if (wanted && last !== undefined) return checkpoints.load(last);
  if (wanted) {
    throw new WhereforeError('invalid-argument', 'there is no checkpoint to go on from', {
      where: folder,
      fix: 'leave --resume out',
    });
  }
  if (last === undefined) return undefined;
  throw new WhereforeError('invalid-argument', 'the folder holds checkpoints of an earlier training', {
    where: folder,
    got: `steps ${steps.join(', ')}`,
    fix: 'add --resume to go on with it, or name another folder with --out',
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
