import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The hash of every file of a run's shards, without what is measured: that may differ from time to time. */
export function runBits(folder: string): Record<string, string> {
  const names = readdirSync(join(folder, 'shards')).sort();
  return Object.fromEntries(
    names.map((name) => {
      const text = readFileSync(join(folder, 'shards', name), 'latin1');
      const bits = name.endsWith('.json') ? text.replace(/"measured":.*\}$/m, '') : text;
      return [name, createHash('sha256').update(bits).digest('hex')];
    }),
  );
}

/** Names of all files of a folder, those of its folders among them. */
export const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
