import { firstUse } from '../files/first-use.ts';
import { type CsvOptions, csvTable } from './csv-table.ts';
import type { Table } from './table.ts';

export { type CsvOptions, readJsonLines } from './csv-table.ts';

/**
 * Reads CSV text, as `csvTable`, with the parser of Node.
 * @throws WhereforeError as `csvTable`
 */
export const readCsv = (text: string, options: CsvOptions = {}): Table => csvTable(text, options, firstUse.csv());
