import { inflateSync } from 'fflate';
import { WhereforeError } from '../../errors.ts';
import { formatBytes } from '../files/file-kinds.ts';
import type { ReaderCache } from './blocks.ts';
import type { ByteRanges } from './byte-ranges.ts';

/** A file in a ZIP archive. */
export interface ZipEntry {
  readonly name: string;
  /** Its content: parts of the archive where it is stored as it is, unpacked whole where it is packed. */
  readonly ranges: ByteRanges;
}

const endRecord = { mark: 0x06054b50, length: 22, longestComment: 65535 };
const centralRecord = { mark: 0x02014b50, length: 46 };
const localRecord = { mark: 0x04034b50, length: 30 };
const methods = { stored: 0, deflated: 8 };
const beyond32Bits = 0xffffffff;

/**
 * The files of a ZIP archive, by its table of contents.
 * @throws WhereforeError `invalid-data` for what is no ZIP, a damaged one, or one that is packed otherwise or larger
 *   than 4 GiB; `out-of-range` for a packed file that is larger than the budget
 */
export async function zipEntries(archive: ByteRanges, cache: ReaderCache): Promise<ZipEntry[]> {
  const tail = await archive.read(
    Math.max(0, archive.size - endRecord.length - endRecord.longestComment),
    archive.size,
  );
  const view = viewOf(tail);
  let at = tail.length - endRecord.length;
  while (at >= 0 && view.getUint32(at, true) !== endRecord.mark) at--;
  if (at < 0) throw damaged(archive.name, 'no table of contents');
  const count = view.getUint16(at + 10, true);
  const start = view.getUint32(at + 16, true);
  const table = await archive.read(start, start + view.getUint32(at + 12, true));
  const entries: ZipEntry[] = [];
  let place = 0;
  for (let i = 0; i < count; i++) {
    const fixed = viewOf(table.subarray(place, place + centralRecord.length));
    if (fixed.byteLength < centralRecord.length || fixed.getUint32(0, true) !== centralRecord.mark)
      throw damaged(archive.name, `an entry of the table of contents at byte ${start + place}`);
    const nameLength = fixed.getUint16(28, true);
    const nameStart = place + centralRecord.length;
    const name = new TextDecoder().decode(table.subarray(nameStart, nameStart + nameLength));
    const facts = {
      name,
      method: fixed.getUint16(10, true),
      packed: fixed.getUint32(20, true),
      size: fixed.getUint32(24, true),
      offset: fixed.getUint32(42, true),
    };
    entries.push({ name, ranges: await contentOf(archive, facts, cache) });
    place = nameStart + nameLength + fixed.getUint16(30, true) + fixed.getUint16(32, true);
  }
  return entries;
}

interface EntryFacts {
  readonly name: string;
  readonly method: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

async function contentOf(archive: ByteRanges, facts: EntryFacts, cache: ReaderCache): Promise<ByteRanges> {
  const { method, packed, size, offset } = facts;
  const name = `${archive.name}: "${facts.name}"`;
  if ([packed, size, offset].includes(beyond32Bits)) throw damaged(name, 'larger than 4 GiB', 'use .safetensors');
  const local = viewOf(await archive.read(offset, offset + localRecord.length));
  if (local.byteLength < localRecord.length || local.getUint32(0, true) !== localRecord.mark)
    throw damaged(name, `no file at byte ${offset}`);
  const start = offset + localRecord.length + local.getUint16(26, true) + local.getUint16(28, true);
  if (method === methods.stored) {
    return { name, size, read: (from, to) => archive.read(start + from, start + Math.min(to, size)) };
  }
  if (method !== methods.deflated) throw damaged(name, `packed by method ${method}`, 'use np.savez');
  if (size > cache.limit) {
    throw new WhereforeError('out-of-range', 'a packed array is larger than the budget', {
      where: name,
      got: formatBytes(size),
      expected: `at most ${formatBytes(cache.limit)}`,
      fix: 'save it unpacked (np.savez), or allow a larger budget',
    });
  }
  const unpack = async () => {
    try {
      const bytes = inflateSync(await archive.read(start, start + packed), { out: new Uint8Array(size) });
      if (bytes.length === size) return bytes;
    } catch (cause) {
      throw damaged(name, cause instanceof Error ? cause.message : String(cause));
    }
    throw damaged(name, 'another size than stated');
  };
  return {
    name,
    size,
    read: async (from, to) => ((await cache.get(`${name} unpacked`, size, unpack)) as Uint8Array).slice(from, to),
  };
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function damaged(where: string, got: string, fix = 'write the file again'): WhereforeError {
  return new WhereforeError('invalid-data', 'not a ZIP file that can be read', { where, got, fix });
}
