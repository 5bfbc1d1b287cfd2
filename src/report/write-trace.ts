import { join } from 'node:path';
import { writeFolderAtomically } from '../data/files/files.ts';
import { packageVersion } from '../explain/version.ts';
import type { TracedSentence } from '../provenance/text/paraphrases.ts';
import type { VerbatimSpan } from '../provenance/text/verbatim.ts';
import { contentHash } from '../tensor/content-hash.ts';

export interface TraceResult {
  readonly passage: string;
  readonly corpus: {
    readonly name: string;
    readonly documents: number;
    readonly words: number;
    readonly bytes: number;
  };
  readonly minWords: number;
  readonly maxLogExpected: number;
  readonly spans: readonly VerbatimSpan[];
  /** Sentences of the passage with the nearest of the corpus; absent for an index without vectors. */
  readonly sentences?: readonly TracedSentence[];
  readonly support?: number;
  readonly command: string;
  /** The page, as it is written. */
  readonly page: string;
}

/**
 * Writes a run of a trace: a folder `<runs>/<id>` with `index.html`, `spans.json` and `run.json`; it takes its name when it
 * is whole.
 * @returns the path of the folder
 * @throws WhereforeError `file-unwritable`
 */
export async function writeTrace(runs: string, { page, command, ...result }: TraceResult): Promise<string> {
  const started = new Date();
  const spans = `${JSON.stringify(result, undefined, 2)}\n`;
  const folder = join(runs, `${started.toISOString().replace(/[:.]/g, '-')}-${contentHash([spans]).slice(0, 6)}`);
  const record = {
    format: 'wherefore/run',
    version: 1,
    what: 'trace',
    state: 'complete',
    started: started.toISOString(),
    command,
    versions: { wherefore: packageVersion },
    corpus: result.corpus,
  };
  await writeFolderAtomically(folder, async (write) => {
    await write('index.html', page);
    await write('spans.json', spans);
    await write('run.json', `${JSON.stringify(record, undefined, 2)}\n`);
  });
  return folder;
}
