import type { Column } from '../../formats/table.ts';

/** What near duplicates have in common, in words. */
export const nearRules = {
  image: 'dHash within 6 of 64 bits, and 16×16 thumbnails within a tenth of their contrast',
  text: 'the same letters and digits, whatever their case, spaces and punctuation',
  table: 'the same row once numbers are rounded to 3 digits and texts stripped of case and spaces',
  tensor: 'the same values once rounded to 3 digits',
} as const;

/** The letters and digits of a text in lower case, one space between words; accents written one way. */
export function normalisedText(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim();
}

const digits = 3;

/** A number rounded to three significant digits. */
export function roundedNumber(value: number): string {
  return Number.isFinite(value) && value !== 0 ? String(Number(value.toPrecision(digits))) : String(value + 0);
}

/** A row of a table, rounded. */
export function roundedRow(columns: readonly Column[], row: number): string {
  let key = '';
  for (const { values } of columns) {
    const value = values[row];
    key += `${typeof value === 'number' ? roundedNumber(value) : normalisedText(value ?? '')}\u0000`;
  }
  return key;
}
