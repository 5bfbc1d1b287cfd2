import { join } from 'node:path';
import { writeFolderAtomically } from '../../data/files/files.ts';
import type { InfluenceDocument } from '../../influence/influence-document.ts';
import type { RowViews } from '../../page/audit/row-view.ts';
import { renderInfluencePage } from '../../page/influence/page.ts';
import { renderPlainPage } from '../../page/influence/plain-page.ts';
import type { RowDocument } from '../../page/influence/plain-words.ts';
import type { RowMaps } from '../../page/influence/row-map.ts';
import { mapMethod } from './row-maps.ts';

/** Writes `influence.json` and the page, `index.html`, into a new folder; `plain`: the page is one for the person whom it is about. @throws WhereforeError `file-unwritable` */
export async function writeInfluence(
  folder: string,
  document: InfluenceDocument,
  views: {
    readonly rows: RowViews;
    readonly query: RowViews;
    readonly maps?: RowMaps;
    readonly plain?: boolean;
  },
): Promise<void> {
  const page = await (views.plain
    ? renderPlainPage(document as RowDocument, views)
    : renderInfluencePage(document, { ...views, mapMethod }));
  await writeFolderAtomically(folder, async (write) => {
    await write('influence.json', `${JSON.stringify(document, undefined, 1)}\n`);
    await write('index.html', page);
  });
}

/** The name of a run's folder: sorts by time. */
export function influenceFolder(runs: string, started: Date, query: string): string {
  const time = started.toISOString().slice(0, 19).replace(/[:T]/g, '-');
  return join(runs, `${time}-influence-${query.replace(/[^\w.-]+/g, '-').slice(0, 40)}`);
}
