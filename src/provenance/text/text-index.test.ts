import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Dataset } from '../../dataset/dataset.ts';
import { datasetOf } from '../../dataset/in-memory.ts';
import { random } from '../../tensor/random.ts';
import { float32, tensor } from '../../tensor/tensor.ts';
import { indexTexts, openTextIndex, removeTexts } from './text-index.ts';
import { verbatimSpans } from './verbatim.ts';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'wherefore-')), 'index');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

const texts = (documents: Readonly<Record<string, string>>): Dataset =>
  datasetOf(
    { text: tensor('string', [Object.keys(documents).length], Object.values(documents)) },
    { ids: Object.keys(documents) },
  );

const pool = [
  'amber',
  'birch',
  'cedar',
  'delta',
  'ember',
  'flint',
  'grove',
  'heron',
  'inlet',
  'jetty',
  'knoll',
  'larch',
];

/** Documents of 40 words drawn from twelve. */
const drawn = (from: number, to: number) =>
  Object.fromEntries(
    Array.from({ length: to - from }, (_, i) => {
      const source = random(5, from + i);
      return [`d${from + i}`, Array.from({ length: 40 }, () => pool[source.integer(pool.length)]).join(' ')];
    }),
  );

const small = { segmentSize: 2000 };

async function found(passage: string) {
  const spans = await verbatimSpans(await openTextIndex(folder, { memory: 1 }), passage, { minWords: 8 });
  return spans.map(({ text, count, sources }) => [text, count, sources.map(({ document }) => document)]);
}

describe('an index of texts', () => {
  it('finds every planted span, whatever segment it is in, and with little memory', async () => {
    const documents = drawn(0, 60);
    expect(await indexTexts(folder, texts(documents), small)).toMatchObject({ added: 60, replaced: 0, kept: 0 });
    expect((await openTextIndex(folder)).segmentCount).toBeGreaterThan(5);
    for (const [id, text] of Object.entries(documents)) {
      const span = text.split(' ').slice(7, 27).join(' ');
      expect(await found(`We read: ${span}; and more.`)).toEqual([[span, 1, [id]]]);
    }
  });

  it('is added to without touching what is there, and replaces what has changed', async () => {
    await indexTexts(folder, texts(drawn(0, 60)), small);
    const before = readdirSync(folder).sort();
    const first = join(folder, before.find((name) => /^[0-9a-f]{16}$/.test(name)) as string, 'suffixes.bin');
    const bytes = readFileSync(first);
    const change = await indexTexts(
      folder,
      texts({
        ...drawn(0, 60),
        d3: 'all of this document is another one now',
        extra: 'one small document came in at the end',
      }),
      small,
    );
    expect(change).toMatchObject({ added: 1, replaced: 1, kept: 58 + 1 });
    // Less than a segment was sorted.
    expect(change.sortedBytes).toBeLessThan(100);
    expect(readFileSync(first)).toEqual(bytes);
    expect(await found('one small document came in at the end')).toEqual([
      ['one small document came in at the end', 1, ['extra']],
    ]);
    expect(await found(drawn(3, 4).d3)).toEqual([]);
    expect(await found('all of this document is another one now')).toHaveLength(1);
  });

  it('goes on where a run was stopped', async () => {
    const controller = new AbortController();
    const stop = { ...small, signal: controller.signal, onProgress: () => controller.abort() };
    const many = texts(drawn(0, 600));
    await expect(indexTexts(folder, many, stop)).rejects.toThrow(/abort/i);
    const there = (await openTextIndex(folder)).documents;
    expect(there).toBeGreaterThan(200);
    const change = await indexTexts(folder, many, small);
    expect(change).toMatchObject({ added: 600 - there, kept: there });
    expect((await openTextIndex(folder)).documents).toBe(600);
  });

  it('joins many small segments, and forgets the texts of removed documents', async () => {
    for (let i = 0; i < 12; i++) await indexTexts(folder, texts(drawn(i, i + 1)), { segmentSize: 10_000 });
    expect((await openTextIndex(folder)).segmentCount).toBeLessThan(12);
    await removeTexts(folder, ['d2']);
    expect(await found(drawn(2, 3).d2)).toEqual([]);
    expect(await found(drawn(4, 5).d4)).toEqual([[drawn(4, 5).d4, 1, ['d4']]]);
    await removeTexts(folder, ['d0', 'd1', 'd3', 'd4', 'd5', 'd6', 'd7', 'd8']);
    await indexTexts(folder, texts(drawn(20, 21)), { segmentSize: 10_000 });
    const kept = readdirSync(folder).filter((name) => name !== 'index.json');
    const all = kept.map((name) => readFileSync(join(folder, name, 'text.bin'), 'latin1')).join('');
    expect(all).not.toContain(drawn(2, 3).d2);
    expect((await openTextIndex(folder)).documents).toBe(4);
  });

  it('counts a document of a thousand copies a thousand times', async () => {
    const copies = Object.fromEntries(
      Array.from({ length: 1000 }, (_, i) => [`copy ${i}`, 'amber birch cedar delta ember flint grove heron']),
    );
    await indexTexts(folder, texts(copies), { segmentSize: 20_000 });
    expect(await found('amber birch cedar delta ember flint grove heron')).toEqual([
      ['amber birch cedar delta ember flint grove heron', 1000, [0, 1, 2, 3, 4].map((i) => `copy ${i}`)],
    ]);
  });
});

describe('an index refuses', () => {
  it('data without texts, a folder of other things, unknown documents', async () => {
    const numbers = datasetOf({ x: float32([2, 1], [1, 2]) });
    await expect(indexTexts(folder, numbers)).rejects.toThrow(/holds no texts.*x \(float32\)/s);
    await indexTexts(folder, texts({ a: 'one' }));
    await expect(removeTexts(folder, ['a', 'b'])).rejects.toThrow(/no document "b"/);
    expect((await openTextIndex(folder)).documents).toBe(1);
    const other = join(folder, '..');
    await expect(indexTexts(other, texts({ a: 'one' }))).rejects.toThrow(/is no index and is not empty/);
  });

  it('damaged files', async () => {
    await indexTexts(folder, texts(drawn(0, 3)));
    const segment = join(folder, readdirSync(folder).find((name) => name !== 'index.json') as string);
    const path = join(segment, 'suffixes.bin');
    const whole = readFileSync(path);
    writeFileSync(path, whole.subarray(4));
    await expect(found('x y')).rejects.toThrow(/suffixes.bin.*not 4 bytes for each/s);
    writeFileSync(
      path,
      whole.map((byte, i) => (i % 4 ? byte : 255 - byte)),
    );
    await expect(found('x y')).rejects.toThrow(/suffixes.bin.*(not in order|outside the text)/s);
    writeFileSync(
      join(folder, 'index.json'),
      '{"format":"wherefore/text-index","version":1,"segments":[{"folder":"../../etc"}]}',
    );
    await expect(found('x y')).rejects.toThrow(/the index is damaged/);
    expect(existsSync(segment)).toBe(true);
  });
});
