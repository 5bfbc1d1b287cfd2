import { chmodSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeAtomically, writeFolderAtomically } from './files.ts';

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

describe('writeAtomically', () => {
  it('makes missing folders and replaces a file', async () => {
    const path = join(folder, 'deep', 'er', 'a.txt');
    await writeAtomically(path, 'one');
    await writeAtomically(path, Uint8Array.of(65));
    expect(readFileSync(path, 'utf8')).toBe('A');
    expect(readdirSync(join(folder, 'deep', 'er'))).toEqual(['a.txt']);
  });

  it.skipIf(process.platform === 'win32')('keeps the permissions of the file that it replaces', async () => {
    const path = join(folder, 'a.txt');
    await writeAtomically(path, 'one');
    chmodSync(path, 0o600);
    await writeAtomically(path, 'two');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toBe('two');
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
      writeFolderAtomically(path, async (write) => {
        await write('half', 'x');
        throw new Error('stopped');
      }),
    ).rejects.toThrow('stopped');
    expect(readdirSync(folder)).toEqual([]);
    await writeFolderAtomically(path, (write) => write('whole', 'x'));
    expect(readdirSync(path)).toEqual(['whole']);
    await expect(writeFolderAtomically(path, async () => {})).rejects.toThrow(/exists and is not empty/);
  });
});
