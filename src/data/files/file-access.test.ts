import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentHash } from '../../tensor/content-hash.ts';
import type { Files } from './file-access.ts';
import { memoryFiles } from './memory-files.ts';
import { nodeFiles } from './node-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
const decode = (content: Uint8Array) => new TextDecoder().decode(content);

// One suite for every place where files may lie.
describe.each([
  ['the disk', nodeFiles, folder],
  ['memory', memoryFiles(), 'somewhere'],
  ['blobs', memoryFiles(new Map([['somewhere/given.bin', new Blob([bytes])]])), 'somewhere'],
] as const)('files in %s', (name, files: Files, root) => {
  const at = (path: string) => `${root}/${path}`;
  beforeAll(async () => {
    if (name !== 'blobs') await files.write(at('given.bin'), bytes);
  });

  it('are written, replaced and read, in full and in part', async () => {
    await files.write(at('a/b/text.txt'), 'first');
    await files.write(at('a/b/text.txt'), 'zwölf');
    expect(await files.read(at('given.bin'), 'tensors')).toEqual(bytes);
    expect(decode(await files.read(at('a/b/text.txt'), 'text'))).toBe('zwölf');
    expect(await files.range(at('given.bin'), 'tensors', [250, 260])).toEqual(bytes.subarray(250, 260));
    expect(await files.range(at('given.bin'), 'tensors', [990, 5000])).toEqual(bytes.subarray(990));
  });

  it('belong to whoever wrote them: a later change of the bytes changes nothing', async () => {
    const own = Uint8Array.of(1, 2, 3);
    await files.write(at('own.bin'), own);
    own[0] = 9;
    const read = await files.read(at('own.bin'), 'tensors');
    read[1] = 9;
    expect(await files.read(at('own.bin'), 'tensors')).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('are hashed', async () => {
    expect(await files.hash(at('given.bin'), 'tensors')).toBe(contentHash([bytes]));
  });

  it('are listed in order', async () => {
    await files.write(at('listed/b.txt'), 'b');
    await files.write(at('listed/c/d.txt'), 'd');
    await files.write(at('listed/a.txt'), 'a');
    const file = (name: string) => ({ name, isFolder: false });
    const c = { name: 'c', isFolder: true };
    expect(await files.list(at('listed'))).toEqual([file('a.txt'), file('b.txt'), c]);
    expect(await files.list(at('listed'), { deep: true })).toEqual([file('a.txt'), file('b.txt'), c, file('c/d.txt')]);
  });

  it('that are missing are named, with the nearest', async () => {
    await expect(files.read(at('givn.bin'), 'tensors')).rejects.toMatchObject({ code: 'file-not-found' });
    await expect(files.read(at('givn.bin'), 'tensors')).rejects.toThrow(/given\.bin/);
    await expect(files.hash(at('nowhere/x'), 'tensors')).rejects.toMatchObject({ code: 'file-not-found' });
    await expect(files.list(at('nowhere'))).rejects.toMatchObject({ code: 'file-not-found' });
  });

  it('are refused beyond a limit, and outside the folder of the file that names them', async () => {
    await files.write(at('inner/model.onnx'), 'x');
    await files.write(at('inner/deep/weights.bin'), 'w');
    const refused = { code: 'file-unreadable' };
    await expect(files.read(at('given.bin'), 'tensors', { limit: 999 })).rejects.toMatchObject(refused);
    const namedBy = at('inner/model.onnx');
    expect(decode(await files.read(at('inner/deep/weights.bin'), 'weights', { namedBy }))).toBe('w');
    await expect(files.read(at('inner/../given.bin'), 'weights', { namedBy })).rejects.toMatchObject(refused);
    await expect(files.range(at('given.bin'), 'weights', [0, 1], { namedBy })).rejects.toMatchObject(refused);
    const trusted = { namedBy, alsoBelow: [at('other')] };
    await files.write(at('other/labels.txt'), 'l');
    await expect(files.read(at('other/labels.txt'), 'labels', { namedBy })).rejects.toMatchObject(refused);
    expect(decode(await files.read(at('other/labels.txt'), 'labels', trusted))).toBe('l');
    await expect(files.read(at('given.bin'), 'labels', trusted)).rejects.toMatchObject(refused);
  });

  it('are removed, alone or with all of a folder', async () => {
    for (const name of ['gone/a.txt', 'gone/deep/b.txt', 'gone2.txt']) await files.write(at(name), name);
    await files.remove(at('gone2.txt'));
    await files.remove(at('gone2.txt'));
    await expect(files.read(at('gone2.txt'), 'text')).rejects.toMatchObject({ code: 'file-not-found' });
    await files.remove(at('gone'));
    await expect(files.list(at('gone'))).rejects.toMatchObject({ code: 'file-not-found' });
    expect(await files.read(at('given.bin'), 'tensors')).toEqual(bytes);
  });
});
