import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { OpenedDataset } from '../data/datasets/open-dataset.ts';
import { folderEntries, isFile, isFolder } from '../data/files/folders.ts';
import type { GradientMaterial } from '../influence/gradient-material.ts';
import { storedGradients } from '../influence/stored-gradients.ts';
import type { StoreRequest } from '../report/influence/influence-options.ts';
import { type Driver, inProcess } from '../run/driver.ts';
import { hashFile, type ListedFile } from '../run/files.ts';
import { fileCache } from '../run/worker.ts';
import { createEigenThread } from '../runtime/eigen-thread.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import type { CheckpointPath } from './checkpoint-model.ts';
import { type DriverOptions, driverOf, withDriver } from './driver-options.ts';
import type { GradientParameters } from './gradient-shards.ts';
import { openGradientStore } from './gradient-store.ts';
import type { RuntimeOptions } from './options.ts';
import { shardPrograms } from './shard-programs.ts';

export interface StoreOptions extends RuntimeOptions, DriverOptions {
  readonly preprocessing?: string;
  /** A folder; false: nothing is kept. */
  readonly store?: string | false;
}

const defaultPlace = '.wherefore/gradients';

/** Rows from which gradients are kept by default: fewer are computed anew in seconds. */
const keptFrom = 2000;

/** Bytes that the factors of all gradients may take. */
const mostBytes = 4 * 2 ** 30;

/** Rows up to which one process is quicker than several that each load the model. */
const aloneUpTo = 4096;

export function withStore(command: Command): Command {
  return withDriver(command)
    .option(
      '--store <folder>',
      `where gradients of all rows are kept for the next query; default ${defaultPlace}, from ${keptFrom.toLocaleString('en')} rows`,
    )
    .option('--no-store', 'keep no gradients: compute them anew for every query');
}

/** What the command knows when it opens a store. */
export interface StoreSession {
  readonly data: OpenedDataset;
  readonly described: Omit<GradientParameters['data'], 'path'>;
  /** Where a model was loaded from. */
  readonly pathOf: (asked: StoreRequest) => CheckpointPath;
  /** Files that were read so far. */
  readonly read: ReadonlySet<string>;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
  readonly onProgress: (stage: string, done: number, total: number) => void;
}

/** Opens stores for the models of a command; undefined where gradients are not kept. */
export function storesFor(options: StoreOptions, session: StoreSession) {
  const { data, described, read, signal, say, onProgress } = session;
  const isKept =
    options.store !== false && (options.store !== undefined || options.queue !== undefined || data.length >= keptFrom);
  const eigenThread = createEigenThread();
  const runtime = createNodeRuntime({ threads: options.threads });
  const close = async () => {
    await eigenThread.close();
    await runtime.close();
  };
  const eigen = (matrix: Float64Array, size: number) => eigenThread.decompose(matrix, size);
  if (!isKept) return { eigen, close };
  const place = options.storage ?? options.store ?? defaultPlace;
  const store = async (asked: StoreRequest): Promise<GradientMaterial> => {
    const { model, output, classes, passes, computed } = asked;
    const kept = openGradientStore({
      ...{ place: place.includes('://') ? place : resolve(place), model: model.hash, data, passes },
      parameters: {
        ...{ ...session.pathOf(asked), preprocessing: options.preprocessing },
        data: { path: data.path, ...described },
        ...{ output, classes, batch: passes.batch, memory: options.memory },
      },
      ...{ driver: driverFor(options, data.length, say), eigenThread, mostBytes, signal, onProgress, onNote: say },
      ...(options.queue !== undefined && { files: await listed(read, data.path) }),
    });
    return storedGradients(computed, kept, runtime, signal);
  };
  return { store, eigen, close };
}

function driverFor(options: StoreOptions, rows: number, say: (text: string) => void): Driver {
  const processes = options.threads ?? availableParallelism();
  if (options.queue === undefined && (rows <= aloneUpTo || processes === 1))
    return inProcess({ programs: shardPrograms, cache: fileCache });
  return driverOf(options, say);
}

/** Files that workers need: those that were read, and all of a folder of data. */
async function listed(read: ReadonlySet<string>, data: string): Promise<ListedFile[]> {
  const paths = new Set(read);
  if (await isFolder(data))
    for (const { name, isFolder } of await folderEntries(data, { deep: true }))
      if (!isFolder) paths.add(resolve(join(data, name)));
  const files: ListedFile[] = [];
  for (const path of [...paths].sort())
    if (await isFile(path)) files.push({ path, hash: await hashFile(path), shared: true });
  return files;
}
