import { isFolder } from '../data/files/folders.ts';
import { nodeFiles } from '../data/files/node-files.ts';
import { selectedRows, splitSelection } from '../data/inputs/row-selection.ts';
import { filesOfFolder } from '../data/inputs/source-files.ts';
import { isNamed } from '../data/inputs/tensor-input.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';

/**
 * The inputs that the words of a command name, one by one and without reading them: the files of a folder, the rows of
 * a selection; everything else as it is.
 * @throws WhereforeError as `filesOfFolder` and `selectedRows`
 */
export async function explainItems(sources: readonly string[], preprocessing: Preprocessing): Promise<string[]> {
  const items: string[] = [];
  for (const source of sources) {
    const { path, selection } = splitSelection(source);
    let found = [source];
    if (!isNamed(source) && (await isFolder(path)))
      found = [...(await filesOfFolder(nodeFiles, path, preprocessing, { selection, any: true })).paths];
    else if (!isNamed(source) && selection !== undefined)
      found = selectedRows(selection, path).map((row) => `${path}#${row}`);
    for (const one of found) items.push(one);
  }
  return items;
}
