import { WhereforeError } from '../../errors.ts';
import { endingOf, fileName } from '../../paths.ts';
import type { AccessOptions, Files } from '../files/file-access.ts';
import { textAt } from '../files/file-text.ts';
import { labelsIn } from './preprocessing-at.ts';

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

/**
 * Lists of names among the files around a model: text files and JSON of strings; anything else is passed over.
 * @param paths the files around the model
 */
export async function labelLists(files: Files, paths: readonly string[], access: AccessOptions): Promise<LabelList[]> {
  const lists: LabelList[] = [];
  for (const path of candidates(paths)) {
    try {
      const names = labelsIn(await textAt(files, path, 'labels', { ...access, limit: mostBytes }), path);
      if (names.every(Boolean)) lists.push({ names, file: path, isCalledSo: calledSo.test(fileName(path)) });
    } catch (error) {
      // Nobody named this file: it may be anything.
      if (!(error instanceof WhereforeError)) throw error;
    }
  }
  return lists;
}

function candidates(paths: readonly string[]): string[] {
  const found = paths.filter((path) => ['.txt', '.json'].includes(endingOf(path)) && !otherLists.test(fileName(path)));
  const first = (path: string) => (calledSo.test(fileName(path)) ? 0 : 1);
  return found.sort((a, b) => first(a) - first(b)).slice(0, mostFiles);
}
