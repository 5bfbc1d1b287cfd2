import { WhereforeError } from '../../errors.ts';
import { fileName, inFolderOf } from '../../paths.ts';
import type { Files } from '../files/file-access.ts';
import { decodeText, textIfPresent } from '../files/file-text.ts';
import type { LoadedPreprocessing } from './preprocessing-text.ts';

/**
 * The preprocessing beside a model file: `<model>.wherefore.yaml`, else `wherefore.yaml` in the same folder;
 * undefined where there is neither.
 */
export async function preprocessingBeside(files: Files, modelPath: string): Promise<LoadedPreprocessing | undefined> {
  const stem = fileName(modelPath).replace(/(?<=.)\.[^.]*$/, '');
  for (const name of [`${stem}.wherefore.yaml`, 'wherefore.yaml']) {
    const path = inFolderOf(modelPath, name);
    const text = await textIfPresent(files, path, 'settings', { namedBy: modelPath });
    if (text !== undefined) return withLabels(files, text, path);
  }
  return undefined;
}

/**
 * Reads a `wherefore.yaml` and the label file that it names, which must lie below its folder.
 * @throws WhereforeError `file-not-found`, `file-unreadable`, `invalid-data`
 */
export async function preprocessingAt(files: Files, path: string): Promise<LoadedPreprocessing> {
  return withLabels(files, decodeText(await files.read(path, 'settings'), path), path);
}

async function withLabels(files: Files, text: string, path: string): Promise<LoadedPreprocessing> {
  // Read where there is one: the parser of YAML is larger than a method.
  const { parsePreprocessing } = await import('./preprocessing-yaml.ts');
  const preprocessing = parsePreprocessing(text, path);
  const { labels } = preprocessing;
  if (labels === undefined) return { preprocessing, path };
  if (typeof labels !== 'string') return { preprocessing, path, labels };
  const named = inFolderOf(path, labels);
  const list = decodeText(await files.read(named, 'labels', { namedBy: path }), named);
  return { preprocessing, path, labels: labelsIn(list, named) };
}

/**
 * Class names by index: a text file with one a line, a JSON list, or a JSON object with the indices as its keys.
 * @throws WhereforeError `invalid-data` for an empty file, or JSON of another form.
 */
export function labelsIn(content: string, path: string): string[] {
  const text = content.trim();
  if (!text) throw new WhereforeError('invalid-data', 'the label file is empty', { where: path });
  if (!/^[[{]/.test(text)) return text.split(/\r?\n/).map((line) => line.trim());
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'the label file begins like JSON but is not', { where: path, cause });
  }
  const labels = Object.entries(parsed as object);
  const inOrder = labels.every(([key], i) => key === String(i));
  if (!inOrder || labels.some(([, label]) => typeof label !== 'string')) {
    throw new WhereforeError('invalid-data', 'the label file has another form', {
      where: path,
      expected: 'a JSON list of names, or an object with the keys "0", "1", … without gaps',
    });
  }
  return labels.map(([, label]) => label as string);
}
