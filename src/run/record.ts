import { join } from 'node:path';
import * as z from 'zod/mini';
import { writeAtomically } from '../data/files/files.ts';
import { readTextIfPresent } from '../data/files/read-file.ts';
import type { ShardCost } from './shard.ts';

/** What `run.json` of a run in shards says while it is unfinished: enough to go on with it. */
const unfinished = z.object({
  format: z.literal('wherefore/run'),
  version: z.literal(1),
  what: z.string(),
  state: z.literal('unfinished'),
  started: z.string(),
  command: z.string(),
  /** The words of the command and the folder it was given in. They go when the run is finished. */
  words: z.array(z.string()),
  folder: z.string(),
  /** Where its shards lie until it is finished. */
  storage: z.string(),
  key: z.string(),
  items: z.number(),
  shards: z.number(),
});

export type UnfinishedRun = z.infer<typeof unfinished>;

/** What every `run.json` says. */
const anyRun = z.looseObject({
  format: z.literal('wherefore/run'),
  what: z.string(),
  state: z.string(),
  started: z.optional(z.string()),
  command: z.optional(z.string()),
  key: z.optional(z.string()),
  items: z.optional(z.number()),
  shards: z.optional(z.number()),
});

export type AnyRun = z.infer<typeof anyRun>;

const recordPath = (folder: string): string => join(folder, 'run.json');

/** Writes that a run has begun, unless its folder says so already. */
export async function beginRun(
  folder: string,
  run: Omit<UnfinishedRun, 'format' | 'version' | 'state'>,
): Promise<void> {
  if ((await readRun(folder)) !== undefined) return;
  const record: UnfinishedRun = { format: 'wherefore/run', version: 1, ...run, state: 'unfinished' };
  await writeAtomically(recordPath(folder), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** Writes that a run is whole: what it was and what it cost. */
export async function completeRun(
  folder: string,
  run: { readonly what: string; readonly started: string; readonly command?: string; readonly key: string } & {
    readonly items: number;
    readonly cost: ShardCost;
  },
): Promise<void> {
  const record = { format: 'wherefore/run', version: 1, ...run, state: 'complete' };
  await writeAtomically(recordPath(folder), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** The record of a run; undefined where the folder holds none that can be read. */
export async function readRun(folder: string): Promise<AnyRun | undefined> {
  return parsed(anyRun, await readTextIfPresent(recordPath(folder), 'document'));
}

/** The record of a run that can be gone on with; undefined for another one. */
export async function readUnfinished(folder: string): Promise<UnfinishedRun | undefined> {
  return parsed(unfinished, await readTextIfPresent(recordPath(folder), 'document'));
}

function parsed<T>(schema: z.core.$ZodType<T>, text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    return z.parse(schema, JSON.parse(text));
  } catch {
    return undefined;
  }
}
