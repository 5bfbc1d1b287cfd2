import { resolve } from 'node:path';
import { isFile } from '../data/files/folders.ts';
import { portablePath } from '../data/files/portable-path.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { ComparisonRequest, ResultStore, StoredResult } from '../evaluation/comparison.ts';
import { type ResultCosts, unpackResults } from '../report/result-store.ts';
import { readShardFile } from '../run/compute.ts';
import { hashFile, type ListedFile } from '../run/files.ts';
import { sha256, type Work } from '../run/shard.ts';
import { type DriverOptions, driverOf } from './driver-options.ts';
import { type EvaluateParameters, evaluateFile, evaluateProgram } from './evaluate-shards.ts';
import type { EvaluationTexts } from './evaluation-text.ts';
import { filesOf } from './named-files.ts';
import type { RunOptions } from './options.ts';
import { type ShardSession, shardedRun } from './sharded-run.ts';

/** More compared inputs than this are computed in shards. */
const mostAlone = 24;

/** Shards of an evaluation at most, about: each input takes hundreds of passes. */
const mostShards = 200;

export type EvaluateOptions = EvaluationTexts & RunOptions & DriverOptions;

/** Whether a comparison is computed in shards. */
export const isMany = ({ inputs }: ComparisonRequest, { queue }: DriverOptions): boolean =>
  queue !== undefined || inputs.length > mostAlone;

/**
 * Computes the explanations of a comparison in shards, and gives a store that holds them all.
 * @param read Files that were read to plan it.
 */
export async function evaluateInShards(
  model: LoadedModel,
  {
    sources,
    request,
    tunedTo,
  }: { sources: readonly string[]; request: ComparisonRequest; tunedTo: number | undefined },
  read: ReadonlySet<string>,
  options: EvaluateOptions,
  session: ShardSession,
): Promise<{ readonly folder: string; readonly store: ResultStore }> {
  const files: ListedFile[] = [];
  for (const path of [...read].sort())
    if (await isFile(path)) files.push({ path, hash: await hashFile(path), shared: true });
  // What the files hold, by the paths that the command names them by: other content is another question.
  const data = JSON.stringify(files.map(({ path, hash }) => [portablePath(path, process.cwd()), hash]));
  const count = request.inputs.length;
  const work: Work = {
    program: 'evaluate',
    version: evaluateProgram.version,
    model: model.hash,
    data: sha256(data),
    parameters: parametersOf(options, sources, tunedTo),
    seed: options.seed,
    count,
    shardSize: Math.max(1, Math.ceil(count / mostShards)),
  };
  const driver = driverOf(options, session.say);
  const { folder, storage, finished } = await shardedRun({ work, data, files, driver, options }, session);
  const results = new Map<string, StoredResult>();
  for (const shard of finished.shards) {
    const bytes = await readShardFile(storage, shard, evaluateFile);
    const costs = shard.measured.more as ResultCosts;
    for (const [key, result] of unpackResults(bytes, costs, `shard ${shard.index}`)) results.set(key, result);
  }
  return {
    folder,
    store: { read: async (key) => results.get(key), write: async (key, result) => void results.set(key, result) },
  };
}

function parametersOf(
  options: EvaluateOptions,
  sources: readonly string[],
  tunedTo: number | undefined,
): EvaluateParameters {
  const { model, inputs, augment, target, reference, regions, alphaMin, truth, seed, memory } = options;
  const copy = (list: readonly string[] | undefined) => list && [...list];
  return {
    ...{ model, ...filesOf(options), sources: [...sources] },
    ...{ inputs, augment, target, reference, regions, alphaMin, truth },
    ...{ method: copy(options.method), metric: copy(options.metric), layer: copy(options.layer) },
    ...{ baseline: copy(options.baseline), set: [...options.set], seed, memory, tunedTo },
  };
}

/** Notes the files that are read, by their absolute paths. */
export const noteReads = (read: Set<string>) => (path: string) => void read.add(resolve(path));
