import { columnNamed } from '../../data/formats/table.ts';
import { readTable } from '../../data/formats/table-file.ts';
import type { LabelledText } from '../../language/shortcut/swapped-copies.ts';

/** Texts and labels of a table. @throws WhereforeError `unknown-name` for a column that is not there */
export async function labelledTexts(
  path: string,
  { text, label }: { readonly text: string; readonly label: string },
): Promise<LabelledText[]> {
  const table = await readTable(path, { kinds: { [text]: 'text', [label]: 'text' }, missing: [''] });
  const [texts, labels] = [text, label].map((name) =>
    Array.from(columnNamed(table, name, path).values as ArrayLike<unknown>, (value) => String(value ?? '')),
  );
  return texts.map((one, i) => ({ text: one, label: labels[i] }));
}
