import { basename, dirname, extname, join } from 'node:path';
import { writeFolderAtomically } from '../data/files/files.ts';
import { readBytes, readText, readTextIfPresent } from '../data/files/read-file.ts';
import { readImage, writePng } from '../data/formats/image.ts';
import { readSafetensors, writeSafetensors } from '../data/formats/safetensors.ts';
import { WhereforeError } from '../errors.ts';
import { type ExplanationDocument, parseDocument } from '../explain/document.ts';
import type { Explained } from '../explain/explained.ts';
import { packageVersion } from '../explain/version.ts';
import { fileName, type PageOptions } from '../page/explanation/page.ts';
import { figuresOf, inputKey } from '../page/figures.ts';
import { contentHash } from '../tensor/content-hash.ts';
import { formatShape, sameShape, type Tensor } from '../tensor/tensor.ts';
import { heatMapPng } from './heat-map-png.ts';
import { renderPage } from './render-page.ts';

/** What a run was, besides its explanations. */
export interface RunInfo extends PageOptions {
  /** The command line that made it. */
  readonly command?: string;
  readonly seed?: number;
  /** When it began; default now. It names the folder. */
  readonly started?: Date;
}

/** A file of a run for one explanation. */
interface RunEntry {
  readonly document: string;
  readonly tensors: string;
  readonly heatMap: string | undefined;
  readonly image: string | undefined;
}

/**
 * Writes a run: a folder `<runs>/<id>` with `index.html`, `run.json`, and for each explanation its document
 * (`<n>-<input>-<layer>-<method>.json`), tensors (`.safetensors`) and heat map (`.png`). The folder takes its name only
 * when it is whole. Ids sort by time.
 * @returns the path of the folder
 * @throws WhereforeError `file-unwritable`
 */
export async function writeRun(runs: string, explained: readonly Explained[], info: RunInfo = {}): Promise<string> {
  const started = info.started ?? new Date();
  const folder = join(runs, runId(started, explained, info));
  const page = await renderPage(explained, info);
  const figures = await figuresOf(explained);
  const images = imagesOf(explained);
  await writeFolderAtomically(folder, async (write) => {
    for (const { name, pixels } of images.values()) await write(name, await writePng(pixels));
    const entries: RunEntry[] = [];
    for (const [i, one] of explained.entries()) {
      const figure = figures[i];
      const name = explanationName(one.document, i);
      const heatMap = figure.kind === 'map' ? `${name}.png` : undefined;
      const text = `${JSON.stringify(one.document, undefined, 2)}\n`;
      const metadata = { explanation: `${name}.json`, [digestKey]: digestOf(text) };
      await write(`${name}.json`, text);
      await write(`${name}.safetensors`, writeSafetensors(one.tensors, metadata));
      if (heatMap && figure.kind === 'map') await write(heatMap, await heatMapPng(one, { figure }));
      entries.push({
        document: `${name}.json`,
        tensors: `${name}.safetensors`,
        heatMap,
        image: images.get(inputKey(one))?.name,
      });
    }
    await write('index.html', page);
    await write('run.json', `${JSON.stringify(runRecord(started, explained, entries, info), undefined, 2)}\n`);
  });
  return folder;
}

/** Under this key of its metadata, the file of the tensors holds the digest of its document. */
const digestKey = 'explanation-sha256';

const digestOf = (text: string): string => contentHash([text]);

/** The record of a run: what, by which command, of which files, and what it cost. */
function runRecord(started: Date, explained: readonly Explained[], entries: readonly RunEntry[], info: RunInfo) {
  const costs = explained.flatMap(({ document: { cost, scorecard } }) => (scorecard ? [cost, scorecard.cost] : [cost]));
  const total = (key: 'forward' | 'backward' | 'seconds') => costs.reduce((sum, cost) => sum + cost[key], 0);
  const distinct = <T>(values: T[]) => [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
  return {
    format: 'wherefore/run',
    version: 1,
    what: 'explain',
    state: 'complete',
    started: started.toISOString(),
    command: info.command,
    seed: info.seed,
    leftOut: info.leftOut?.length ? info.leftOut : undefined,
    versions: { ...explained[0]?.document.versions, wherefore: packageVersion },
    models: distinct(
      explained.map(({ document: { model } }) => ({ name: model.name, path: model.path, hash: model.hash })),
    ),
    inputs: distinct(explained.map(({ document: { input } }) => ({ source: input.source, hash: input.hash }))),
    cost: { forward: total('forward'), backward: total('backward'), seconds: total('seconds') },
    explanations: entries.map((entry, i) => {
      const { method, layer, targetDescription, baselineDescription, parameters, relativeError } =
        explained[i].document;
      return {
        ...entry,
        method,
        layer,
        target: targetDescription,
        baseline: baselineDescription,
        parameters,
        relativeError,
      };
    }),
  };
}

/** `2026-03-01T12-30-00-000Z-1a2b3c`: the time, then a hash of what was explained how. */
function runId(started: Date, explained: readonly Explained[], { command, seed }: RunInfo): string {
  const questions = explained.map(({ document }) => [
    inputKey({ document }),
    document.method,
    document.layer,
    document.parameters,
  ]);
  const hash = contentHash([JSON.stringify([command, seed, questions])]);
  return `${started.toISOString().replace(/[:.]/g, '-')}-${hash.slice(0, 6)}`;
}

/** Letters that every file system takes. */
function safeName(text: string, longest: number): string {
  return (
    text
      .replace(/[^A-Za-z0-9]+/g, '-')
      .slice(0, longest)
      .replace(/^-+|-+$/g, '') || 'x'
  );
}

function explanationName({ input, layer, explained, method }: ExplanationDocument, index: number): string {
  const source = fileName(input.source);
  const inputName = safeName(source.slice(0, source.length - extname(source).length), 24);
  const place = layer.every((name) => explained.includes(name)) ? 'input' : safeName(layer.join('+'), 40);
  return `${index + 1}-${inputName}-${place}-${safeName(method, 30)}`;
}

/** The source images, each once. */
function imagesOf(explained: readonly Explained[]): Map<string, { name: string; pixels: Tensor<'uint8'> }> {
  const images = new Map<string, { name: string; pixels: Tensor<'uint8'> }>();
  for (const one of explained) {
    const key = inputKey(one);
    if (one.image && !images.has(key)) images.set(key, { name: `image-${images.size + 1}.png`, pixels: one.image });
  }
  return images;
}

/**
 * Reads an explanation of a run back: the document, its tensors, and the source image where the run has it.
 * @param path The `.json` of one explanation, as {@link writeRun} wrote it.
 * @throws WhereforeError `file-not-found`; `invalid-data` where it is no explanation, its tensors are missing, or they
 *   are not those that the document names
 */
export async function readExplanation(path: string): Promise<Explained> {
  const text = await readText(path, 'document').catch((error: unknown) => {
    if (!(error instanceof WhereforeError) || error.code !== 'invalid-data') throw error;
    throw new WhereforeError('invalid-data', 'this is no explanation', {
      where: path,
      got: `${extname(path) ? `a ${extname(path)} file` : 'a file'} that is no text`,
      expected: 'the .json file of an explanation, in the folder of its run',
      fix: 'name that file',
      cause: error,
    });
  });
  const document = parseDocument(text, path);
  const tensorsPath = `${path.slice(0, path.length - extname(path).length)}.safetensors`;
  const { tensors, metadata } = readSafetensors(await readBytes(tensorsPath, 'tensors'), tensorsPath);
  for (const { key, type, shape } of [document.input.tensors, document.baselineTensors, document.attribution].flatMap(
    (group) => Object.values(group),
  )) {
    const found = tensors.get(key);
    if (found && found.type === type && sameShape(found.shape, shape)) continue;
    throw new WhereforeError('invalid-data', `the tensor "${key}" is not what the document says`, {
      where: tensorsPath,
      got: found ? `${found.type} ${formatShape(found.shape)}` : 'no tensor of that name',
      expected: `${type} ${formatShape(shape)}`,
      fix: 'keep the files of a run together and unchanged',
    });
  }
  const image = await imageOf(path);
  const digest = Object.hasOwn(metadata, digestKey) ? metadata[digestKey] : undefined;
  const isUnchanged = digest === undefined ? undefined : digest === digestOf(text);
  return { document, tensors, ...(image && { image }), isUnchanged };
}

/** The source image that `run.json` names for a document; a document on its own has none. */
async function imageOf(path: string): Promise<Tensor<'uint8'> | undefined> {
  const record = await readTextIfPresent(join(dirname(path), 'run.json'), 'document');
  if (record === undefined) return undefined;
  let entries: unknown;
  try {
    entries = (JSON.parse(record) as { explanations?: unknown } | null)?.explanations;
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'not a JSON document', { where: join(dirname(path), 'run.json'), cause });
  }
  const entry = Array.isArray(entries)
    ? (entries as Partial<RunEntry>[]).find(({ document }) => document === basename(path))
    : undefined;
  // Only a name within the folder: the record may come from elsewhere.
  if (!entry?.image) return undefined;
  const image = join(dirname(path), basename(entry.image));
  return (await readImage(await readBytes(image, 'image', { inside: [dirname(path)] }), { name: image })).pixels;
}
