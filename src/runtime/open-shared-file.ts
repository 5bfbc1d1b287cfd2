import { randomUUID } from 'node:crypto';
import { closeSync, openSync, statfsSync, unlinkSync } from 'node:fs';
import { sharedFile } from './shared-file.js';

/** Where Linux keeps files in memory. */
const folder = '/dev/shm';

export type SharedFile = ReturnType<typeof sharedFile> & {
  readonly descriptor: number;
  /** Bytes that may lie in it. */
  readonly size: number;
  close(): void;
};

/**
 * Memory to share with a process that this one starts, at most half of what is left; `undefined` where the system has
 * none. It has no name from the start: it is free when the last process that holds it ends, however it ends.
 */
export function openSharedFile(): SharedFile | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    const path = `${folder}/wherefore-${randomUUID()}`;
    const descriptor = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    const size = Math.floor((bavail * bsize) / 2);
    return { ...sharedFile(descriptor, size), descriptor, size, close: () => closeSync(descriptor) };
  } catch {
    return undefined;
  }
}
