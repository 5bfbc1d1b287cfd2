import { basename, join } from 'node:path';
import { openDataset } from '../data/datasets/open-dataset.ts';
import { isFile } from '../data/files/folders.ts';
import { readText } from '../data/files/read-file.ts';
import { WhereforeError } from '../errors.ts';
import { renderVerbatimPage } from '../page/provenance/verbatim-page.ts';
import { embedTexts, openEmbeddedIndex } from '../provenance/text/embedded-index.ts';
import { nearestSentences, type TracedSentence } from '../provenance/text/paraphrases.ts';
import { openSentenceEncoder, type SentenceEncoder } from '../provenance/text/sentence-encoder.ts';
import { readSentenceEncoder } from '../provenance/text/sentence-vectors.ts';
import { sentencesOf } from '../provenance/text/sentences.ts';
import { indexTexts, openTextIndex } from '../provenance/text/text-index.ts';
import { type VerbatimSpan, verbatimSpans } from '../provenance/text/verbatim.ts';
import { writeTrace } from '../report/write-trace.ts';
import { encodersAsked } from './encoders-asked.ts';
import { formatDuration } from './progress.ts';
import type { ShardSession } from './sharded-run.ts';
import { formatTable } from './table-text.ts';
import { print, printJson, visibleAll } from './terminal.ts';

export interface TraceTextCommand {
  readonly index?: string;
  readonly encoder?: readonly string[];
  readonly minWords: number;
  readonly memory: number;
  readonly most: number;
  /** Share of pairs of sentences of the corpus that are less alike, from which a sentence is listed. */
  readonly support: number;
  readonly out: string;
  readonly json?: boolean;
  readonly command: string;
  readonly signal: AbortSignal;
}

/** Traces a passage in an index of texts: prints spans and sentences of one meaning, and leaves a page. */
export async function traceText(words: string, options: TraceTextCommand): Promise<void> {
  const { signal, command } = options;
  if (options.index === undefined) {
    throw new WhereforeError('invalid-argument', 'nothing says which data to search', {
      fix: 'make an index with `wherefore trace index data --out index`, and add --index index',
    });
  }
  // First of all the index: what is no index would else be told of the passage.
  const index = await openTextIndex(options.index, { memory: options.memory * 2 ** 20 });
  const passage = await passageOf(words);
  const { support } = options;
  if (!(support >= 0 && support < 1))
    throw new WhereforeError('out-of-range', '--support is no share', {
      got: String(support),
      expected: 'a number from 0 up to, but not, 1',
    });
  const settings = { minWords: options.minWords, maxLogExpected: -2 };
  const spans = await verbatimSpans(index, passage, { ...settings, signal });
  const sentences = await tracedSentences(passage, options.index, options);
  const { documents, words: total, bytes } = index;
  const corpus = { name: basename(options.index), documents, words: total, bytes };
  const page = renderVerbatimPage({ passage, spans, sentences, support, corpus, ...settings, command });
  const result = { passage, corpus, ...settings, spans, ...(sentences && { sentences, support }) };
  const folder = await writeTrace(options.out, { ...result, command, page });
  if (options.json) printJson({ folder, ...result });
  else {
    print(describeSpans(visibleAll(spans), documents));
    if (sentences) print(`\n${describeSentences(visibleAll(sentences), options.support)}`);
    print(`\npage: ${join(folder, 'index.html')}`);
  }
}

/** The nearest sentences of the corpus; undefined for an index without vectors. */
async function tracedSentences(
  passage: string,
  folder: string,
  { encoder: files, memory, most, support, signal }: TraceTextCommand,
): Promise<readonly TracedSentence[] | undefined> {
  const index = await openEmbeddedIndex(folder, { memory: memory * 2 ** 20 });
  const [asked] = encodersAsked(index ? [index.encoder] : [], files);
  if (!index || !asked) return undefined;
  const encoder = await openSentenceEncoder(asked.model, { layer: asked.layer });
  try {
    if (encoder.entry.model !== index.encoder.model)
      throw new WhereforeError('invalid-argument', 'the index was made with another encoder', {
        where: folder,
        got: `${encoder.entry.name} (${encoder.entry.model.slice(0, 8)})`,
        expected: `${index.encoder.name} (${index.encoder.model.slice(0, 8)})`,
      });
    const sentences = sentencesOf(passage);
    const vectors = await encoder.embed(
      sentences.map(({ text }) => text),
      signal,
    );
    return await nearestSentences(index, sentences, vectors, { most: Math.min(most, 5), support, signal });
  } finally {
    await encoder.close();
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

const shortened = (text: string) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);

function describeSpans(spans: readonly VerbatimSpan[], documents: number): string {
  if (spans.length === 0)
    return `no span of it stands to the letter in the ${documents.toLocaleString('en')} documents`;
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

function describeSentences(sentences: readonly TracedSentence[], support: number): string {
  const rows = sentences.flatMap(({ text, sources }) =>
    sources
      .slice(0, 1)
      .map(({ cosine, place, text: other }) => [
        cosine.toFixed(2),
        shortened(place),
        shortened(text),
        shortened(other),
      ]),
  );
  if (rows.length === 0)
    return `no sentence of it is nearer to one of the corpus than ${100 * support} % of its sentences are to each other`;
  return formatTable([['cosine', 'in', 'sentence', 'nearest sentence of the corpus'], ...rows]);
}

export interface IndexTextsCommand {
  readonly out: string;
  readonly text?: string;
  readonly id?: string;
  readonly encoder?: readonly string[];
  readonly layer?: readonly string[];
  readonly threads?: number;
}

/** Adds the texts of a data set to an index, and the vectors of their sentences where an encoder is given. */
export async function indexTextsOf(
  data: string,
  options: IndexTextsCommand,
  session: Pick<ShardSession, 'signal' | 'progress'>,
): Promise<void> {
  const { out, text, id } = options;
  const { signal, progress } = session;
  const began = performance.now();
  // Opened before the texts are read, so that a wrong one is told at once.
  const encoder = await encoderOf(options);
  try {
    const dataset = await openDataset(data, { kind: 'text', text, id });
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
    if (encoder) {
      const change = await embedTexts(out, encoder, {
        signal,
        onProgress: (done, total) =>
          progress.update(done / total, () => `sentences of ${done.toFixed(1)} of ${total} segments`),
      });
      progress.clear();
      print(
        `${change.made.toLocaleString('en')} sentences embedded by ${encoder.entry.name}, ${change.kept.toLocaleString('en')} there already`,
      );
    }
    print(`next: wherefore trace passage.txt --index ${out}${encoder ? ` --encoder ${options.encoder?.[0]}` : ''}`);
  } finally {
    await encoder?.close();
  }
}

async function encoderOf({
  out,
  encoder: files = [],
  layer,
  threads,
}: IndexTextsCommand): Promise<SentenceEncoder | undefined> {
  const before = await readSentenceEncoder(out);
  if (files.length > 1)
    throw new WhereforeError('invalid-argument', 'an index of texts holds vectors of one encoder', {
      got: files.join(', '),
      fix: 'give --encoder once, and make another index for another encoder',
    });
  if (files.length === 1) return openSentenceEncoder(files[0], { layer: layer?.[0] ?? before?.layer, threads });
  if (!before) return undefined;
  throw new WhereforeError('invalid-argument', 'the index holds vectors of sentences, which new texts need as well', {
    where: out,
    expected: `--encoder ${before.name}`,
  });
}
