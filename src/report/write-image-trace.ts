import { join } from 'node:path';
import { writeFolderAtomically } from '../data/files/files.ts';
import { packageVersion } from '../explain/version.ts';
import type { ImageTracePage } from '../page/provenance/image-trace-page.ts';
import { statementsOf } from '../provenance/image/trace-document.ts';
import { contentHash } from '../tensor/content-hash.ts';

/**
 * Writes a run of a trace of an image: `index.html`, `trace.json`, `run.json`.
 * @returns the path of the folder
 * @throws WhereforeError `file-unwritable`
 */
export async function writeImageTrace(runs: string, told: ImageTracePage, page: string): Promise<string> {
  const { name, hashes, prompt, index, trace, calibration, command } = told;
  const started = new Date().toISOString();
  const result = { item: { name, ...hashes }, prompt, index, statements: statementsOf(trace), ...trace, calibration };
  const text = `${JSON.stringify(result, undefined, 2)}\n`;
  const folder = join(runs, `${started.replace(/[:.]/g, '-')}-${contentHash([text]).slice(0, 6)}`);
  const record = {
    format: 'wherefore/run',
    version: 1,
    what: 'trace',
    state: 'complete',
    started,
    command,
    versions: { wherefore: packageVersion },
    index,
  };
  await writeFolderAtomically(folder, async (write) => {
    await write('index.html', page);
    await write('trace.json', text);
    await write('run.json', `${JSON.stringify(record, undefined, 2)}\n`);
  });
  return folder;
}
