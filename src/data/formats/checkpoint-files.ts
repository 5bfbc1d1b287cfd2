import { join } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import {
  type Checkpoint,
  type CheckpointStore,
  checkpointContent,
  missing,
  readCheckpoint,
} from '../../train/checkpoint.ts';
import { writeAtomically } from '../files/files.ts';
import { folderEntries } from '../files/folders.ts';
import { readBytes } from '../files/read-file.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

const pattern = /^step-(\d+)\.safetensors$/;

/**
 * Checkpoints of a training as files `step-<n>.safetensors` of a folder. Each is written whole or not at all, so that
 * a training that was killed goes on from the last one.
 */
export function checkpointFiles(folder: string): CheckpointStore {
  const steps = async () => {
    const entries = await folderEntries(folder).catch((error: unknown) => {
      // A training that has not written anything yet has no folder.
      if (error instanceof WhereforeError && error.code === 'file-not-found') return [];
      throw error;
    });
    return entries
      .flatMap(({ name }) => pattern.exec(name)?.[1] ?? [])
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
      const { tensors, metadata } = readSafetensors(await readBytes(path, 'tensors'), path);
      return readCheckpoint(tensors, metadata, path);
    },
  };
}
