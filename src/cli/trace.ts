import { type Command, Option } from 'commander';
import { openDataset } from '../data/datasets/open-dataset.ts';
import { isFile, isFolder } from '../data/files/folders.ts';
import { WhereforeError } from '../errors.ts';
import { changeImageIndex, kindOfIndex } from '../provenance/image/image-index.ts';
import { removeTexts } from '../provenance/text/text-index.ts';
import { type DriverOptions, withDriver } from './driver-options.ts';
import { interruptible } from './failure.ts';
import { commandLine, list, repeated, threadsOption, wholeNumber, wordsOf } from './options.ts';
import { checkWritable } from './out-folder.ts';
import { showProgress } from './progress.ts';
import { print, tell } from './terminal.ts';
import { traceImageFile } from './trace-image.ts';
import { indexImages } from './trace-index-images.ts';
import { openImages } from './trace-index-shards.ts';
import { defineTraceReport } from './trace-report.ts';
import { indexTextsOf, traceText } from './trace-text.ts';
import { defineTraceVerify } from './trace-verify.ts';

interface TraceOptions {
  readonly index?: string;
  readonly encoder?: string[];
  readonly prompt?: string;
  readonly caption?: string;
  readonly preset?: 'paper';
  readonly group?: string[];
  readonly most: number;
  readonly support: number;
  readonly verified?: string;
  readonly minWords: number;
  readonly memory: number;
  readonly out: string;
  readonly json?: boolean;
}

interface IndexOptions extends DriverOptions {
  readonly out?: string;
  readonly text?: string;
  readonly image?: string;
  readonly id?: string;
  readonly metadata?: string;
  readonly encoder?: string[];
  readonly layer?: string[];
  readonly calibrate?: boolean;
  readonly weights: 'fitted' | 'equal';
  readonly seed: number;
  readonly threads?: number;
  readonly remove?: string[];
}

export function defineTrace(program: Command): void {
  const trace = program
    .command('trace')
    .enablePositionalOptions()
    .description(
      'what an image or a passage is made of: images of the data that it resembles, spans that stand in a corpus',
    )
    .argument('<item>', 'an image, a text file, or a passage in quotation marks')
    .option('--index <folder>', 'the index of the data, which `wherefore trace index` makes')
    .option('--prompt <text>', 'of an image: the words that it was made from')
    .option('--caption <column>', 'of an image: the column of captions; default caption, text or prompt')
    .addOption(
      new Option(
        '--preset <name>',
        'of an image with a prompt: also a ranking by the fixed weights of arXiv 2504.01771',
      ).choices(['paper']),
    )
    .option('--group <columns>', 'of an image: columns whose values are counted, such as artist,licence', list)
    .option('--encoder <file>', 'a model that the index was made with; once for each, in its order', repeated)
    .option('--most <count>', 'of an image: items of a ranking', wholeNumber, 10)
    .option('--verified <run>', 'of an image: a run of `wherefore trace verify` that it took part in, for the page')
    .option('--min-words <count>', 'words that a span has at least', wholeNumber, 5)
    .option(
      '--support <share>',
      'of a passage: share of pairs of sentences of the corpus that are less alike, from which one is listed',
      Number,
      0.99,
    )
    .option('--memory <megabytes>', 'what of the index is kept in memory', wholeNumber, 1024)
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print JSON for scripts');
  trace.action((item: string, options: TraceOptions) =>
    interruptible((signal) => run(item, options, commandLine(trace), signal)),
  );
  defineTraceVerify(trace);
  defineTraceReport(trace);
  const index = trace
    .command('index')
    .description('index the images or the texts of a data set; what is there already is not touched')
    .argument(
      '[data]',
      'a folder of images or of texts, a text file with a document on each line, a table with a column of texts or of image files, an array of images',
    )
    .option('--out <folder>', 'the index, made where there is none')
    .option('--text <column>', 'the column of a table that holds the texts')
    .option('--id <column>', 'the column of a table that names its rows')
    .option('--image <column>', 'the column of a table that names the files of its images')
    .option('--metadata <file>', 'a table about the files of a folder of images: captions, artists, licences')
    .option(
      '--encoder <file>',
      'an .onnx model whose embeddings of images or sentences are kept; for images it may be repeated',
      repeated,
    )
    .option('--layer <name>', 'the value of its graph; default: what its last layer of weights reads', repeated)
    .option('--calibrate', 'measure anew what scores of images mean')
    .addOption(
      new Option('--weights <kind>', 'of the signals of a whole image: fitted on changed images of the data, or equal')
        .choices(['fitted', 'equal'])
        .default('fitted'),
    )
    .option('--seed <number>', 'of the images that are drawn to calibrate', Number, 0)
    .option('--remove <id...>', 'take documents or images out of the index');
  withDriver(threadsOption(index, 'processes that images are read in; default all processors')).action(
    (data: string | undefined, options: IndexOptions) =>
      interruptible(
        (signal) => makeIndex(data, options, { signal, command: commandLine(index), words: wordsOf(index) }),
        'stopped; the same command goes on',
      ),
  );
}

async function run(words: string, options: TraceOptions, command: string, signal: AbortSignal): Promise<void> {
  const { index } = options;
  if (index !== undefined && (await kindOfIndex(index)) === 'image') {
    await checkWritable(options.out);
    await traceImageFile(words, { ...options, index, command, signal });
    return;
  }
  await checkWritable(options.out);
  await traceText(words, { ...options, command, signal });
}

interface Asked {
  readonly signal: AbortSignal;
  readonly command: string;
  readonly words: readonly string[];
}

async function makeIndex(data: string | undefined, options: IndexOptions, asked: Asked): Promise<void> {
  if (data === undefined && !options.remove) {
    throw new WhereforeError('invalid-argument', 'nothing to index', {
      fix: 'name the data: wherefore trace index images/ --out index',
    });
  }
  const { out } = options;
  if (out === undefined)
    throw new WhereforeError('invalid-argument', 'nothing says where the index lies', { fix: 'add --out index' });
  const kind = await kindOfIndex(out);
  if (options.remove) {
    if (kind === 'image') await (await changeImageIndex(out, { name: out })).remove(options.remove);
    else await removeTexts(out, options.remove);
  }
  if (data === undefined) {
    print(`removed ${options.remove?.length} ${kind === 'image' ? 'images' : 'documents'}`);
    return;
  }
  // A path that ends in #name is a data set of a wherefore.yaml.
  if (!data.includes('#') && !(await isFolder(data)) && !(await isFile(data))) {
    throw new WhereforeError('file-not-found', 'there is no such file or folder', {
      where: data,
      fix: 'check the path',
    });
  }
  await checkWritable(out);
  const { id, image, metadata } = options;
  const ofImages = image !== undefined || metadata !== undefined;
  const dataset = ofImages
    ? await openImages({ path: data, id, image, metadata })
    : await openDataset(data, { text: options.text, id, kind: options.text === undefined ? undefined : 'text' });
  const isImage = dataset.contents.kind === 'image';
  if (kind !== undefined && (kind === 'image') !== isImage)
    throw new WhereforeError('invalid-argument', `the index is one of ${kind}s`, {
      where: out,
      got: `data of kind ${dataset.contents.kind}`,
      fix: 'name another folder with --out',
    });
  const progress = showProgress(process.stderr);
  for (const note of dataset.notes) tell(note);
  const say = (text: string) => {
    progress.clear();
    tell(text);
  };
  if (!isImage) return indexTextsOf(data, { ...options, out }, { ...asked, progress });
  const own = { path: data, id, image, metadata };
  return indexImages(dataset, { ...options, out, data: own, preset: options.weights }, { ...asked, progress, say });
}
