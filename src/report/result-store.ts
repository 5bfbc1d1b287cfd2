import * as z from 'zod/mini';
import { checked } from '../checked.ts';
import { readSafetensors, writeSafetensors } from '../data/formats/safetensors.ts';
import { WhereforeError } from '../errors.ts';
import type { ResultStore, StoredResult } from '../evaluation/comparison.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';

/** What a shard's metadata holds beside the map. */
const record = z.object({
  scores: z.record(
    z.string(),
    z.object({
      score: z.number(),
      parts: z.optional(z.record(z.string(), z.number())),
      notes: z.optional(z.array(z.string())),
    }),
  ),
  failures: z.record(z.string(), z.string()),
  cost: z.object({ forward: z.number(), backward: z.number(), seconds: z.number() }),
  sum: z.optional(z.number()),
  profile: z.optional(
    z.object({ alphaMin: z.array(z.number()), literal: z.array(z.number()), tolerant: z.array(z.number()) }),
  ),
  absolute: z.boolean(),
  notes: z.array(z.string()),
});

/** Where files are kept by name: a folder, the parts of a shard. */
export interface KeptFiles {
  read(name: string): Promise<Uint8Array | undefined>;
  write(name: string, content: Uint8Array): Promise<void>;
}

/**
 * Keeps results of a comparison, one `.safetensors` file each: the map, and scores and costs in the metadata. Files
 * appear whole or not at all, so that a process may be killed at any time.
 */
export function createResultStore(files: KeptFiles): ResultStore {
  const nameOf = (key: string) => `${key}.safetensors`;
  return {
    async read(key) {
      const name = nameOf(key);
      const bytes = await files.read(name);
      if (!bytes) return undefined;
      const { tensors, metadata } = readSafetensors(bytes, name);
      const map = tensors.get('map');
      const parsed = checked(record, parseJson(metadata.result ?? '', name));
      if (map?.type === 'float32' && parsed.success)
        return { ...(parsed.data as Omit<StoredResult, 'map'>), map: map.data as Float32Array };
      throw damaged(name, parsed.success ? 'no map' : z.prettifyError(parsed.error));
    },
    write: (key, { map, ...result }) =>
      files.write(
        nameOf(key),
        writeSafetensors({ map: float32([map.length], map) }, { result: JSON.stringify(result) }),
      ),
  };
}

/** What results cost, by their keys: measured, and so kept beside what is the same every time. */
export type ResultCosts = Readonly<Record<string, StoredResult['cost']>>;

/** Results in one file, without what they cost; the same bytes for the same results, in whatever order they came. */
export function packResults(results: ReadonlyMap<string, StoredResult>): Uint8Array {
  const maps = new Map<string, Tensor>();
  const told: Record<string, object> = {};
  for (const key of [...results.keys()].sort()) {
    const { map, cost: _, ...result } = results.get(key) as StoredResult;
    maps.set(key, float32([map.length], map));
    told[key] = result;
  }
  return writeSafetensors(maps, { results: JSON.stringify(told) });
}

/** Reads packed results. @throws WhereforeError `invalid-data` */
export function unpackResults(bytes: Uint8Array, costs: ResultCosts, where: string): Map<string, StoredResult> {
  const { tensors, metadata } = readSafetensors(bytes, where);
  const told = parseJson(metadata.results ?? '', where) as Record<string, object>;
  const results = new Map<string, StoredResult>();
  for (const [key, result] of Object.entries(told)) {
    const map = tensors.get(key);
    const parsed = checked(record, { ...result, cost: costs[key] });
    if (map?.type !== 'float32' || !parsed.success) throw damaged(where, map ? 'no result' : 'no map');
    results.set(key, { ...(parsed.data as Omit<StoredResult, 'map'>), map: map.data as Float32Array });
  }
  return results;
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged(path, `metadata ${text.slice(0, 40)}`);
  }
}

function damaged(where: string, got: string): WhereforeError {
  return new WhereforeError('invalid-data', 'a kept result is damaged', {
    where,
    got,
    fix: 'remove the file: it is computed again',
  });
}
