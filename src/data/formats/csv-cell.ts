/**
 * A text as a cell of a CSV file: quoted where it has to be. One that a spreadsheet would take for a formula (it begins
 * with `=`, `+`, `-`, `@`, a tab or a line break) gets an apostrophe in front, which spreadsheets take for "text".
 */
export function csvCell(text: string): string {
  const plain = /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
