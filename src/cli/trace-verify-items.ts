import { dirname, resolve } from 'node:path';
import { openDataset } from '../data/datasets/open-dataset.ts';
import { isFile } from '../data/files/folders.ts';
import { range } from '../dataset/pieces.ts';
import { WhereforeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import type { ImageIndex } from '../provenance/image/image-index.ts';
import type { ColumnValues } from '../provenance/verify/traced-shares.ts';
import { type AskedQuestion, askedQuestions, type VerifiedItem } from '../provenance/verify/verification.ts';

/** The items of `trace verify`: a table with a column `image`, and `id`, `prompt`, `stratum`, `remove`, `family`, `question` where there are. */
export async function readItems(path: string): Promise<VerifiedItem[]> {
  const table = await openDataset(path, { kind: 'table' });
  if (!table.columns.includes('image'))
    throw unknownName('the items have no column', 'image', table.columns, { where: path });
  const rows = range(0, table.length);
  const column = async (name: string) => (table.columns.includes(name) ? table.column(name, rows) : undefined);
  const images = (await column('image')) ?? [];
  const [prompts, strata, ids] = [await column('prompt'), await column('stratum'), await column('id')];
  const [counts, families, asked] = [await column('remove'), await column('family'), await column('question')];
  const found: VerifiedItem[] = [];
  const known = new Set<string>();
  for (let i = 0; i < table.length; i++) {
    const where = `${path}, row ${i}`;
    const image = resolve(dirname(path), String(images[i] ?? ''));
    if (!(await isFile(image)))
      throw new WhereforeError('file-not-found', 'there is no such image', { where, got: String(images[i]) });
    const prompt = prompts?.[i] === undefined ? undefined : String(prompts[i]);
    const id = String(ids?.[i] ?? images[i]);
    if (known.has(id)) throw new WhereforeError('invalid-data', 'two items have one id', { where: path, got: id });
    known.add(id);
    const remove = counts?.[i] === undefined ? undefined : removeCount(counts[i], where);
    const stratum = String(strata?.[i] ?? 'items');
    const family = families?.[i] === undefined || families[i] === '' ? undefined : String(families[i]);
    const question = asked?.[i] === undefined || asked[i] === '' ? undefined : questionOf(String(asked[i]), where);
    found.push({
      id,
      image,
      prompt,
      group: prompt ?? id,
      stratum,
      ...(remove && { remove }),
      ...(family && { family }),
      ...(question && { question }),
    });
  }
  return found;
}

function questionOf(cell: string, where: string): AskedQuestion {
  const found = askedQuestions.find((name) => name === cell);
  if (found) return found;
  throw unknownName('column "question" names no ranking', cell, askedQuestions, { where });
}

function removeCount(cell: unknown, where: string): number {
  const count = Number(cell);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new WhereforeError('invalid-data', 'column "remove" is no number of images', {
    where,
    got: String(cell),
    expected: 'a whole number from 1, for all items of a prompt alike',
  });
}

/** Values beyond this many are no groups of images any more, each with a training for every seed. */
const mostValues = 50;

/** The values of a column of an index, for leaving each out in turn. @throws WhereforeError `unknown-name`, `invalid-argument` */
export function columnValues({ items, folder }: ImageIndex, column: string): ColumnValues {
  const columns = [...new Set(items.flatMap((item) => Object.keys(item.columns)))];
  if (!columns.includes(column)) throw unknownName('the index has no column', column, columns, { where: folder });
  const found = items.map((item) => item.columns[column]);
  const values = [...new Set(found.filter((value) => value !== undefined).map(String))].sort();
  if (values.length < 2 || values.length > mostValues)
    throw new WhereforeError('invalid-argument', `column "${column}" cannot be left out value by value`, {
      where: folder,
      got: `${values.length} value${values.length === 1 ? '' : 's'}`,
      expected: `2 to ${mostValues}, each a group of images`,
    });
  const of = new Int32Array(items.length);
  const numbers = new Map(values.map((value, v) => [value, v]));
  for (const [image, value] of found.entries()) of[image] = numbers.get(String(value)) ?? -1;
  return { column, values, of };
}
