import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Checkpoint,
  type CheckpointStore,
  checkpointContent,
  missing,
  readCheckpoint,
} from '../train/checkpoint.ts';
import { readBytes, writeAtomically } from './files.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

const pattern = /^step-(\d+)\.safetensors$/;

/**
 * Checkpoints of a training as files `step-<n>.safetensors` of a folder. Each is written whole or not at all, so that
 * a training that was killed goes on from the last one.
 */
export function checkpointFiles(folder: string): CheckpointStore {
  const steps = async () => {
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      // A training that has not written anything yet has no folder.
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names
      .flatMap((name) => pattern.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  };
  return {
    steps,
    async save(checkpoint: Checkpoint) {
      const { tensors, metadata } = checkpointContent(checkpoint);
      await writeAtomically(join(folder, `step-${checkpoint.step}.safetensors`), writeSafetensors(tensors, metadata));
    },
    async load(step: number) {
      const known = await steps();
      if (!known.includes(step)) missing(step, known);
      const path = join(folder, `step-${step}.safetensors`);
      const { tensors, metadata } = readSafetensors(await readBytes(path), path);
      return readCheckpoint(tensors, metadata, path);
    },
  };
}
