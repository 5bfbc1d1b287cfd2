import type { AsyncBuffer, FileMetaData } from 'hyparquet';
import { WhereforeError } from '../../errors.ts';
import { checkCompression, damagedParquet, parquetCompressors, rawValue } from '../formats/parquet.ts';
import type { ColumnKind, RawValue } from '../formats/table.ts';
import type { ReaderCache } from './blocks.ts';
import type { ByteRanges } from './byte-ranges.ts';
import type { RawColumns, TableFile } from './table-rows.ts';

/** One column of one row group. */
interface Chunk {
  readonly column: string;
  readonly start: number;
  readonly end: number;
  /** Bytes that its values take in memory, as far as the file says. */
  readonly bytes: number;
}

interface Group {
  readonly start: number;
  readonly end: number;
  readonly chunks: ReadonlyMap<string, Chunk>;
}

/**
 * A Parquet file of which columns of row groups are read when rows of them are asked for, uncompressed or with Snappy.
 * @throws WhereforeError `invalid-data` for a damaged file, `wrong-type` for other compressions; at a read, for a column
 *   of lists, records or bytes
 */
export async function parquetFile(ranges: ByteRanges, cache: ReaderCache): Promise<TableFile> {
  const { parquetMetadataAsync, parquetScan, parquetSchema, snappyUncompress } = await import('hyparquet');
  const compressors = parquetCompressors(snappyUncompress);
  const where = ranges.name;
  const file: AsyncBuffer = {
    byteLength: ranges.size,
    slice: async (start, end = ranges.size) => (await ranges.read(start, end)).buffer,
  };
  const metadata = await parquetMetadataAsync(file).catch((cause) => {
    throw damagedParquet(where, cause);
  });
  checkCompression(metadata, where);
  const fields = parquetSchema(metadata).children;
  const groups = groupsOf(metadata);
  const length = groups.at(-1)?.end ?? 0;
  if (length === 0 || fields.length === 0) throw new WhereforeError('invalid-data', 'the table is empty', { where });
  const read = async ({ column, start, end }: Chunk): Promise<ArrayLike<unknown>> => {
    const scan = await parquetScan({ file, metadata, columns: [column], compressors });
    return (await scan.readColumn({ column, rowStart: start, rowEnd: end })) as ArrayLike<unknown>;
  };
  const values = (chunk: Chunk) =>
    cache
      .get(`${where} ${chunk.column} ${chunk.start}`, chunk.bytes, () => read(chunk))
      .catch((cause) => {
        throw cause instanceof WhereforeError ? cause : damagedParquet(where, cause);
      }) as Promise<ArrayLike<unknown>>;
  return {
    name: where,
    length,
    columnNames: fields.map(({ element }) => element.name),
    kinds: Object.fromEntries(
      fields.flatMap(({ element }) =>
        isNumeric(element.type, element.converted_type, element.logical_type?.type) ? [[element.name, 'number']] : [],
      ),
    ) as Record<string, ColumnKind>,
    read: async (columns, indices) => {
      const found: [string, ArrayLike<RawValue | bigint>][] = [];
      for (const column of columns) found.push([column, await columnValues(column, indices, groups, values, where)]);
      return new Map(found) as RawColumns;
    },
  };
}

async function columnValues(
  column: string,
  indices: Uint32Array,
  groups: readonly Group[],
  values: (chunk: Chunk) => Promise<ArrayLike<unknown>>,
  where: string,
): Promise<ArrayLike<RawValue | bigint>> {
  const result = new Array<RawValue | bigint>(indices.length);
  const byGroup = new Map<Group, number[]>();
  for (let i = 0; i < indices.length; i++) {
    const group = groupAt(groups, indices[i]);
    const positions = byGroup.get(group);
    if (positions) positions.push(i);
    else byGroup.set(group, [i]);
  }
  for (const [group, positions] of byGroup) {
    const chunk = group.chunks.get(column);
    if (!chunk) {
      throw new WhereforeError('wrong-type', `column "${column}" holds lists or records`, {
        where,
        expected: 'texts, numbers, booleans or dates',
        fix: 'leave the column out, or flatten it',
      });
    }
    const data = await values(chunk);
    for (const i of positions) {
      const value = data[indices[i] - group.start];
      const isPlain = typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string';
      result[i] = isPlain ? value : rawValue(value, column, indices[i], where);
    }
  }
  return result;
}

function groupAt(groups: readonly Group[], index: number): Group {
  let low = 0;
  for (let high = groups.length - 1; low < high; ) {
    const middle = (low + high + 1) >> 1;
    if (groups[middle].start <= index) low = middle;
    else high = middle - 1;
  }
  return groups[low];
}

/** Bytes of a value that is held: a number, or the reference to a text. */
const valueBytes = 8;

function groupsOf({ row_groups: groups }: FileMetaData): Group[] {
  let start = 0;
  const found: Group[] = [];
  for (const { num_rows: count, columns } of groups) {
    const end = start + Number(count);
    const chunks = new Map<string, Chunk>();
    for (const { meta_data: one } of columns) {
      if (one?.path_in_schema.length !== 1) continue;
      // Texts are held with two bytes a letter.
      const texts = one.type === 'BYTE_ARRAY' ? 2 * Number(one.total_uncompressed_size) : 0;
      const [column] = one.path_in_schema;
      chunks.set(column, { column, start, end, bytes: valueBytes * (end - start) + texts });
    }
    if (end > start) found.push({ start, end, chunks });
    start = end;
  }
  return found;
}

const numericTypes = new Set(['INT32', 'INT64', 'FLOAT', 'DOUBLE']);

/** Dates and times are texts; decimals and whole numbers of any width are numbers. */
function isNumeric(type: string | undefined, converted: string | undefined, logical: string | undefined): boolean {
  return type !== undefined && numericTypes.has(type) && !/DATE|TIME/.test(`${converted ?? ''} ${logical ?? ''}`);
}
