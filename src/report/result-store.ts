import { join } from 'node:path';
import * as z from 'zod';
import { writeAtomically } from '../data/files/files.ts';
import { readBytesIfPresent } from '../data/files/read-file.ts';
import { readSafetensors, writeSafetensors } from '../data/formats/safetensors.ts';
import { WhereforeError } from '../errors.ts';
import type { ResultStore, StoredResult } from '../evaluation/comparison.ts';
import { float32 } from '../tensor/tensor.ts';

/** What a shard's metadata holds beside the map. */
const record = z.object({
  scores: z.record(
    z.string(),
    z.object({
      score: z.number(),
      parts: z.record(z.string(), z.number()).optional(),
      notes: z.array(z.string()).optional(),
    }),
  ),
  failures: z.record(z.string(), z.string()),
  cost: z.object({ forward: z.number(), backward: z.number(), seconds: z.number() }),
  sum: z.number().optional(),
  profile: z
    .object({ alphaMin: z.array(z.number()), literal: z.array(z.number()), tolerant: z.array(z.number()) })
    .optional(),
  absolute: z.boolean(),
  notes: z.array(z.string()),
});

/**
 * Keeps results of a comparison as shards of a folder, one `.safetensors` file each: the map, and scores and costs in
 * the metadata. A file takes its name only when it is whole, so that a process may be killed at any time.
 */
export function createResultStore(folder: string): ResultStore {
  const pathOf = (key: string) => join(folder, `${key}.safetensors`);
  return {
    async read(key) {
      const path = pathOf(key);
      const bytes = await readBytesIfPresent(path, 'tensors');
      if (!bytes) return undefined;
      const { tensors, metadata } = readSafetensors(bytes, path);
      const map = tensors.get('map');
      const parsed = record.safeParse(parseJson(metadata.result ?? '', path));
      if (map?.type === 'float32' && parsed.success)
        return { ...(parsed.data as Omit<StoredResult, 'map'>), map: map.data as Float32Array };
      throw damaged(path, parsed.success ? 'no map' : z.prettifyError(parsed.error));
    },
    async write(key, { map, ...result }) {
      await writeAtomically(
        pathOf(key),
        writeSafetensors({ map: float32([map.length], map) }, { result: JSON.stringify(result) }),
      );
    },
  };
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
