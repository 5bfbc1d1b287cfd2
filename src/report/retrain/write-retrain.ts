import { join } from 'node:path';
import { writeAtomically } from '../../data/files/files.ts';
import type { RetrainDocument } from '../../influence/retraining/retrain-document.ts';
import type { RowViews } from '../../page/audit/row-view.ts';
import { renderRetrainPage } from '../../page/retrain/page.ts';
import { completeRun } from '../../run/record.ts';

/** What a finished run of trainings was. */
export interface RetrainRun {
  readonly started: Date;
  readonly key: string;
  readonly cost: { readonly forward: number; readonly backward: number; readonly seconds: number };
}

/** Writes `retrain.json`, the page, and `run.json` last: state `complete`. @throws WhereforeError `file-unwritable` */
export async function finishRetrain(
  folder: string,
  document: RetrainDocument,
  views: RowViews,
  { started, key, cost }: RetrainRun,
): Promise<void> {
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 1)}\n`;
  await writeAtomically(join(folder, 'retrain.json'), json(document));
  await writeAtomically(join(folder, 'index.html'), await renderRetrainPage(document, views));
  await completeRun(folder, {
    ...{ what: 'retrain', started: started.toISOString(), command: document.command },
    ...{ key, items: document.trainings, cost },
  });
}
