import { WhereforeError } from '../../errors.ts';
import { endingOf, fileName, joined, parentOf } from '../../paths.ts';
import { contentHash } from '../../tensor/content-hash.ts';
import type { Files, FolderEntry } from '../files/file-access.ts';
import { textAt } from '../files/file-text.ts';
import { audioReaders } from '../formats/audio-readers.ts';
import { imageExtensions } from '../formats/image-type.ts';
import { tensorReaders } from '../formats/tensor-file.ts';
import { audioAsInput, textsAsInputs } from '../inputs/content-input.ts';
import { describedText } from '../inputs/described-text.ts';
import { imageAsInput } from '../inputs/image-as-input.ts';
import { describedImage } from '../inputs/image-input.ts';
import { inputLimit } from '../inputs/input-limit.ts';
import type { ModelInput } from '../inputs/model-input.ts';
import { splitSelection } from '../inputs/row-selection.ts';
import { filesOfFolder } from '../inputs/source-files.ts';
import { tensorInput } from '../inputs/tensor-input.ts';
import { textsOfFile } from '../inputs/text-sources.ts';
import type { Edge, LoadedModel } from './loaded-model.ts';
import type { Preprocessing } from './preprocessing.ts';

/** What a place without Node has. */
export interface Surroundings {
  /** Where models, images and tensors lie. Default: nowhere. */
  readonly files?: Files;
  /** How images are decoded: pixels upright, opaque, 8 bits. Default: not at all. */
  readonly decodeImage?: Edge['decodeImage'];
}

/**
 * The edge of a model without Node: images, recordings, texts, tensors and rows of tables from `files`.
 * @param loadModel another model from a path
 */
export function filesEdge({ files, decodeImage }: Surroundings, loadModel: Edge['loadModel']): Edge {
  const edge: Edge = {
    versions: {},
    folder: undefined,
    files,
    absolute: (path) => path,
    findBelow: async (folders, path) => {
      for (const folder of folders) {
        const place = joined(folder, path);
        if (files && isWithin(joined(folder), place) && (await isThere(files, place))) return place;
      }
      return undefined;
    },
    readInputs: async (model, source, preprocessing) => {
      if (!files) throw withoutFiles(source, 'give the tensors themselves');
      const { path, selection } = splitSelection(source);
      if (!(await isFolder(files, path))) return inputsOf(files, edge, model, source, preprocessing);
      const { paths } = await filesOfFolder(files, path, preprocessing, { selection });
      const inputs: ModelInput[][] = [];
      for (const one of paths) inputs.push(await inputsOf(files, edge, model, one, preprocessing));
      return inputs.flat();
    },
    sourcesIn: async (source, preprocessing) => {
      const { path, selection } = splitSelection(source);
      if (!files || !(await isFolder(files, path))) return [source];
      return (await filesOfFolder(files, path, preprocessing, { selection, any: true })).paths;
    },
    decodeImage:
      decodeImage ??
      (async (_, { name }) => {
        throw new WhereforeError('unsupported-model', 'nothing here decodes images', {
          where: name,
          fix: 'open the model with decodeImage, or give tensors',
        });
      }),
    withinTime: (work) => ({ value: work() }),
    loadModel: files
      ? loadModel
      : async (path) => {
          throw withoutFiles(path, 'open the model with files');
        },
  };
  return edge;
}

const isWithin = (folder: string, place: string): boolean =>
  !place.startsWith('../') && (folder === '' || place.startsWith(`${folder}/`));

async function isThere(files: Files, path: string): Promise<boolean> {
  const beside = await entriesOf(files, parentOf(path));
  return beside?.some(({ name, isFolder }) => !isFolder && name === fileName(path)) ?? false;
}

const isFolder = async (files: Files, path: string): Promise<boolean> => (await entriesOf(files, path)) !== undefined;

/** What lies in a folder; undefined where there is no such folder. */
const entriesOf = (files: Files, folder: string): Promise<FolderEntry[] | undefined> =>
  files.list(folder).catch((error: unknown) => {
    if (error instanceof WhereforeError && error.code === 'file-not-found') return undefined;
    throw error;
  });

/** What `rowsInFiles` reads. */
const tableEndings: readonly string[] = ['.csv', '.tsv', '.jsonl', '.ndjson', '.parquet'];

async function inputsOf(
  files: Files,
  edge: Edge,
  model: LoadedModel,
  source: string,
  preprocessing: Preprocessing,
): Promise<ModelInput[]> {
  const { path, selection } = splitSelection(source);
  const ending = endingOf(path);
  if (imageExtensions.has(ending)) {
    const { background } = describedImage(preprocessing, source).preprocessing;
    const bytes = await files.read(source, 'image');
    const image = await edge.decodeImage(bytes, { name: source, background });
    return [await imageAsInput(model, image, { source, hash: contentHash([bytes]) }, preprocessing)];
  }
  if (ending in audioReaders) {
    const bytes = await files.read(source, 'audio');
    const recording = await audioReaders[ending](bytes, source);
    return [await audioAsInput(model, recording, { source, hash: contentHash([bytes]) }, preprocessing)];
  }
  if (ending in tensorReaders) {
    const limit = inputLimit(model.graph);
    const bytes = await files.read(source, 'tensors', { limit });
    const tensors = await tensorReaders[ending](bytes, source, limit);
    return [tensorInput(model, tensors, source, contentHash([bytes]), preprocessing)];
  }
  if (ending === '.txt')
    return textsAsInputs(model, textsOfFile(await textAt(files, path, 'text'), selection, path), path, preprocessing);
  if (tableEndings.includes(ending)) {
    const { rowsInFiles } = await import('../inputs/rows-in-files.ts');
    return rowsInFiles(files, model, { path, selection }, preprocessing);
  }
  // A file of another kind is no text that happens to be called so.
  if (describedText(preprocessing) && !(await isThere(files, path)))
    return textsAsInputs(model, [{ text: source, place: '', notes: [] }], source, preprocessing);
  const known = [
    ...imageExtensions,
    ...Object.keys(audioReaders),
    ...Object.keys(tensorReaders),
    '.txt',
    ...tableEndings,
  ];
  throw new WhereforeError('invalid-argument', 'the kind of file is not known without Node', {
    where: source,
    got: ending || 'no extension',
    expected: known.join(' '),
    fix: 'give the tensors themselves',
  });
}

const withoutFiles = (where: string, fix: string) =>
  new WhereforeError('invalid-argument', 'a text names a file, and this model has no way to files', { where, fix });
