import { WhereforeError } from '../../errors.ts';
import { endingOf, within } from '../../paths.ts';
import type { Files } from '../files/file-access.ts';
import { audioReaders } from '../formats/audio-readers.ts';
import { imageExtensions } from '../formats/image-type.ts';
import { tensorReaders } from '../formats/tensor-file.ts';
import type { Preprocessing } from '../model/preprocessing.ts';
import { selectedRows } from './row-selection.ts';

/** Inputs of one file or folder that are explained without naming them. */
export const mostAtOnce = 100;

/** Files of one kind, by their endings, and the kinds of input that they are for. */
const families: readonly {
  readonly called: string;
  readonly endings: ReadonlySet<string>;
  readonly kinds: readonly string[];
}[] = [
  { called: 'images', endings: imageExtensions, kinds: ['image'] },
  { called: 'texts', endings: new Set(['.txt']), kinds: ['text'] },
  { called: 'recordings', endings: new Set(Object.keys(audioReaders)), kinds: ['audio'] },
  {
    called: 'arrays',
    endings: new Set(Object.keys(tensorReaders)),
    kinds: ['tensor', 'image', 'text', 'audio', 'table'],
  },
];

/** What was found in a folder. */
export interface FoundFiles {
  readonly paths: readonly string[];
  readonly note: string;
}

/**
 * The files of a folder that a model takes, sub-folders included, in alphabetical order: images, texts or recordings by
 * what its inputs are, else arrays.
 * @param options.selection Places in that order, as `0-9`. Default all, at most {@link mostAtOnce} unless `any` is set.
 * @throws WhereforeError `invalid-data` for a folder without such files; `invalid-argument` for too many of them
 */
export async function filesOfFolder(
  there: Files,
  folder: string,
  { inputs }: Preprocessing,
  { selection, any = false }: { readonly selection?: string; readonly any?: boolean } = {},
): Promise<FoundFiles> {
  const files = (await there.list(folder, { deep: true })).filter(({ isFolder }) => !isFolder);
  const taken = new Set(Object.values(inputs).map(({ kind }) => kind as string));
  const fitting = families.filter(({ kinds }) => taken.size === 0 || kinds.some((kind) => taken.has(kind)));
  for (const { called, endings } of fitting) {
    const found = files.filter(({ name }) => endings.has(endingOf(name))).map(({ name }) => name);
    if (found.length === 0) continue;
    const positions =
      selection === undefined ? everyPosition(found.length, folder, called, any) : selectedRows(selection, folder);
    const missing = positions.find((place) => place >= found.length);
    if (missing !== undefined) throw noSuch(folder, missing, found.length);
    return { paths: positions.map((place) => within(folder, found[place])), note: `${called} of ${folder}` };
  }
  throw new WhereforeError(
    'invalid-data',
    `the folder holds no ${fitting.map(({ called }) => called).join(' or ')} for the model`,
    {
      where: folder,
      got: [...new Set(files.map(({ name }) => endingOf(name) || name))].slice(0, 12).join(', ') || 'nothing',
      expected: fitting.flatMap(({ endings }) => [...endings]).join(' '),
    },
  );
}

/** All positions, where they are not too many to be meant. */
export function everyPosition(count: number, where: string, called: string, any = false): number[] {
  if (any || count <= mostAtOnce) return Array.from({ length: count }, (_, i) => i);
  throw new WhereforeError('invalid-argument', `which of the ${called} are to be explained?`, {
    where,
    got: `${count}`,
    expected: `at most ${mostAtOnce} unless they are named`,
    fix: `name some: ${where}#0-9 or ${where}#3,17 (in a command also --row 0-9)`,
  });
}

/** The error of a place beyond the last. */
export function noSuch(where: string, place: number, count: number): WhereforeError {
  return new WhereforeError('out-of-range', 'there is no such entry', {
    where,
    got: `${place}`,
    expected: `0 to ${count - 1}`,
  });
}
