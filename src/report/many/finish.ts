import { join } from 'node:path';
import { writeAtomically } from '../../data/files/files.ts';
import { packageVersion } from '../../explain/version.ts';
import { readShardFile } from '../../run/compute.ts';
import { readRows } from '../../run/rows.ts';
import type { FinishedShards } from '../../run/run.ts';
import type { RunStorage } from '../../run/storage.ts';
import { type Overview, overviewOf } from './overview.ts';
import { renderMany } from './page.ts';
import type { ResultRow } from './result-row.ts';

/** What a finished run of many explanations was. */
export interface ManyInfo {
  readonly started: Date;
  readonly command: string;
  readonly key: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly model: { readonly name: string; readonly path?: string; readonly hash: string };
  /** Names of the files of a shard. */
  readonly files: { readonly rows: string; readonly sheet: string };
  readonly leftOut: readonly string[];
  /** The command that explains one input in detail; `INPUT` stands for it. */
  readonly detail: string;
}

/**
 * Writes the page of a run whose shards lie in a folder, and `run.json` last: state `complete`.
 * @throws WhereforeError `invalid-data` for a shard that is damaged
 */
export async function finishMany(
  folder: string,
  storage: RunStorage,
  { shards, cost }: FinishedShards,
  info: ManyInfo,
): Promise<Overview> {
  const rows: { readonly row: ResultRow; readonly shard: number }[] = [];
  for (const shard of shards) {
    const bytes = await readShardFile(storage, shard, info.files.rows);
    for (const row of await readRows(bytes, `shard ${shard.index}`))
      rows.push({ row: row as ResultRow, shard: shard.index });
  }
  const overview = overviewOf(rows.map(({ row }) => row));
  const page = renderMany(rows, overview, { ...info, wherefore: packageVersion, cost });
  await writeAtomically(join(folder, 'index.html'), page);
  const record = {
    format: 'wherefore/run',
    version: 1,
    what: 'explain',
    state: 'complete',
    started: info.started.toISOString(),
    command: info.command,
    key: info.key,
    versions: info.versions,
    models: [info.model],
    items: overview.inputs,
    shards: shards.length,
    explanations: overview.explanations,
    failed: overview.failed,
    leftOut: info.leftOut.length > 0 ? info.leftOut : undefined,
    cost,
  };
  await writeAtomically(join(folder, 'run.json'), `${JSON.stringify(record, undefined, 2)}\n`);
  return overview;
}
