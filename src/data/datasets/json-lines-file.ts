import { WhereforeError } from '../../errors.ts';
import type { RawValue } from '../formats/table.ts';
import { Blocks, type ReaderCache } from './blocks.ts';
import type { ByteRanges } from './byte-ranges.ts';
import { findRecords } from './lines.ts';
import type { TableFile } from './table-rows.ts';

/** Lines whose keys are taken for the columns, spread evenly over the file. */
const sampled = 1000;

/**
 * A file of JSON Lines, of which lines are read when they are asked for: one pass finds where they begin, and the keys
 * of a sample of them are the columns.
 * @throws WhereforeError `invalid-data` for an empty file, and at a read for a line that is no object, or a value that
 *   is a list or an object
 */
export async function jsonLinesFile(ranges: ByteRanges, cache: ReaderCache): Promise<TableFile> {
  const where = ranges.name;
  const records = await findRecords(ranges, new Blocks(ranges, cache), { quoted: false });
  if (records.count === 0) throw new WhereforeError('invalid-data', 'the file is empty', { where });
  const rows = async (indices: ArrayLike<number>) =>
    (await records.read(indices)).map((line, i) => parsed(line, `${where}, row ${indices[i]}`));
  const step = Math.max(1, records.count / sampled);
  const sample: number[] = [];
  for (let at = 0; Math.floor(at) < records.count; at += step) sample.push(Math.floor(at));
  const names = new Set<string>();
  for (const row of await rows(sample)) for (const name of Object.keys(row)) names.add(name);
  return {
    name: where,
    length: records.count,
    columnNames: [...names],
    read: async (columns, indices) => {
      const found = await rows(indices);
      return new Map(
        columns.map((name) => [
          name,
          found.map((row, i) =>
            scalar(Object.hasOwn(row, name) ? row[name] : undefined, name, `${where}, row ${indices[i]}`),
          ),
        ]),
      );
    },
  };
}

function parsed(line: string, where: string): Record<string, unknown> {
  const got = line.trim().slice(0, 60);
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'not JSON', { where, got, expected: 'one object on each line', cause });
  }
  if (typeof row === 'object' && row !== null && !Array.isArray(row)) return row as Record<string, unknown>;
  throw new WhereforeError('invalid-data', 'not an object', { where, got, expected: '{"column": value, …}' });
}

function scalar(value: unknown, name: string, where: string): RawValue {
  if (typeof value !== 'object' || value === null) return value as RawValue;
  throw new WhereforeError('invalid-data', `the value of "${name}" is a list or an object`, {
    where,
    expected: 'a text, a number, true, false or null',
    fix: 'flatten it into columns',
  });
}
