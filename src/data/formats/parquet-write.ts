import { firstUse } from '../files/first-use.ts';
import type { Table } from './table.ts';

/**
 * The bytes of a Parquet file: numbers as DOUBLE (missing ones as null), categories and texts as strings; Snappy.
 * @throws WhereforeError `invalid-argument` in Node 22.0 to 22.11
 */
export function writeParquet(table: Table): Uint8Array<ArrayBuffer> {
  const columnData = table.columns.map((column) => ({
    name: column.name,
    data:
      column.kind === 'number'
        ? Array.from(column.values, (value) => (Number.isNaN(value) ? null : value))
        : column.values.map((value) => value ?? null),
    type: column.kind === 'number' ? ('DOUBLE' as const) : ('STRING' as const),
    nullable: true,
  }));
  return new Uint8Array(firstUse.parquetWriter().parquetWriteBuffer({ columnData }));
}
