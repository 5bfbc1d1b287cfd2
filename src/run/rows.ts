import { WhereforeError } from '../errors.ts';

/** What a column of results holds; a cell may be missing. */
export type ColumnType = 'number' | 'count' | 'text' | 'truth';

/** Columns of results by name, in their order. */
export type Columns = Readonly<Record<string, ColumnType>>;

type Cell = number | string | boolean | undefined;

export type Row = Readonly<Record<string, Cell>>;

const parquetTypes = { number: 'DOUBLE', count: 'INT32', text: 'STRING', truth: 'BOOLEAN' } as const;

/** Rows of results as a Parquet file; a number that is not finite is missing. */
export async function writeRows(columns: Columns, rows: readonly Row[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const present = (cell: Cell) => (typeof cell === 'number' && !Number.isFinite(cell) ? null : (cell ?? null));
  const columnData = Object.entries(columns).map(([name, type]) => ({
    name,
    data: rows.map((row) => present(row[name])),
    type: parquetTypes[type],
    nullable: true,
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

/** Reads rows back; a missing cell is absent. @throws WhereforeError `invalid-data` for what is no such file */
export async function readRows(bytes: Uint8Array, where: string): Promise<Row[]> {
  const { parquetMetadata, parquetReadObjects } = await import('hyparquet');
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  try {
    const rows = await parquetReadObjects({ file, metadata: parquetMetadata(file) });
    return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, cell]) => cell !== null)));
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'no rows of results', {
      where,
      got: (cause as Error).message,
      fix: 'remove the shard, and give the command again',
      cause,
    });
  }
}
