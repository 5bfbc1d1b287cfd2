import { join } from 'node:path';
import { writeFolderAtomically } from '../data/files/files.ts';
import { packageVersion } from '../explain/version.ts';
import type { VerificationPage } from '../page/provenance/verification-page.ts';
import type { DoneTraining } from '../provenance/verify/verification.ts';
import { contentHash } from '../tensor/content-hash.ts';

/**
 * Writes a run of a verification: `index.html`, `verification.json` with the costs of every training, `run.json`.
 * @returns the path of the folder
 * @throws WhereforeError `file-unwritable`
 */
export async function writeVerification(
  runs: string,
  told: VerificationPage & { readonly trainings: readonly DoneTraining[] },
  page: string,
): Promise<string> {
  const started = new Date().toISOString();
  const text = `${JSON.stringify(told, undefined, 2)}\n`;
  const folder = join(runs, `${started.replace(/[:.]/g, '-')}-${contentHash([text]).slice(0, 6)}`);
  const record = {
    format: 'wherefore/run',
    version: 1,
    what: 'trace verify',
    state: 'complete',
    started,
    command: told.command,
    versions: { wherefore: packageVersion },
  };
  await writeFolderAtomically(folder, async (write) => {
    await write('index.html', page);
    await write('verification.json', text);
    await write('run.json', `${JSON.stringify(record, undefined, 2)}\n`);
  });
  return folder;
}
