import { join } from 'node:path';
import { writeFolderAtomically } from '../../data/files/files.ts';
import type { AuditDocument } from '../../influence/audit/document.ts';
import { renderAuditPage } from '../../page/audit/page.ts';
import { pageData } from '../../page/audit/page-rows.ts';
import type { RowViews } from '../../page/audit/row-view.ts';

/** Writes `audit.json` and the review, `index.html`, into a new folder. @throws WhereforeError `file-unwritable` */
export async function writeAudit(folder: string, document: AuditDocument, views: RowViews): Promise<void> {
  const page = renderAuditPage(document, await pageData(document, views));
  await writeFolderAtomically(folder, async (write) => {
    await write('audit.json', `${JSON.stringify(document, undefined, 1)}\n`);
    await write('index.html', page);
  });
}

/** The name of an audit's folder: sorts by time. */
export function auditFolder(runs: string, started: Date, data: string): string {
  const time = started.toISOString().slice(0, 19).replace(/[:T]/g, '-');
  return join(runs, `${time}-audit-${data.replace(/[^\w.-]+/g, '-').slice(0, 40)}`);
}
