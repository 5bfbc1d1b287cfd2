import { join } from 'node:path';
import { writeFolderAtomically } from '../data/files/files.ts';
import { packageVersion } from '../explain/version.ts';
import { contentHash } from '../tensor/content-hash.ts';

/** What a run about a language model leaves. */
export interface LanguageRun {
  /** The kind of run: `judge`, `say`. */
  readonly what: string;
  /** The name of the document, without `.json`. */
  readonly name: string;
  readonly document: object;
  readonly page: string;
  readonly command: string;
}

/**
 * Writes a run about a language model: a folder `<runs>/<id>` with `index.html`, the document and `run.json`; it takes its
 * name when it is whole.
 * @returns the path of the folder
 * @throws WhereforeError `file-unwritable`
 */
export async function writeLanguageRun(runs: string, run: LanguageRun): Promise<string> {
  const started = new Date();
  const text = `${JSON.stringify(run.document, undefined, 2)}\n`;
  const folder = join(runs, `${started.toISOString().replace(/[:.]/g, '-')}-${contentHash([text]).slice(0, 6)}`);
  const record = {
    format: 'wherefore/run',
    version: 1,
    what: run.what,
    state: 'complete',
    started: started.toISOString(),
    command: run.command,
    versions: { wherefore: packageVersion },
  };
  await writeFolderAtomically(folder, async (write) => {
    await write('index.html', run.page);
    await write(`${run.name}.json`, text);
    await write('run.json', `${JSON.stringify(record, undefined, 2)}\n`);
  });
  return folder;
}
