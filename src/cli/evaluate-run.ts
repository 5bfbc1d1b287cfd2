import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { isFile } from '../data/files/folders.ts';
import { portablePath } from '../data/files/portable-path.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { ComparisonRequest, StoredResult } from '../evaluation/comparison.ts';
import type { ComputedAhead } from '../explain/evaluation/evaluate.ts';
import { unpackResults } from '../report/result-store.ts';
import { readShardFile } from '../run/compute.ts';
import { type Driver, inProcess } from '../run/driver.ts';
import { hashFile, type ListedFile } from '../run/files.ts';
import { type ShardProgram, sha256, type Work } from '../run/shard.ts';
import { fileCache } from '../run/worker.ts';
import { type DriverOptions, driverOf } from './driver-options.ts';
import {
  type EvaluateMeasured,
  type EvaluateParameters,
  evaluateFile,
  evaluateProgram,
  openComparison,
} from './evaluate-shards.ts';
import type { EvaluationTexts } from './evaluation-text.ts';
import { filesOf } from './named-files.ts';
import type { RunOptions } from './options.ts';
import { type ShardSession, shardedRun } from './sharded-run.ts';

/** More compared inputs than this are computed by several processes; for fewer these take longer to start. */
const mostHere = 24;

/** Shards of an evaluation at most, about: each input takes hundreds of passes. */
const mostShards = 200;

export type EvaluateOptions = EvaluationTexts & RunOptions & DriverOptions;

/** What the comparison of an evaluation is made from. */
export interface AskedComparison {
  readonly sources: readonly string[];
  readonly request: ComparisonRequest;
  readonly tunedTo: number | undefined;
  /** Files that were read to plan it. */
  readonly read: ReadonlySet<string>;
}

/** Computes the explanations of a comparison in shards, one for each input or for several; the same command goes on. */
export async function evaluateInShards(
  model: LoadedModel,
  asked: AskedComparison,
  options: EvaluateOptions,
  session: ShardSession,
): Promise<ComputedAhead & { readonly folder: string }> {
  const { request } = asked;
  const files: ListedFile[] = [];
  for (const path of [...asked.read].sort())
    if (await isFile(path)) files.push({ path, hash: await hashFile(path), shared: true });
  // What the files hold, by the paths that the command names them by: other content is another question.
  const data = JSON.stringify(files.map(({ path, hash }) => [portablePath(path, process.cwd()), hash]));
  const count = request.inputs.length;
  const isHere = options.queue === undefined && count <= mostHere;
  const work: Work = {
    program: 'evaluate',
    version: evaluateProgram.version,
    model: model.hash,
    data: sha256(data),
    parameters: parametersOf(options, asked, isHere),
    seed: options.seed,
    count,
    shardSize: Math.max(1, Math.ceil(count / mostShards)),
  };
  const driver = isHere ? here(model, request) : driverOf(options, session.say);
  // In this process the request itself tells how far it has come, to the single pass.
  const shown = isHere ? { ...session, progress: { ...session.progress, update: () => undefined } } : session;
  const { folder, storage, finished, found } = await shardedRun({ work, data, files, driver, options }, shown);
  const results = new Map<string, StoredResult>();
  let reused = 0;
  for (const shard of finished.shards) {
    const bytes = await readShardFile(storage, shard, evaluateFile);
    const measured = shard.measured.more as unknown as EvaluateMeasured;
    const unpacked = unpackResults(bytes, measured.costs, `shard ${shard.index}`);
    for (const [key, result] of unpacked) results.set(key, result);
    reused += found.has(shard.index) ? unpacked.size : measured.reused;
  }
  const store = {
    read: async (key: string) => results.get(key),
    write: async (key: string, result: StoredResult) => void results.set(key, result),
  };
  return { folder, store, cost: { ...finished.cost, reused } };
}

/** Computes in this process, with the model that is open. */
function here(model: LoadedModel, request: ComparisonRequest): Driver {
  const program: ShardProgram = {
    version: evaluateProgram.version,
    open: async () => ({ ...openComparison(model, request), close: async () => undefined }),
  };
  return inProcess({ programs: { evaluate: { load: async () => program } }, cache: fileCache });
}

function parametersOf(
  options: EvaluateOptions,
  { sources, tunedTo }: AskedComparison,
  isHere: boolean,
): EvaluateParameters {
  const { model, inputs, augment, target, reference, regions, alphaMin, truth, seed, memory } = options;
  const copy = (list: readonly string[] | undefined) => list && [...list];
  return {
    ...{ model, ...filesOf(options), sources: [...sources] },
    ...{ inputs, augment, target, reference, regions, alphaMin, truth },
    ...{ method: copy(options.method), metric: copy(options.metric), layer: copy(options.layer) },
    ...{ baseline: copy(options.baseline), set: [...options.set], seed, memory, tunedTo },
    // Sums of several threads may round differently; processes of the pool have one.
    threads: isHere ? (options.threads ?? availableParallelism()) : undefined,
  };
}

/** Notes the files that are read, by their absolute paths. */
export const noteReads = (read: Set<string>) => (path: string) => void read.add(resolve(path));
