import type { RowViews } from '../page/audit/row-view.ts';

/** Letters of a text that a line of the terminal has room for. */
const most = 60;

/** The beginnings of some rows by their number, where rows are texts; else none. */
export async function rowTexts(views: RowViews, rows: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const numbers = [...new Set(rows)];
  const found = numbers.length > 0 ? await views(numbers) : [];
  return new Map(
    found.flatMap((view, i) => (view.kind === 'text' ? [[numbers[i], beginning(view.text)] as const] : [])),
  );
}

/** In quotation marks, on one line, cut at a word. */
function beginning(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const letters = [...line];
  if (letters.length <= most) return `“${line}”`;
  return `“${letters
    .slice(0, most)
    .join('')
    .replace(/\s\S*$/, '')} …”`;
}
