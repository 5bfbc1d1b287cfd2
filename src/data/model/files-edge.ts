import { WhereforeError } from '../../errors.ts';
import { endingOf, fileName, joined, parentOf } from '../../paths.ts';
import { contentHash } from '../../tensor/content-hash.ts';
import type { Files } from '../files/file-access.ts';
import { imageExtensions } from '../formats/image-type.ts';
import { readNpy } from '../formats/npy.ts';
import { readSafetensors } from '../formats/safetensors.ts';
import { imageAsInput } from '../inputs/image-as-input.ts';
import { describedImage } from '../inputs/image-input.ts';
import type { ModelInput } from '../inputs/model-input.ts';
import { tensorInput } from '../inputs/tensor-input.ts';
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
 * The edge of a model without Node: images, `.npy` and `.safetensors` from `files`; no tables, no tokenizers.
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
      return [await inputOf(files, edge, model, source, preprocessing)];
    },
    sourcesIn: async (source) => (files ? imagesBelow(files, source) : [source]),
    decodeImage:
      decodeImage ??
      (async (_, { name }) => {
        throw new WhereforeError('unsupported-model', 'nothing here decodes images', {
          where: name,
          fix: 'open the model with decodeImage, or give tensors',
        });
      }),
    tokenizer: async () => undefined,
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
  const beside = await files.list(parentOf(path)).catch((error: unknown) => {
    if (error instanceof WhereforeError && error.code === 'file-not-found') return [];
    throw error;
  });
  return beside.some(({ name, isFolder }) => !isFolder && name === fileName(path));
}

/** The images of a folder; a source that is no folder is itself. */
async function imagesBelow(files: Files, source: string): Promise<readonly string[]> {
  if (endingOf(source) !== '') return [source];
  const entries = await files.list(source, { deep: true });
  return entries
    .filter(({ name, isFolder }) => !isFolder && imageExtensions.has(endingOf(name)))
    .map(({ name }) => `${source}/${name}`);
}

async function inputOf(
  files: Files,
  edge: Edge,
  model: LoadedModel,
  source: string,
  preprocessing: Preprocessing,
): Promise<ModelInput> {
  const ending = endingOf(source);
  if (imageExtensions.has(ending)) {
    const { background } = describedImage(preprocessing, source).preprocessing;
    const bytes = await files.read(source, 'image');
    const image = await edge.decodeImage(bytes, { name: source, background });
    return imageAsInput(model, image, { source, hash: contentHash([bytes]) }, preprocessing);
  }
  if (ending !== '.npy' && ending !== '.safetensors') {
    throw new WhereforeError('invalid-argument', 'without Node, inputs are images and tensors', {
      where: source,
      got: ending || 'no extension',
      expected: `${[...imageExtensions].join(' ')} .npy .safetensors`,
      fix: 'give the tensors themselves',
    });
  }
  const bytes = await files.read(source, 'tensors');
  const tensors = ending === '.npy' ? new Map([['', readNpy(bytes, source)]]) : readSafetensors(bytes, source).tensors;
  return tensorInput(model, tensors, source, contentHash([bytes]), preprocessing);
}

const withoutFiles = (where: string, fix: string) =>
  new WhereforeError('invalid-argument', 'a text names a file, and this model has no way to files', { where, fix });
