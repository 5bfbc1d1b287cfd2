import { join } from 'node:path';
import { writeFolderAtomically } from '../../data/files/files.ts';
import { packageVersion } from '../../explain/version.ts';
import { contentHash } from '../../tensor/content-hash.ts';

/** What a question about a language model leaves behind. */
export interface LanguageRun {
  /** Which question: the name of its command. */
  readonly what: string;
  readonly model: { readonly name: string; readonly hash: string };
  readonly command: string;
  /** The document, as it is written. */
  readonly document: object;
  /** The page, as it is written. */
  readonly page: string;
}

/**
 * Writes a run: a folder `<runs>/<id>` with `index.html`, `document.json` and `run.json`; it takes its name when it is
 * whole.
 * @returns the path of the folder
 * @throws WhereforeError `file-unwritable`
 */
export async function writeLanguageRun(
  runs: string,
  { what, model, command, document, page }: LanguageRun,
): Promise<string> {
  const started = new Date().toISOString();
  const text = `${JSON.stringify(document, undefined, 2)}\n`;
  const folder = join(runs, `${started.replace(/[:.]/g, '-')}-${contentHash([text]).slice(0, 6)}`);
  const versions = { wherefore: packageVersion };
  const record = { format: 'wherefore/run', version: 1, what, state: 'complete', started, command, versions, model };
  await writeFolderAtomically(folder, async (write) => {
    await write('index.html', page);
    await write('document.json', text);
    await write('run.json', `${JSON.stringify(record, undefined, 2)}\n`);
  });
  return folder;
}
