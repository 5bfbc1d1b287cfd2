import { basename, extname, join } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import { folderEntries } from '../files/folders.ts';
import { readLabels } from './preprocessing-file.ts';

/** A file beside a model that lists names, one a line or as JSON. */
export interface LabelList {
  readonly names: readonly string[];
  readonly file: string;
  /** Whether its name says that these are names of classes: `imagenet_classes.txt`. Only such a file is used unasked. */
  readonly isCalledSo: boolean;
}

const calledSo = /label|class|categor|synset/i;
/** Lists of words and of parts of words are no classes. */
const otherLists = /vocab|merges|token|config|requirements|licen[cs]e|readme/i;

/** No list of classes is longer; a file is read only to find out whether it is one. */
const mostBytes = 2 ** 20;
/** Files that are looked into in a folder, those that are called so first. */
const mostFiles = 20;

/** Lists of names in the folders around a model: text files and JSON of strings; anything else is passed over. */
export async function labelLists(folders: readonly string[], inside: readonly string[]): Promise<LabelList[]> {
  const lists: LabelList[] = [];
  for (const path of await candidates(folders)) {
    try {
      const names = await readLabels(path, { inside, limit: mostBytes });
      if (names.every(Boolean)) lists.push({ names, file: path, isCalledSo: calledSo.test(basename(path)) });
    } catch (error) {
      // Nobody named this file: it may be anything.
      if (!(error instanceof WhereforeError)) throw error;
    }
  }
  return lists;
}

async function candidates(folders: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    for (const { name, isFolder } of await folderEntries(folder)) {
      const isList = ['.txt', '.json'].includes(extname(name).toLowerCase()) && !otherLists.test(name);
      if (isList && !isFolder) found.push(join(folder, name));
    }
  }
  const first = (path: string) => (calledSo.test(basename(path)) ? 0 : 1);
  return found.sort((a, b) => first(a) - first(b)).slice(0, mostFiles);
}
