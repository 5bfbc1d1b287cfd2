import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type FileHandle, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeText, readBytes, writeAtomically, writeFolderAtomically } from './files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wherefore-files-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

/** Makes every file's writeFile fail as a full disk does. */
async function fillDisk(during?: () => void): Promise<void> {
  const handle = await open(join(folder, '..'), 'r');
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  vi.spyOn(prototype, 'writeFile').mockImplementation(async () => {
    during?.();
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  });
}

describe('readBytes', () => {
  it('reads a file', async () => {
    writeFileSync(join(folder, 'a'), Uint8Array.of(1, 2, 3));
    expect(await readBytes(join(folder, 'a'))).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('names the nearest file when there is none of that name', async () => {
    writeFileSync(join(folder, 'model.onnx'), '');
    await expect(readBytes(join(folder, 'modle.onnx'))).rejects.toMatchObject({
      code: 'file-not-found',
      message: expect.stringContaining(`did you mean "${join(folder, 'model.onnx')}"?`),
    });
  });

  it('refuses a folder', async () => {
    await expect(readBytes(folder)).rejects.toMatchObject({
      code: 'file-unreadable',
      message: expect.stringContaining('folder'),
    });
  });

  it('refuses text that is not UTF-8, and drops the byte-order mark', () => {
    expect(() => decodeText(Uint8Array.of(0xff, 0x41), 'a.csv')).toThrow(/a\.csv: not UTF-8/);
    expect(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41), 'a.csv')).toBe('A');
  });
});

describe('writeAtomically', () => {
  it('makes missing folders and replaces a file', async () => {
    const path = join(folder, 'deep', 'er', 'a.txt');
    await writeAtomically(path, 'one');
    await writeAtomically(path, Uint8Array.of(65));
    expect(readFileSync(path, 'utf8')).toBe('A');
    expect(readdirSync(join(folder, 'deep', 'er'))).toEqual(['a.txt']);
  });

  it('keeps the old file and leaves nothing else when the disk is full', async () => {
    const path = join(folder, 'a.txt');
    await writeAtomically(path, 'old');
    await fillDisk();
    await expect(writeAtomically(path, 'new')).rejects.toMatchObject({
      code: 'file-unwritable',
      message: expect.stringContaining('the disk is full'),
    });
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a.txt']);
  });

  it('removes the temporary file when the process is interrupted, and its own signal handler after', async () => {
    const stay = () => {};
    process.on('SIGINT', stay);
    try {
      let during: string[] = [];
      let after: string[] = [];
      await fillDisk(() => {
        during = readdirSync(folder);
        process.emit('SIGINT', 'SIGINT');
        after = readdirSync(folder);
      });
      await expect(writeAtomically(join(folder, 'a.txt'), 'new')).rejects.toThrow();
      expect(during).toHaveLength(1);
      expect(after).toEqual([]);
      expect(process.listeners('SIGINT')).toEqual([stay]);
    } finally {
      process.off('SIGINT', stay);
    }
  });

  it('says what is in the way', async () => {
    await writeAtomically(join(folder, 'file'), '');
    await expect(writeAtomically(join(folder, 'file', 'a.txt'), 'x')).rejects.toMatchObject({
      code: 'file-unwritable',
    });
    await mkdir(join(folder, 'taken'));
    await expect(writeAtomically(join(folder, 'taken'), 'x')).rejects.toMatchObject({ code: 'file-unwritable' });
    expect(readdirSync(folder).sort()).toEqual(['file', 'taken']);
  });
});

describe('writeFolderAtomically', () => {
  it('gives the name only to a whole folder', async () => {
    const path = join(folder, 'run');
    await expect(
      writeFolderAtomically(path, async (temporary) => {
        await writeFile(join(temporary, 'half'), 'x');
        throw new Error('stopped');
      }),
    ).rejects.toThrow('stopped');
    expect(readdirSync(folder)).toEqual([]);
    await writeFolderAtomically(path, (temporary) => writeFile(join(temporary, 'whole'), 'x'));
    expect(readdirSync(path)).toEqual(['whole']);
    await expect(writeFolderAtomically(path, async () => {})).rejects.toThrow(/exists and is not empty/);
  });
});
