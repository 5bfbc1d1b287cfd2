import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { openDataset } from '../data/datasets/open-dataset.ts';
import { isFile, isFolder } from '../data/files/folders.ts';
import { readText } from '../data/files/read-file.ts';
import { WhereforeError } from '../errors.ts';
import { type DataReport, renderReportPage } from '../page/provenance/report-page.ts';
import { readCalibration } from '../provenance/image/calibration-file.ts';
import { openImageIndex } from '../provenance/image/image-index.ts';
import { imagesOf } from '../provenance/image/index-shard.ts';
import { type QueryImage, queryImage } from '../provenance/image/query-image.ts';
import { imageTracer } from '../provenance/image/trace-image.ts';
import { type ForbiddenItem, findForbidden, findHashes } from '../provenance/report/forbidden.ts';
import { memorisationOf } from '../provenance/report/memorisation.ts';
import { copyGroups } from '../provenance/report/near-copies.ts';
import { writeProvenance } from '../report/write-provenance.ts';
import { interruptible } from './failure.ts';
import { commandLine } from './options.ts';
import { checkWritable } from './out-folder.ts';
import { type Progress, showProgress } from './progress.ts';
import { print, printJson } from './terminal.ts';

interface Options {
  readonly index: string;
  readonly generated?: string;
  readonly doNotTrain?: string;
  readonly out: string;
  readonly json?: boolean;
}

export function defineTraceReport(trace: Command): void {
  const command = trace
    .command('report')
    .description('copies in the data, what a generator memorised of it, and what must not be in it')
    .requiredOption('--index <folder>', 'the index of the images')
    .option('--generated <folder>', 'images that a generator made')
    .option(
      '--do-not-train <list>',
      'a folder of images, or a text file with a SHA-256 of a file or of pixels on each line',
    )
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print JSON for scripts');
  command.action((options: Options) => interruptible((signal) => run(options, commandLine(command), signal)));
}

async function run(
  { index: folder, generated, doNotTrain, out, json }: Options,
  command: string,
  signal: AbortSignal,
): Promise<void> {
  await checkWritable(out);
  const index = await openImageIndex(folder);
  const progress = showProgress(process.stderr, !json);
  const asked = { progress, signal };
  const memorisation = generated === undefined ? undefined : memorisationOf(index, await queriesOf(generated, asked));
  const report: DataReport = {
    index: { name: index.name, images: index.items.length },
    copies: copyGroups(index),
    memorisation,
    forbidden: doNotTrain === undefined ? undefined : await forbiddenOf(doNotTrain, folder, index, asked),
    command,
  };
  progress.clear();
  const told = { what: 'trace report', command, file: 'report.json', document: report };
  const written = await writeProvenance(out, { ...told, page: renderReportPage(report) });
  if (json) printJson({ folder: written, ...report });
  else {
    print(describe(report));
    print(`\npage: ${join(written, 'index.html')}`);
  }
}

interface Asked {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

async function queriesOf(path: string, { progress, signal }: Asked): Promise<{ name: string; query: QueryImage }[]> {
  const data = await openDataset(path, { kind: 'image', labels: 'none' });
  const images = imagesOf(data);
  const found: { name: string; query: QueryImage }[] = [];
  for (let i = 0; i < data.length; i++) {
    signal.throwIfAborted();
    const row = Uint32Array.of(i);
    const [[pixels], [name], [file]] = [await images.read(row), await data.ids(row), await data.hashes(row)];
    found.push({ name, query: queryImage(pixels, { file }) });
    progress.update((i + 1) / data.length, () => `${i + 1} of ${data.length} images of ${basename(path)}`);
  }
  return found;
}

async function forbiddenOf(
  path: string,
  folder: string,
  index: Awaited<ReturnType<typeof openImageIndex>>,
  asked: Asked,
): Promise<ForbiddenItem[]> {
  if (await isFolder(path)) {
    const calibration = await readCalibration(folder);
    if (calibration) return findForbidden(imageTracer(index, calibration), await queriesOf(path, asked));
    throw new WhereforeError(
      'invalid-data',
      'the index is not calibrated, so parts of images cannot be told from chance',
      {
        where: folder,
        fix: 'wherefore trace index DATA --out INDEX --calibrate, or give hashes',
      },
    );
  }
  if (!(await isFile(path)))
    throw new WhereforeError('file-not-found', 'there is no such list', { where: path, fix: 'check the path' });
  const lines = (await readText(path, 'text'))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const wrong = lines.findIndex((line) => !/^[0-9a-f]{64}$/i.test(line));
  if (wrong >= 0)
    throw new WhereforeError('invalid-data', 'a line of the list is no SHA-256', {
      where: `${path}, line ${wrong + 1}`,
      got: lines[wrong].slice(0, 80),
      expected: '64 hexadecimal digits',
    });
  return findHashes(
    index.items,
    lines.map((line) => line.toLowerCase()),
  );
}

function describe({ index, copies, memorisation, forbidden }: DataReport): string {
  const inCopies = copies.reduce((sum, { ids }) => sum + ids.length, 0);
  const parts = [
    `copies: ${inCopies} of ${index.images} images are in ${copies.length} groups of copies${copies.length > 0 ? `, the largest ${copies[0].ids.length} (${copies[0].ids[0]}, …)` : ''}`,
  ];
  if (memorisation) {
    const { mean, low, high } = memorisation.share;
    const percent = (value: number | undefined) => (value === undefined ? '–' : (100 * value).toFixed(1));
    parts.push(
      `memorised: ${percent(mean)} % (${percent(low)}, ${percent(high)}) of ${memorisation.items.length} generated images lie nearer to an image of the data than 99 % of the data to each other; 1 % is chance`,
    );
  }
  if (forbidden) {
    const count = (how: ForbiddenItem['found']) => forbidden.filter(({ found }) => found === how).length;
    parts.push(
      `do not train: of ${forbidden.length}, ${count('same')} are in the data, ${count('near')} as near copies, ${count('part')} in part, ${count('clear')} not found`,
    );
  }
  return parts.join('\n');
}
