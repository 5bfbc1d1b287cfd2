import { basename, dirname, extname, join, resolve } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import { foldersOf } from '../files/folders.ts';
import type { ReadOptions } from '../files/open-file.ts';
import { readText, readTextIfPresent } from '../files/read-file.ts';
import { type LoadedPreprocessing, parsePreprocessing } from './preprocessing-text.ts';

/**
 * The preprocessing beside a model file: `<model>.wherefore.yaml`, else `wherefore.yaml` in the same folder;
 * undefined where there is neither.
 */
export async function findPreprocessing(modelPath: string): Promise<LoadedPreprocessing | undefined> {
  const folder = dirname(modelPath);
  const stem = basename(modelPath, extname(modelPath));
  const inside = await foldersOf(modelPath);
  for (const path of [join(folder, `${stem}.wherefore.yaml`), join(folder, 'wherefore.yaml')]) {
    const text = await readTextIfPresent(path, 'settings', { inside });
    if (text !== undefined) return withLabels(text, path);
  }
  return undefined;
}

/**
 * Reads a `wherefore.yaml` and the label file that it names, which must lie below its folder.
 * @throws WhereforeError `file-not-found`, `file-unreadable`, `invalid-data`
 */
export async function loadPreprocessing(path: string): Promise<LoadedPreprocessing> {
  return withLabels(await readText(path, 'settings'), path);
}

async function withLabels(text: string, path: string): Promise<LoadedPreprocessing> {
  const preprocessing = parsePreprocessing(text, path);
  const { labels } = preprocessing;
  if (labels === undefined) return { preprocessing, path };
  if (typeof labels !== 'string') return { preprocessing, path, labels };
  const inside = await foldersOf(path);
  return { preprocessing, path, labels: await readLabels(resolve(dirname(path), labels), { inside }) };
}

/**
 * Class names by index: a text file with one a line, a JSON list, or a JSON object with the indices as its keys.
 * @throws WhereforeError `invalid-data` for an empty file, or JSON of another form.
 */
export async function readLabels(path: string, options: ReadOptions = {}): Promise<string[]> {
  const text = (await readText(path, 'labels', options)).trim();
  if (!text) throw new WhereforeError('invalid-data', 'the label file is empty', { where: path });
  if (!/^[[{]/.test(text)) return text.split(/\r?\n/).map((line) => line.trim());
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'the label file begins like JSON but is not', { where: path, cause });
  }
  const labels = Object.entries(content as object);
  const inOrder = labels.every(([key], i) => key === String(i));
  if (!inOrder || labels.some(([, label]) => typeof label !== 'string')) {
    throw new WhereforeError('invalid-data', 'the label file has another form', {
      where: path,
      expected: 'a JSON list of names, or an object with the keys "0", "1", … without gaps',
    });
  }
  return labels.map(([, label]) => label as string);
}
