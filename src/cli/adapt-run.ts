import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { isFile } from '../data/files/folders.ts';
import { observeReads } from '../data/files/open-file.ts';
import { portablePath } from '../data/files/portable-path.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { type Driver, inProcess } from '../run/driver.ts';
import { hashFile, type ListedFile } from '../run/files.ts';
import { type OpenShards, type ShardProgram, sha256, type Work } from '../run/shard.ts';
import { fileCache } from '../run/worker.ts';
import { type AdaptParameters, adaptProgram, type OpenEpochs } from './adapt-shards.ts';
import { type DriverOptions, driverOf } from './driver-options.ts';
import type { RuntimeOptions } from './options.ts';
import type { ShardedRun } from './sharded-run.ts';

export interface AdaptationRun {
  /** Path of the model. */
  readonly path: string;
  readonly epochs: OpenEpochs;
  /** Files that were read to load the model. */
  readonly read: ReadonlySet<string>;
  readonly options: RuntimeOptions & DriverOptions & { readonly data: string; readonly preprocessing?: string };
  readonly say: (text: string) => void;
}

/** The training of an explainer as a chain of epochs: here, with what is open, or at a queue. */
export async function planAdaptation(
  model: LoadedModel,
  dataset: Dataset,
  { path, epochs, read, options, say }: AdaptationRun,
): Promise<Omit<ShardedRun, 'options'>> {
  const { plan } = epochs;
  const all = new Set(read);
  const key = await observeReads(
    (one) => void all.add(resolve(one)),
    () => dataset.key(),
  );
  const isHere = options.queue === undefined;
  const files: ListedFile[] = [];
  // Workers need the images as well.
  for (const one of [...(isHere ? read : all)].sort())
    if (await isFile(one)) files.push({ path: one, hash: await hashFile(one), shared: true });
  const beside = files
    .filter((one) => read.has(one.path))
    .map((one) => [portablePath(one.path, process.cwd()), one.hash]);
  const data = JSON.stringify({ key });
  const parameters: AdaptParameters = {
    ...{ model: path, preprocessing: options.preprocessing, data: options.data, settings: plan.settings },
    beside: Object.fromEntries(beside),
    threads: isHere ? (options.threads ?? availableParallelism()) : undefined,
  };
  const work: Work = {
    program: 'adapt',
    version: adaptProgram.version,
    model: model.hash,
    data: sha256(data),
    parameters,
    seed: plan.settings.seed,
    count: plan.settings.epochs * plan.perEpoch,
    shardSize: plan.perEpoch,
    chained: true,
  };
  return { work, data, files, driver: isHere ? here(epochs) : driverOf(options, say), items: 'steps' };
}

/** Trains in this process, with what is open. */
function here(epochs: OpenShards): Driver {
  const program: ShardProgram = {
    version: adaptProgram.version,
    open: async () => ({ ...epochs, close: async () => undefined }),
  };
  return inProcess({ programs: { adapt: { load: async () => program } }, cache: fileCache });
}
