import { maxOf } from '../tensor/extremes.ts';
import { visible } from './terminal.ts';
/** Rows as aligned columns; numbers to the right. The first row is the head. */
export function formatTable(cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(visible));
  const widths = (rows[0] ?? []).map((_, column) => maxOf(rows.map((row) => (row[column] ?? '').length)));
  const numeric = widths.map((_, column) =>
    rows.slice(1).every((row) => /^[-+<>]?[\d.,e+-]*\s?%?$|^–$/.test(row[column] ?? '')),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => (numeric[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A number to four significant digits, – for none. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-4 ? value.toExponential(2) : Number(value.toPrecision(4)).toString();
}

/** A share as a percentage. */
export function formatShare(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  const percent = value * 100;
  if (percent > 0 && percent < 0.001) return '<0.001 %';
  return `${percent >= 1000 ? '>999' : percent >= 10 ? percent.toFixed(0) : percent === 0 ? '0' : Number(percent.toPrecision(2))} %`;
}
