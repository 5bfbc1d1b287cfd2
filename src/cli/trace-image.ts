import { join } from 'node:path';
import { hashOfFile } from '../data/files/file-hash.ts';
import { isFile } from '../data/files/folders.ts';
import { portablePath } from '../data/files/portable-path.ts';
import { readBytes } from '../data/files/read-file.ts';
import { readImage } from '../data/formats/image.ts';
import { WhereforeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import { type ImageTracePage, renderImageTracePage } from '../page/provenance/image-trace-page.ts';
import { readCalibration } from '../provenance/image/calibration-file.ts';
import { closeAll, openEncoders } from '../provenance/image/encoder.ts';
import { embedAll } from '../provenance/image/image-encoder.ts';
import { type ImageIndex, openImageIndex } from '../provenance/image/image-index.ts';
import type { IndexedItem } from '../provenance/image/manifest.ts';
import { queryImage } from '../provenance/image/query-image.ts';
import type { ImageRanking } from '../provenance/image/ranking.ts';
import { questions } from '../provenance/image/rankings.ts';
import {
  componentsText,
  countedItems,
  statementsOf,
  type TraceStatements,
} from '../provenance/image/trace-document.ts';
import { type ImageTrace, imageTracer } from '../provenance/image/trace-image.ts';
import { jpegPhotograph } from '../report/photograph.ts';
import { sourcePixels } from '../report/source-pixels.ts';
import { writeProvenance } from '../report/write-provenance.ts';
import { encodersAsked } from './encoders-asked.ts';
import { readVerified } from './read-verified.ts';
import { formatTable } from './table-text.ts';
import { print, printJson, tell, visibleAll } from './terminal.ts';

export interface TraceImageCommand {
  readonly index: string;
  readonly encoder?: readonly string[];
  readonly prompt?: string;
  readonly caption?: string;
  readonly preset?: 'paper';
  readonly group?: readonly string[];
  readonly most: number;
  /** A run of `trace verify` in which the image took part. */
  readonly verified?: string;
  readonly out: string;
  readonly json?: boolean;
  readonly command: string;
  readonly signal: AbortSignal;
}

/** Traces an image file in an index of images: prints rankings, and leaves a page. */
export async function traceImageFile(path: string, options: TraceImageCommand): Promise<void> {
  if (!(await isFile(path)))
    throw new WhereforeError('file-not-found', 'there is no such image', { where: path, fix: 'check the path' });
  const index = await openImageIndex(options.index);
  const calibration = await readCalibration(options.index);
  if (!calibration)
    throw new WhereforeError('invalid-data', 'the index says not yet what its scores mean', {
      where: options.index,
      fix: 'calibrate it: wherefore trace index DATA --out INDEX --calibrate',
    });
  const columns = [...new Set(index.items.flatMap((item) => Object.keys(item.columns)))];
  for (const column of options.group ?? [])
    if (!columns.includes(column))
      throw unknownName('the index has no column', column, columns, { where: options.index });
  const bytes = await readBytes(path, 'image');
  const image = await readImage(bytes, { name: path });
  for (const note of image.notes) tell(`${path}: ${note}`);
  const file = hashOfFile([bytes]);
  const verified = options.verified === undefined ? undefined : await readVerified(options.verified, file);
  const encoders = await openEncoders(encodersAsked(index.encoders, options.encoder));
  try {
    options.signal.throwIfAborted();
    const query = queryImage(image.pixels, { file, embeddings: await embedAll(encoders, image.pixels) });
    const found = imageTracer(index, calibration).trace(query, {
      prompt: options.prompt,
      caption: options.caption,
      preset: options.preset,
      groups: options.group,
      most: options.most,
    });
    const sources = await sourcePixels(found);
    const trace = withPortablePlaces(found);
    const page: ImageTracePage = {
      name: portablePath(path, process.cwd()),
      pixels: image.pixels,
      hashes: { file, content: query.content },
      prompt: options.prompt,
      index: { name: index.name, images: index.items.length },
      trace,
      calibration,
      command: options.command,
      evidence: { ...(await indexHashes(index)), made: new Date().toISOString(), verified },
      sources,
    };
    const statements = statementsOf(trace, verified);
    const { name, hashes, prompt } = page;
    const document = {
      item: { name, ...hashes },
      prompt,
      index: page.index,
      statements,
      ...trace,
      calibration,
      evidence: page.evidence,
    };
    const folder = await writeProvenance(options.out, {
      ...{ what: 'trace', command: options.command, file: 'trace.json', document },
      page: await renderImageTracePage(page, jpegPhotograph),
    });
    if (options.json) printJson({ folder, statements, ...trace });
    else {
      print(describe(visibleAll(trace), statementsOf(visibleAll(trace), verified)));
      print(`\npage: ${join(folder, 'index.html')}`);
    }
  } finally {
    await closeAll(encoders);
  }
}

/** Hashes of all that an index says: its list of parts, each named by the hash of its items, and what scores mean. */
async function indexHashes({ folder, encoders }: ImageIndex) {
  const hash = async (name: string) => hashOfFile([await readBytes(join(folder, name), 'index')]);
  const named = encoders.map(({ name, model }) => ({ name, model }));
  return { index: await hash('index.json'), calibration: await hash('calibration.json'), encoders: named };
}

/** What is written tells of files without the folders of this machine. */
function withPortablePlaces(trace: ImageTrace): ImageTrace {
  const portable = (item: IndexedItem) => ({ ...item, place: portablePath(item.place, process.cwd()) });
  const { same, near } = trace.membership;
  return {
    ...trace,
    membership: { same: same.map(portable), near: near.map(portable) },
    rankings: trace.rankings.map((ranking) => ({
      ...ranking,
      items: ranking.items.map((one) => ({ ...one, item: portable(one.item) })),
    })),
  };
}

function describe(trace: ImageTrace, { membership, resemblance, influence }: TraceStatements): string {
  const parts = [`membership: ${membership}`, `resemblance: ${resemblance}`, `influence: ${influence}`];
  for (const ranking of trace.rankings) {
    const counted = countedItems(ranking);
    const shown = (counted.length > 0 ? counted : ranking.items).slice(0, 5);
    parts.push(`\n${questions[ranking.question]}${verdict(ranking.resembles)}${coveredText(ranking)}`);
    if (shown.length > 0)
      parts.push(
        formatTable([
          ['item', 'share', 'support', 'signals'],
          ...shown.map((one) => [
            one.item.id,
            one.share > 0 ? `${(100 * one.share).toFixed(0)} %` : '–',
            supportCell(one.support, ranking.unrelated),
            componentsText(one),
          ]),
        ]),
      );
    for (const [column, groups] of Object.entries(ranking.groups))
      parts.push(
        `${column} of the nearest: ${groups.map(({ value, share, ofData }) => `${value} ${(100 * share).toFixed(0)} % (${(100 * ofData).toFixed(1)} % of the data)`).join(', ')}`,
      );
  }
  for (const note of trace.notes) parts.push(`\nnote: ${note}`);
  return parts.join('\n');
}

function coveredText({ covered = 0 }: ImageRanking): string {
  return covered > 0 ? `; ${(100 * covered).toFixed(0)} % of the image, of which shares are` : '';
}

function verdict(resembles: boolean | undefined): string {
  if (resembles === undefined) return '';
  return resembles ? ': something in the data is like it' : ': nothing that is more alike than unrelated images are';
}

/** `97.3 %`, `> 98.8 %` beyond all unrelated images that were looked at. */
function supportCell(support: number | undefined, unrelated = 0): string {
  if (support === undefined) return '';
  const most = 1 - 1 / unrelated;
  return support > most ? `> ${(100 * most).toFixed(1)} %` : `${(100 * support).toFixed(1)} %`;
}
