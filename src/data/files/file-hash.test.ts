import { expect, it } from 'vitest';
import { contentHash } from '../../tensor/content-hash.ts';
import { hashOfFile } from './file-hash.ts';

it('hashes files as contents are hashed everywhere', () => {
  const pieces = ['über ', Uint8Array.of(1, 2, 3), '', new Uint8Array(100)];
  expect(hashOfFile(pieces)).toBe(contentHash(pieces));
});
