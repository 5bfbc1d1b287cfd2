import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { openDataset } from '../data/datasets/open-dataset.ts';
import { isFile, isFolder } from '../data/files/folders.ts';
import { readText } from '../data/files/read-file.ts';
import { WhereforeError } from '../errors.ts';
import { renderVerbatimPage } from '../page/provenance/verbatim-page.ts';
import { indexTexts, openTextIndex, removeTexts } from '../provenance/text/text-index.ts';
import { type VerbatimSpan, verbatimSpans } from '../provenance/text/verbatim.ts';
import { writeTrace } from '../report/write-trace.ts';
import { interruptible } from './failure.ts';
import { commandLine, wholeNumber } from './options.ts';
import { checkWritable } from './out-folder.ts';
import { formatDuration, showProgress } from './progress.ts';
import { formatTable } from './table-text.ts';
import { print, printJson, tell, visibleAll } from './terminal.ts';

interface TraceOptions {
  readonly index?: string;
  readonly minWords: number;
  readonly memory: number;
  readonly out: string;
  readonly json?: boolean;
}

interface IndexOptions {
  readonly out?: string;
  readonly text?: string;
  readonly id?: string;
  readonly remove?: string[];
}

export function defineTrace(program: Command): void {
  const trace = program
    .command('trace')
    .enablePositionalOptions()
    .description('find where a passage stands in a corpus, to the letter')
    .argument('<passage>', 'a text file, or the passage itself in quotation marks')
    .option('--index <folder>', 'the index of the corpus, which `wherefore trace index` makes')
    .option('--min-words <count>', 'words that a span has at least', wholeNumber, 5)
    .option('--memory <megabytes>', 'what of the index is kept in memory', wholeNumber, 1024)
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print JSON for scripts');
  trace.action((passage: string, options: TraceOptions) =>
    interruptible((signal) => run(passage, options, commandLine(trace), signal)),
  );
  const index = trace
    .command('index')
    .description('index the texts of a data set; texts that are there already are not touched')
    .argument(
      '[data]',
      'a folder of texts, a text file with a document on each line, or a table with a column of texts',
    )
    .option('--out <folder>', 'the index, made where there is none')
    .option('--text <column>', 'the column of a table that holds the texts')
    .option('--id <column>', 'the column of a table that names its rows')
    .option('--remove <id...>', 'take documents out of the index');
  index.action((data: string | undefined, options: IndexOptions) =>
    interruptible((signal) => makeIndex(data, options, signal)),
  );
}

async function run(words: string, options: TraceOptions, command: string, signal: AbortSignal): Promise<void> {
  const passage = await passageOf(words);
  if (options.index === undefined) {
    throw new WhereforeError('invalid-argument', 'nothing says which corpus to search', {
      fix: 'make an index with `wherefore trace index data --out index`, and add --index index',
    });
  }
  await checkWritable(options.out);
  const index = await openTextIndex(options.index, { memory: options.memory * 2 ** 20 });
  const settings = { minWords: options.minWords, maxLogExpected: -2 };
  const spans = await verbatimSpans(index, passage, { ...settings, signal });
  const { documents, words: total, bytes } = index;
  const corpus = { name: basename(options.index), documents, words: total, bytes };
  const page = renderVerbatimPage({ passage, spans, corpus, ...settings, command });
  const result = { passage, corpus, ...settings, spans };
  const folder = await writeTrace(options.out, { ...result, command, page });
  if (options.json) printJson({ folder, ...result });
  else {
    print(describe(visibleAll(spans), documents));
    print(`\npage: ${join(folder, 'index.html')}`);
  }
}

/** A file's text, or the words themselves. */
async function passageOf(words: string): Promise<string> {
  const passage = (await isFile(words)) ? await readText(words, 'text') : words;
  if (passage === words && !/\s/.test(words.trim())) {
    throw new WhereforeError('file-not-found', 'there is no such file', {
      where: words,
      fix: 'check the path, or give the passage itself in quotation marks',
    });
  }
  return passage.replace(/\r\n/g, '\n').trim();
}

function describe(spans: readonly VerbatimSpan[], documents: number): string {
  if (spans.length === 0)
    return `no span of it stands to the letter in the ${documents.toLocaleString('en')} documents`;
  const shortened = (text: string) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);
  return formatTable([
    ['words', 'times', 'by chance', 'first in', 'span'],
    ...spans.map(({ text, words, count, logExpected, sources }) => [
      String(words[1] - words[0]),
      count.toLocaleString('en'),
      `1e${Math.round(logExpected)}`,
      shortened(sources[0].place),
      shortened(text.replace(/\s+/g, ' ')),
    ]),
  ]);
}

async function makeIndex(data: string | undefined, options: IndexOptions, signal: AbortSignal): Promise<void> {
  if (data === undefined && !options.remove) {
    throw new WhereforeError('invalid-argument', 'nothing to index', {
      fix: 'name the data: wherefore trace index texts/ --out index',
    });
  }
  const { out } = options;
  if (out === undefined)
    throw new WhereforeError('invalid-argument', 'nothing says where the index lies', { fix: 'add --out index' });
  if (options.remove) await removeTexts(out, options.remove);
  if (data === undefined) {
    print(`removed ${options.remove?.length} documents`);
    return;
  }
  if (!(await isFolder(data)) && !(await isFile(data))) {
    throw new WhereforeError('file-not-found', 'there is no such file or folder', {
      where: data,
      fix: 'check the path',
    });
  }
  await checkWritable(out);
  const progress = showProgress(process.stderr);
  const began = performance.now();
  const dataset = await openDataset(data, { kind: 'text', text: options.text, id: options.id });
  for (const note of dataset.notes) tell(note);
  const { added, replaced, kept, sortedBytes } = await indexTexts(out, dataset, {
    signal,
    onProgress: (done, total) => progress.update(done / total, () => `${done} of ${total} documents`),
  });
  progress.clear();
  const { documents, bytes, words } = await openTextIndex(out);
  const seconds = (performance.now() - began) / 1000;
  print(
    `${added} documents added, ${replaced} replaced, ${kept} there already; ${(sortedBytes / 2 ** 20).toFixed(1)} MiB sorted in ${formatDuration(seconds)}\n` +
      `the index holds ${documents.toLocaleString('en')} documents, ${words.toLocaleString('en')} words, ${(bytes / 2 ** 20).toFixed(1)} MiB of text`,
  );
  print(`next: wherefore trace passage.txt --index ${out}`);
}
