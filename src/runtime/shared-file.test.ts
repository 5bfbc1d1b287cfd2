import { expect, it } from 'vitest';
import { filled } from '../tensor/filled.ts';
import { frameReader } from './frame-reader.ts';
import { packetOf, piecesOf } from './frames.js';
import { openSharedFile } from './open-shared-file.ts';
import { sharedFile } from './shared-file.js';

const opened = openSharedFile();

/** An array of so many elements, all different. */
const counting = (length: number) => filled(new Float32Array(length), (i) => i);

it.skipIf(!opened)('carries large arrays beside the pipe and small ones through it, message after message', () => {
  if (!opened) return;
  const read: unknown[] = [];
  const reader = frameReader((message) => read.push(message), opened.take);
  const messages = [
    { name: 'both', large: counting(100_000), small: counting(3), larger: counting(300_000) },
    { name: 'shorter', large: counting(70_000) },
  ];
  for (const message of messages) {
    const pieces = piecesOf(packetOf(message), opened.put);
    expect(pieces.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(1000);
    for (const piece of pieces) reader(piece);
    opened.clear();
  }
  expect(read).toEqual(messages);
});

it.skipIf(!opened)('sends through the pipe what does not fit into the shared memory', () => {
  if (!opened) return;
  const narrow = sharedFile(opened.descriptor, 1_000_000);
  const message = { fits: counting(200_000), doesNot: counting(60_000), none: counting(0) };
  const pieces = piecesOf(packetOf(message), narrow.put);
  expect(pieces.map(({ length }) => length)).toContain(240_000);
  const read: unknown[] = [];
  const reader = frameReader((one) => read.push(one), narrow.take);
  for (const piece of pieces) reader(piece);
  expect(read).toEqual([message]);
  narrow.clear();
});
