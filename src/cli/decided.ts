import type { OpenedDataset } from '../data/datasets/open-dataset.ts';
import { readText } from '../data/files/read-file.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { decidedDataset } from '../influence/decided-dataset.ts';
import { parseDecisions } from '../influence/decisions.ts';
import type { RowViews } from '../page/audit/row-view.ts';
import { viewsOf } from '../report/audit/row-views.ts';
import { mapped } from '../tensor/filled.ts';

/** Rows as a review left them, and how they are shown. */
export interface DecidedRowsOfFile {
  readonly data: Dataset;
  readonly views: RowViews;
  /** Rows that a decision stands about, by their positions in `data`. */
  readonly settled?: Uint8Array;
  readonly notes: readonly string[];
}

/** Applies a file of decisions, where one is named. @throws WhereforeError as `parseDecisions` and `applyDecisions` */
export async function openDecided(
  opened: OpenedDataset,
  path: string | undefined,
  modelClasses?: readonly string[],
): Promise<DecidedRowsOfFile> {
  const views = viewsOf(opened);
  if (path === undefined) return { data: opened, views, notes: opened.notes };
  const made = parseDecisions(await readText(path, 'document'), path);
  const { dataset, positions, decided, note } = await decidedDataset(opened, made, { where: path, modelClasses });
  return {
    data: dataset,
    views: (rows) => views(rows.map((row) => positions[row])),
    settled: mapped(Uint8Array, positions, (row) => decided.settled[row]),
    notes: [...opened.notes, note],
  };
}
