import { join } from 'node:path';
import { type LanguageRun, writeLanguageRun } from '../../report/write-language.ts';
import { print, printJson } from '../terminal.ts';

/**
 * Writes a run about a language model and prints it: as JSON, or in words with what was used of an endpoint, and where the
 * page lies.
 */
export async function leaveRun(
  { out, json }: { readonly out: string; readonly json?: boolean },
  run: LanguageRun,
  words: () => string,
  used?: string,
): Promise<void> {
  const folder = await writeLanguageRun(out, run);
  if (json) return printJson({ folder, ...run.document });
  print(words());
  print(`\n${used === undefined ? '' : `${used}\n`}page: ${join(folder, 'index.html')}`);
}
