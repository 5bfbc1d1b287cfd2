import { crc32, deflateSync, gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../onnx/builder.ts';
import { float32 } from '../../tensor/tensor.ts';
import { readCsv, readJsonLines } from '../formats/csv.ts';
import { readIdx } from '../formats/idx.ts';
import { readImage } from '../formats/image.ts';
import { readNpy, writeNpy } from '../formats/npy.ts';
import { readNpz } from '../formats/npz.ts';
import { readParquet } from '../formats/parquet.ts';
import { writeParquet } from '../formats/parquet-write.ts';
import { mostCells } from '../formats/table.ts';
import { inputLimit } from '../inputs/input-limit.ts';
import { gunzip, gunzipStart } from './unpack.ts';
import { unzip } from './unzip.ts';

const refused = (what: RegExp) =>
  expect.objectContaining({ code: 'out-of-range', message: expect.stringMatching(what) });
const thrown = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('unzip', () => {
  it('adds up the stated sizes before it unpacks', () => {
    const packed = zipSync({ 'a.npy': new Uint8Array(3_000_000), 'b.npy': new Uint8Array(2_000_000) });
    expect(packed.length).toBeLessThan(10_000);
    expect(unzip(packed, { where: 'x.npz', limit: 5_000_000 }).get('b.npy')).toHaveLength(2_000_000);
    const error = thrown(() => unzip(packed, { where: 'x.npz', limit: 4_999_999 }));
    expect(error).toEqual(refused(/x\.npz: .*unpacks to more.*that unpack to 4\.77 MiB/));
    expect(thrown(() => readNpz(packed, 'x.npz', 1000))).toEqual(refused(/unpacks to more/));
  });

  it('gives a file no more room than it states', () => {
    const packed = zipSync({ 'a.npy': new Uint8Array(3_000_000) });
    const view = new DataView(packed.buffer);
    const central = packed.findLastIndex((_, i) => view.byteLength - i > 4 && view.getUint32(i, true) === 0x02014b50);
    view.setUint32(central + 24, 1000, true);
    // A reader that trusts the data instead of the table of contents would give three million bytes.
    const found = thrown(() =>
      expect(unzip(packed, { where: 'x', limit: 2000 }).get('a.npy')?.length).toBeLessThan(1001),
    );
    expect(found === undefined || (found as { code?: string }).code === 'invalid-data').toBe(true);
  });
});

describe('gunzip', () => {
  it('stops at the limit', () => {
    const packed = gzipSync(new Uint8Array(1_000_000));
    expect(gunzip(packed, { where: 'a' })).toHaveLength(1_000_000);
    expect(thrown(() => gunzip(packed, { where: 'a', limit: 999_999 }))).toEqual(refused(/a: .*unpacks to more/));
    expect(thrown(() => gunzip(packed.subarray(0, 100), { where: 'a' }))).toMatchObject({ code: 'invalid-data' });
  });

  it('unpacks an IDX file to the size that its header states, and no further', () => {
    const content = new Uint8Array(16 + 4);
    content.set([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2]);
    content.set([1, 2, 3, 4], 16);
    expect(readIdx(gzipSync(content)).data).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect([...gunzipStart(gzipSync(content), { where: 'a' })]).toEqual([...content]);
    const bomb = new Uint8Array(50_000_000);
    bomb.set(content);
    expect(thrown(() => readIdx(gzipSync(bomb), 'bomb.gz'))).toEqual(refused(/bomb\.gz: .*expected at most 20 bytes/));
    content.fill(255, 4, 16);
    expect(thrown(() => readIdx(gzipSync(content), 'vast.gz'))).toMatchObject({ code: 'invalid-data' });
  });
});

it('an input has the size that its model states, with room for other types', () => {
  const b = new GraphBuilder();
  b.input('x', 'float32', ['N', 1024, 1024, 16]);
  b.output(b.op('Relu', ['x']), 'float32', ['N', 1024, 1024, 16]);
  expect(inputLimit(b.build())).toBe(2 * 8 * 2 ** 24);
  const small = new GraphBuilder();
  small.input('x', 'float32', ['N', 3]);
  small.output(small.op('Relu', ['x']), 'float32', ['N', 3]);
  expect(inputLimit(small.build())).toBe(64 * 2 ** 20);
  const free = new GraphBuilder();
  free.input('x', 'float32', ['N', 'length']);
  free.output(free.op('Relu', ['x']), 'float32', ['N', 'length']);
  expect(inputLimit(free.build())).toBe(512 * 2 ** 20);
});

/** A PNG whose header states a size; its data are a few zeros. */
function png(width: number, height: number): Uint8Array {
  const chunk = (type: string, data: Uint8Array) => {
    const body = new Uint8Array([...new TextEncoder().encode(type), ...data]);
    const out = new DataView(new ArrayBuffer(body.length + 8));
    out.setUint32(0, data.length);
    new Uint8Array(out.buffer).set(body, 4);
    out.setUint32(body.length + 4, crc32(body));
    return new Uint8Array(out.buffer);
  };
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 8);
  const parts = [
    Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10),
    chunk('IHDR', new Uint8Array(header.buffer)),
    chunk('IDAT', deflateSync(new Uint8Array(100))),
    chunk('IEND', new Uint8Array(0)),
  ];
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

it('an image is refused by the size that it states, before a pixel is decoded', async () => {
  await expect(readImage(png(16_000, 16_000), { name: 'big.png' })).rejects.toEqual(
    refused(/big\.png: .*too large.*got 16000×16000 pixels, expected at most 64 million/),
  );
  const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="30000" height="30000"/>');
  await expect(readImage(svg, { name: 'big.svg' })).rejects.toEqual(refused(/too large/));
});

describe('tables', () => {
  it('of more values than fit are refused before they are made', () => {
    const cells = `a,b\n${','.repeat(mostCells)}`;
    expect(thrown(() => readCsv(cells))).toEqual(refused(/too large.*expected at most 20000000/));
    expect(thrown(() => readJsonLines(cells))).toEqual(refused(/too large/));
  });

  it('in Parquet are counted: repeated values take no room in the file', async () => {
    const repeated = (rowCount: number, value: number) => ({
      rowCount,
      columns: [{ kind: 'number' as const, name: 'x', values: new Float64Array(rowCount).fill(value), reason: '' }],
    });
    const packed = writeParquet(repeated(1000, 7));
    expect((await readParquet(packed)).rowCount).toBe(1000);
    // The stated number of rows, wherever it stands.
    const text = Buffer.from(packed);
    const footer = text.readUInt32LE(text.length - 8);
    const from = text.length - 8 - footer;
    let found = 0;
    const forged = Buffer.from(text);
    for (let i = from; i < text.length - 8; i++) {
      // 1000 as a zigzag varint of two bytes.
      if (text[i] === 0xd0 && text[i + 1] === 0x0f) {
        forged[i] = 0xff;
        forged[i + 1] = 0x7f;
        found++;
      }
    }
    expect(found).toBeGreaterThan(0);
    await readParquet(forged).catch((error) => expect(error.code).toMatch(/invalid-data|out-of-range/));
  });
});

it('a header of NumPy is short', () => {
  const bytes = writeNpy(float32([1], [1]));
  const long = new Uint8Array(3_000_000);
  long.set(bytes);
  long[6] = 2;
  new DataView(long.buffer).setUint32(8, 2_000_000, true);
  expect(thrown(() => readNpy(long))).toMatchObject({ code: 'invalid-data', message: expect.stringMatching(/longer/) });
});
