import { join } from 'node:path';
import { writeFolderAtomically } from '../data/files/files.ts';
import { packageVersion } from '../explain/version.ts';
import { contentHash } from '../tensor/content-hash.ts';

/** A run about provenance: its document, and the page of it. */
export interface ProvenanceRun {
  /** The command: `trace`, `trace verify`, `trace report`. */
  readonly what: string;
  /** As it could be typed again. */
  readonly command: string;
  /** Name of the document's file. */
  readonly file: string;
  readonly document: unknown;
  readonly page: string;
}

/**
 * Writes a run: a folder `<runs>/<id>` with `index.html`, the document and `run.json`; it takes its name when it is whole.
 * @returns the path of the folder
 * @throws WhereforeError `file-unwritable`
 */
export async function writeProvenance(
  runs: string,
  { what, command, file, document, page }: ProvenanceRun,
): Promise<string> {
  const started = new Date().toISOString();
  const text = `${JSON.stringify(document, undefined, 2)}\n`;
  const folder = join(runs, `${started.replace(/[:.]/g, '-')}-${contentHash([text]).slice(0, 6)}`);
  const versions = { wherefore: packageVersion };
  const record = { format: 'wherefore/run', version: 1, what, state: 'complete', started, command, versions };
  await writeFolderAtomically(folder, async (write) => {
    await write('index.html', page);
    await write(file, text);
    await write('run.json', `${JSON.stringify(record, undefined, 2)}\n`);
  });
  return folder;
}
