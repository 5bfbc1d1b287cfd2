import { hashOfFile } from '../files/file-hash.ts';
import type { TableRows } from './table-rows.ts';

/** SHA-256 of some columns of rows: each name and value, in the order of the names. */
export async function tableHashes(
  table: TableRows,
  columns: readonly string[],
  indices: Uint32Array,
): Promise<string[]> {
  const found = (await table.read([...columns].sort(), indices)).columns;
  const hashes = new Array<string>(indices.length);
  for (let i = 0; i < indices.length; i++) {
    let row = '';
    for (const { name, values } of found) {
      const value = values[i];
      row += `${name.length}:${name}${typeof value === 'string' ? `"${value.length}:${value}` : `=${value}`}\n`;
    }
    hashes[i] = hashOfFile([row]);
  }
  return hashes;
}
