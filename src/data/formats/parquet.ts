import type { FileMetaData } from 'hyparquet';
import { WhereforeError } from '../../errors.ts';
import { formatBytes } from '../files/file-kinds.ts';
import { type ColumnOptions, columnOf, mostCells, type RawValue, requireRows, type Table } from './table.ts';

/**
 * Reads a Parquet file of flat columns (numbers, texts, booleans, dates as ISO text), uncompressed or with Snappy.
 * @throws WhereforeError `invalid-data` for a damaged file, `wrong-type` for nested or binary columns and for other
 * compressions, which it names.
 */
export async function readParquet(
  bytes: Uint8Array,
  options: ColumnOptions & { readonly where?: string } = {},
): Promise<Table> {
  const { parquetMetadata, parquetReadObjects, snappyUncompress } = await import('hyparquet');
  const where = options.where ?? 'parquet';
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const metadata = attempt(where, () => parquetMetadata(file));
  checkCompression(metadata, where);
  checkSize(metadata, bytes.length, where);
  const rows = await parquetReadObjects({ file, metadata, compressors: parquetCompressors(snappyUncompress) }).catch(
    (cause) => {
      throw damagedParquet(where, cause);
    },
  );
  const names = rows.length ? Object.keys(rows[0]) : [];
  const columns = names.map((name) =>
    columnOf(
      name,
      rows.map((row, i) => rawValue(row[name], name, i, where)),
      options,
    ),
  );
  return requireRows({ columns, rowCount: rows.length }, where);
}

/** @throws WhereforeError `wrong-type` for a file that is compressed in a way that is not read */
export function checkCompression({ row_groups: groups }: FileMetaData, where: string): void {
  const unread = groups
    .flatMap((group) => group.columns.map((column) => column.meta_data?.codec))
    .find((codec) => codec && codec !== 'UNCOMPRESSED' && codec !== 'SNAPPY');
  if (unread) {
    throw new WhereforeError('wrong-type', 'the file is compressed in a way that cannot be read', {
      where,
      got: unread,
      expected: 'SNAPPY or none',
      fix: "write it again, e.g. with pandas' to_parquet(…, compression='snappy')",
    });
  }
}

/** Snappy copies 64 bytes for 3 at best. */
const mostExpansion = 24;

/** What is unpacked here: pages, whose headers state their sizes, no larger than Snappy can make them. */
export function parquetCompressors(snappyUncompress: (packed: Uint8Array, page: Uint8Array) => void) {
  return {
    SNAPPY: (packed: Uint8Array, length: number): Uint8Array => {
      if (length > mostExpansion * packed.length + 64) {
        throw new Error(`a page of ${packed.length} bytes that states ${length} unpacked`);
      }
      const page = new Uint8Array(length);
      snappyUncompress(packed, page);
      return page;
    },
  };
}

/** Repeated values take no room in the file: rows are counted before they are made. */
function checkSize({ num_rows: rows, row_groups: groups }: FileMetaData, length: number, where: string): void {
  const cells = groups.reduce((sum, group) => sum + Number(group.num_rows) * group.columns.length, 0);
  const bytes = groups.reduce(
    (sum, { columns }) =>
      sum + columns.reduce((all, { meta_data: one }) => all + Number(one?.total_uncompressed_size ?? 0), 0),
    0,
  );
  if (cells <= mostCells && bytes <= mostExpansion * length + 2 ** 20 && Number(rows) <= mostCells) return;
  throw new WhereforeError('out-of-range', 'the table is too large to be read', {
    where,
    got: `${rows} rows, ${cells} values, ${formatBytes(bytes)} unpacked`,
    expected: `at most ${mostCells} values`,
    fix: 'give a file with the rows that matter',
  });
}

function attempt<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw damagedParquet(where, cause);
  }
}

/** An error that names the file, and what the reader of the format says. */
export function damagedParquet(where: string, cause: unknown): WhereforeError {
  return new WhereforeError('invalid-data', 'not a Parquet file, or a damaged one', {
    where,
    got: cause instanceof Error ? cause.message : String(cause),
    fix: 'write the file again',
    cause,
  });
}

/** A value as a column takes it. @throws WhereforeError `wrong-type` for lists, records and bytes */
export function rawValue(value: unknown, name: string, row: number, where: string): RawValue {
  if (
    value === null ||
    value === undefined ||
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'boolean'
  )
    return value;
  // As text, so that no digit of a large integer is lost before the column's kind is known.
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date) return value.toISOString();
  throw new WhereforeError('wrong-type', `column "${name}" holds lists, records or bytes`, {
    where: `${where}, row ${row + 1}`,
    expected: 'texts, numbers, booleans or dates',
    fix: 'leave the column out, or flatten it',
  });
}
