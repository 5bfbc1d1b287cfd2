import { basename } from 'node:path';
import { FileHash } from '../data/files/file-hash.ts';
import { isFolder } from '../data/files/folders.ts';
import { readBytes } from '../data/files/read-file.ts';
import { checkpointFiles } from '../data/formats/checkpoint-files.ts';
import { readSafetensors } from '../data/formats/safetensors.ts';
import { type LoadModelOptions, loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { WhereforeError } from '../errors.ts';
import type { CheckpointModel } from '../report/influence/influence-options.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { readCheckpoint } from '../train/checkpoint.ts';
import { withParameters } from '../train/parameters.ts';

/** Where the weights of a moment of the training lie: a model, or a file of weights for the model. */
export interface CheckpointPath {
  readonly model: string;
  readonly checkpoint?: string;
}

/** Weights of a file, with what a training of this package wrote beside them. */
export async function checkpointWeights(path: string) {
  const bytes = await readBytes(path, 'tensors');
  const { tensors, metadata } = readSafetensors(bytes, path);
  const hash = new FileHash().update(bytes).digest();
  if (metadata['wherefore.checkpoint'] === undefined) return { tensors, hash };
  const { parameters, step, learningRate } = readCheckpoint(tensors, metadata, path);
  return { tensors: parameters, hash, step, learningRate };
}

/**
 * Loads a model with the weights of a checkpoint; its hash is that of both.
 * @throws WhereforeError `unknown-name`, `wrong-shape` for a checkpoint of another architecture
 */
export async function loadAt(
  { model, checkpoint }: CheckpointPath,
  options: LoadModelOptions,
): Promise<LoadedModel & { readonly step?: number; readonly learningRate?: number }> {
  if (checkpoint === undefined) return loadModel(model, options);
  const { tensors, hash, step, learningRate } = await checkpointWeights(checkpoint);
  const weights = new Map<string, Tensor>([...tensors].filter(([, { type }]) => type === 'float32'));
  const loaded = await loadModel(model, { ...options, prepare: (source) => withParameters(source, weights) }).catch(
    (cause: unknown) => {
      if (!(cause instanceof WhereforeError)) throw cause;
      throw new WhereforeError(cause.code, `${basename(checkpoint)} is no checkpoint of this model: ${cause.what}`, {
        ...cause.details,
        where: checkpoint,
        fix: 'name checkpoints of the training that gave the model, with the names that the model has for its weights',
      });
    },
  );
  return { ...loaded, hash: new FileHash().update(`${loaded.hash} ${hash}`).digest(), step, learningRate };
}

export interface CheckpointOptions {
  readonly checkpoints?: readonly string[];
  readonly learningRates?: readonly number[];
  readonly steps?: readonly number[];
}

/** The checkpoints that a command names: files, or all of a folder that a training left. */
export async function namedCheckpoints(model: string, names: readonly string[]): Promise<CheckpointPath[]> {
  const found: CheckpointPath[] = [];
  for (const name of names) {
    if (!(await isFolder(name))) {
      found.push(name.endsWith('.safetensors') ? { model, checkpoint: name } : { model: name });
      continue;
    }
    const steps = await checkpointFiles(name).steps();
    if (steps.length === 0)
      throw new WhereforeError('invalid-data', 'the folder has no checkpoints', {
        where: name,
        expected: 'files step-<n>.safetensors, as train writes them',
        fix: 'name the files, in the order of the training',
      });
    for (const step of steps) found.push({ model, checkpoint: `${name.replace(/\/+$/, '')}/step-${step}.safetensors` });
  }
  return found;
}

/** A moment of the training, and where it was loaded from. */
export interface OpenCheckpoint extends CheckpointModel {
  readonly path: CheckpointPath;
}

/**
 * Loads the checkpoints that a command names, first to last.
 * @param needsTimes whether the method needs steps and learning rates; else those that are not known are equal
 * @throws WhereforeError `invalid-argument` where they are needed and not known, or not one for each checkpoint
 */
export async function openCheckpoints(
  model: string,
  { checkpoints = [], learningRates, steps }: CheckpointOptions,
  options: LoadModelOptions,
  needsTimes: boolean,
): Promise<readonly OpenCheckpoint[]> {
  const paths = await namedCheckpoints(model, checkpoints);
  for (const [what, given] of [
    ['learning rates', learningRates],
    ['steps', steps],
  ] as const) {
    if (given === undefined || given.length === paths.length) continue;
    throw new WhereforeError('invalid-argument', `there are not as many ${what} as checkpoints`, {
      got: `${given.length}`,
      expected: `${paths.length}`,
    });
  }
  const opened: OpenCheckpoint[] = [];
  for (const [k, path] of paths.entries()) {
    const loaded = await loadAt(path, options);
    const learningRate = learningRates?.[k] ?? loaded.learningRate;
    const step = steps?.[k] ?? loaded.step;
    if (needsTimes && (learningRate === undefined || step === undefined))
      throw new WhereforeError(
        'invalid-argument',
        'the method needs the step and the learning rate of each checkpoint',
        {
          where: path.checkpoint ?? path.model,
          fix: 'add --steps and --learning-rates, one for each checkpoint, or choose tracin-cp',
        },
      );
    opened.push({ model: loaded, step: step ?? k + 1, learningRate: learningRate ?? 1, path });
  }
  return opened;
}
