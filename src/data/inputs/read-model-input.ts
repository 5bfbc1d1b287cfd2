import { extname, resolve } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import { unknownName } from '../../nearest.ts';
import { requiredInputs } from '../../onnx/graph.ts';
import { lookup } from '../../tensor/lookup.ts';
import { hashOfFile } from '../files/file-hash.ts';
import { FileMemo } from '../files/file-memo.ts';
import { isFolder, isTaken } from '../files/folders.ts';
import { nodeFiles } from '../files/node-files.ts';
import type { ReadOptions } from '../files/open-file.ts';
import { portablePath } from '../files/portable-path.ts';
import { readBytes, readText } from '../files/read-file.ts';
import { audioReaders } from '../formats/audio-readers.ts';
import { readImage } from '../formats/image.ts';
import { imageExtensions } from '../formats/image-type.ts';
import { readTable, tableReaders } from '../formats/table-file.ts';
import { tensorReaders } from '../formats/tensor-file.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { Preprocessing, TextInput } from '../model/preprocessing.ts';
import { arrayRows, unpackLimit } from './array-rows.ts';
import { audioAsInput, textsAsInputs } from './content-input.ts';
import { withRows } from './describe-rows.ts';
import { describedText } from './described-text.ts';
import { imageAsInput } from './image-as-input.ts';
import { describedImage } from './image-input.ts';
import { inputLimit } from './input-limit.ts';
import type { ModelInput } from './model-input.ts';
import { readNamedTensor } from './named-tensor.ts';
import { tableInputs } from './row-input.ts';
import { splitSelection } from './row-selection.ts';
import { filesOfFolder } from './source-files.ts';
import { asTaken, bareRow, isNamed, tensorInput } from './tensor-input.ts';
import { textsOfFile, textsOfTable } from './text-sources.ts';

/**
 * Reads inputs for a model from what a person names: an image, a recording (`.wav`, `.flac`), `.npy`, `.npz` or
 * `.safetensors` tensors, rows of a table or of arrays (`people.csv#3`, `X.npy#0-9`), numbers written out
 * (`input_ids=[[1,403,407]]`), a folder of such files, or, for a model whose tokenizer is known, a text, a `.txt` file of
 * one text or one on each line, or the texts of a table's column.
 *
 * @param options.memo Keeps the last file, of whose rows more will be asked for, for one model and preprocessing.
 * @param options.within Folder that a path starts from and must not leave, where another file names the source.
 * @throws WhereforeError `file-not-found`, `invalid-data`, `invalid-argument` when the model does not say how such a
 *   file becomes its input, `out-of-range` for a row that the table lacks
 */
export async function readModelInputs(
  model: LoadedModel,
  source: string,
  preprocessing: Preprocessing,
  options: { readonly anyBatch?: boolean; readonly within?: string; readonly memo?: FileMemo } = {},
): Promise<ModelInput[]> {
  const { within } = options;
  const place: ReadOptions = { inside: within === undefined ? undefined : [within] };
  const placed = (path: string) => (within === undefined ? path : resolve(within, path));
  const isText = describedText(preprocessing) !== undefined || isTaken(placed(source));
  const given = (isText ? undefined : bareRow(source)) ?? source;
  if (isNamed(given)) {
    const [name, tensor, hash] = await readNamedTensor(model, given, within);
    const told = given.replace(
      /^([^=]*=\s*)(.*)$/s,
      (_, name, value) => `${name}${portablePath(value, process.cwd())}`,
    );
    return [tensorInput(model, new Map([[name, tensor]]), told, hash, preprocessing)];
  }
  refuseNamedFile(model, source);
  const { path, selection } = splitSelection(source);
  if (await isFolder(placed(path))) {
    const { paths } = await filesOfFolder(nodeFiles, placed(path), preprocessing, { selection });
    const inputs: ModelInput[][] = [];
    for (const file of paths) inputs.push(await readModelInputs(model, file, preprocessing, options));
    return inputs.flat();
  }
  return readFileInputs(
    { model, source, path: placed(path), told: portablePath(path, process.cwd()), selection, place },
    preprocessing,
    options,
  );
}

/**
 * Refuses `name=image.png`: under an input's name stands a tensor, and other files say themselves which input they are.
 * @throws WhereforeError `invalid-argument`
 */
export function refuseNamedFile(model: LoadedModel, source: string): void {
  const [, name, path = ''] = /^([^=/\\]+)=(.*)$/s.exec(source) ?? [];
  const extension = extname(splitSelection(path).path).toLowerCase();
  const isOther =
    imageExtensions.has(extension) || extension in tableReaders || extension in audioReaders || extension === '.txt';
  if (name === undefined || !isOther || isTaken(source)) return;
  const names = requiredInputs(model.graph).map((input) => input.name);
  if (!names.includes(name.trim())) {
    throw unknownName('the model has no input', name.trim(), names, {
      where: source,
      fix: `give the file alone: ${path}`,
    });
  }
  throw new WhereforeError('invalid-argument', `a ${extension} file is not given under the name of an input`, {
    where: source,
    expected: `${name}=FILE with ${Object.keys(tensorReaders).join(', ')}, or ${name}=[numbers]`,
    fix: `give the file alone: ${path}`,
  });
}

/** A file that was named, or a text. */
interface NamedSource {
  readonly model: LoadedModel;
  /** As it was named. */
  readonly source: string;
  readonly path: string;
  /** The path as it may be handed on. */
  readonly told: string;
  readonly selection: string | undefined;
  readonly place: ReadOptions;
}

async function readFileInputs(
  named: NamedSource,
  preprocessing: Preprocessing,
  { memo = new FileMemo(), ...options }: { readonly anyBatch?: boolean; readonly memo?: FileMemo },
): Promise<ModelInput[]> {
  const { model, source, path, told, selection, place } = named;
  const extension = extname(path).toLowerCase();
  const described = describedText(preprocessing);
  if (extension in tableReaders && !described) return rowInputs(named, preprocessing, memo);
  if (extension in tableReaders || extension === '.txt') {
    const texts =
      extension === '.txt'
        ? textsOfFile(
            await memo.get(path, 'text', 'text', { make: () => readText(path, 'text', place), place }),
            selection,
            told,
          )
        : textsOfTable(
            await memo.get(path, 'table', 'table', { make: () => readTable(path, place), place }),
            { path, selection },
            described?.input as TextInput,
          );
    return textsAsInputs(model, texts, told, preprocessing);
  }
  const isKnown = imageExtensions.has(extension) || extension in tensorReaders || extension in audioReaders;
  if (!isKnown && described)
    return textsAsInputs(model, [{ text: source, place: '', notes: [] }], source, preprocessing);
  const kind = imageExtensions.has(extension) ? 'image' : extension in audioReaders ? 'audio' : 'tensors';
  if (kind === 'tensors' && selection !== undefined) return rowsOfArrays(named, selection, preprocessing, memo);
  // Only tensors may be a batch of many.
  const limit = kind !== 'tensors' || options.anyBatch ? undefined : inputLimit(model.graph);
  const bytes = await readBytes(path, kind, { ...place, limit });
  const hash = hashOfFile([bytes]);
  if (kind === 'image') return [await imageInput(model, bytes, told, hash, preprocessing)];
  if (kind === 'audio')
    return [
      await audioAsInput(model, await audioReaders[extension](bytes, told), { source: told, hash }, preprocessing),
    ];
  const arrays = await readerOf(extension, source)(bytes, source, limit);
  return [tensorInput(model, arrays, told, hash, preprocessing, options)];
}

/** @throws WhereforeError `invalid-argument` for an ending that no file of inputs has */
function readerOf(extension: string, where: string): (typeof tensorReaders)[string] {
  const reader = lookup(tensorReaders, extension);
  if (reader) return reader;
  throw new WhereforeError('invalid-argument', 'the kind of file is not known', {
    where,
    got: extension || 'no extension',
    expected: [
      ...imageExtensions,
      ...Object.keys(tableReaders),
      ...Object.keys(tensorReaders),
      ...Object.keys(audioReaders),
      '.txt',
    ].join(' '),
  });
}

async function rowsOfArrays(
  { model, source, path, told, place }: NamedSource,
  selection: string,
  preprocessing: Preprocessing,
  memo: FileMemo,
): Promise<ModelInput[]> {
  const reader = readerOf(extname(path).toLowerCase(), source);
  const make = async () => {
    const bytes = await readBytes(path, 'tensors', place);
    return { hash: hashOfFile([bytes]), arrays: await reader(bytes, source, unpackLimit(bytes.length)) };
  };
  const { hash, arrays } = await memo.get(path, 'tensors', 'arrays', { make, place });
  return arrayRows(arrays, selection, path).map(({ row, tensors }) =>
    tensorInput(model, tensors, `${told}#${row}`, hash, preprocessing),
  );
}

async function rowInputs(
  { model, path, told, selection, place }: NamedSource,
  preprocessing: Preprocessing,
  memo: FileMemo,
): Promise<ModelInput[]> {
  const describe = () => withRows(model, path, preprocessing, place);
  const described = await memo.get(path, 'table', 'description', { make: describe, place });
  const rows = await tableInputs(path, selection, described.preprocessing, place, memo);
  return rows.map((row) => ({
    ...row,
    source: `${told}${row.source.slice(path.length)}`,
    tensors: asTaken(model, row.tensors, path),
    sample: row.sample && { ...row.sample, tensors: asTaken(model, row.sample.tensors, path) },
    notes: [...described.notes, ...row.notes],
  }));
}

async function imageInput(
  model: LoadedModel,
  bytes: Uint8Array,
  source: string,
  hash: string,
  preprocessing: Preprocessing,
): Promise<ModelInput> {
  const { background } = describedImage(preprocessing, source).preprocessing;
  return imageAsInput(model, await readImage(bytes, { name: source, background }), { source, hash }, preprocessing);
}
