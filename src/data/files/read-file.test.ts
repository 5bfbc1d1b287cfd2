import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileKinds, formatBytes } from './file-kinds.ts';
import { decodeText } from './file-text.ts';
import { foldersOf } from './folders.ts';
import { withFile } from './open-file.ts';
import { readBytes, readBytesIfPresent, readText } from './read-file.ts';

let folder: string;
let at: (...names: string[]) => string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wherefore-read-'));
  at = (...names) => join(folder, ...names);
});
afterEach(() => rm(folder, { recursive: true }));

const refused = (message: RegExp | string) => ({
  code: 'file-unreadable',
  message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
});

describe('readBytes', () => {
  it('reads a file', async () => {
    writeFileSync(at('a'), Uint8Array.of(1, 2, 3));
    expect(await readBytes(at('a'), 'tensors')).toEqual(Uint8Array.of(1, 2, 3));
    writeFileSync(at('empty'), '');
    expect(await readBytes(at('empty'), 'tensors')).toEqual(new Uint8Array(0));
  });

  it('names the nearest file when there is none of that name', async () => {
    writeFileSync(at('model.onnx'), '');
    await expect(readBytes(at('modle.onnx'), 'model')).rejects.toMatchObject({
      code: 'file-not-found',
      message: expect.stringContaining(`did you mean "${at('model.onnx')}"?`),
    });
    expect(await readBytesIfPresent(at('modle.onnx'), 'model')).toBeUndefined();
  });

  it('refuses a folder', async () => {
    await expect(readBytes(folder, 'image')).rejects.toMatchObject(refused('folder'));
  });

  it('refuses text that is not UTF-8, and drops the byte-order mark', () => {
    expect(() => decodeText(Uint8Array.of(0xff, 0x41), 'a.csv')).toThrow(/a\.csv: not UTF-8/);
    expect(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41), 'a.csv')).toBe('A');
  });

  it('refuses a file larger than its kind may be, without reading it', async () => {
    // Sparse: 9 GiB by its size, nothing on the disk.
    writeFileSync(at('large.npy'), '');
    truncateSync(at('large.npy'), 9 * 2 ** 30);
    for (const kind of ['settings', 'labels', 'tokenizer', 'image', 'tensors', 'document', 'model', 'table'] as const) {
      const message = new RegExp(`too large for ${fileKinds[kind].called} .got 9 GiB, expected at most `);
      await expect(readBytes(at('large.npy'), kind)).rejects.toMatchObject(refused(message));
    }
  });
});

describe.skipIf(process.platform === 'win32')('what is no regular file', () => {
  it('is refused instead of waited for', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    symlinkSync('/dev/zero', at('device'));
    await expect(readBytes(at('pipe'), 'image')).rejects.toMatchObject(refused(/no regular file .got a pipe/));
    await expect(readBytes(at('device'), 'image')).rejects.toMatchObject(refused(/no regular file .got a device/));
    await expect(readBytes('/dev/null', 'labels')).rejects.toMatchObject(refused('a device'));
  });

  it('is a pipe that is read to its end where that is allowed', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    const read = withFile(at('pipe'), 'model', { pipe: true }, (file) => file.bytes());
    // The reader has the pipe open, so that opening to write does not wait either.
    const writer = await open(at('pipe'), 'w');
    await writer.write(Uint8Array.of(1, 2));
    await writer.write(Uint8Array.of(3));
    await writer.close();
    expect(await read).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('is a pipe that nothing writes to', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    await expect(withFile(at('pipe'), 'model', { pipe: true }, (file) => file.bytes())).rejects.toMatchObject(
      refused('nothing writes to this pipe'),
    );
  });

  it('is a pipe of more bytes than its kind may have', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    const writer = spawn('sh', ['-c', 'exec head -c 3000000 /dev/zero > "$0"', at('pipe')], { stdio: 'ignore' });
    await expect(withFile(at('pipe'), 'settings', { pipe: true }, (file) => file.bytes())).rejects.toMatchObject(
      refused('more than 1 MiB'),
    );
    writer.kill();
  });

  it.skipIf(process.platform !== 'linux')('is read to its end where it states no size, as in /proc', async () => {
    expect(await readText('/proc/self/status', 'text')).toMatch(/^Name:\t.*\nVmPeak/s);
  });
});

describe('a path that another file names', () => {
  const secret = () => {
    writeFileSync(at('secret.txt'), 'secret');
    mkdirSync(at('model', 'sub'), { recursive: true });
    writeFileSync(at('model', 'sub', 'labels.txt'), 'cat');
    return { inside: [at('model')] };
  };

  it('leads to files below its folder', async () => {
    const inside = secret();
    expect(await readText(at('model', 'sub', 'labels.txt'), 'labels', inside)).toBe('cat');
    symlinkSync(at('model', 'sub', 'labels.txt'), at('model', 'link.txt'));
    expect(await readText(at('model', 'link.txt'), 'labels', inside)).toBe('cat');
  });

  it('does not lead out of it: not by dots, not by a link, not by a folder that is a link', async () => {
    const inside = secret();
    symlinkSync(at('secret.txt'), at('model', 'link.txt'));
    symlinkSync(folder, at('model', 'out'));
    for (const path of [
      at('secret.txt'),
      `${at('model')}/../secret.txt`,
      at('model', 'link.txt'),
      at('model', 'out', 'secret.txt'),
      '/etc/passwd',
    ]) {
      await expect(readText(path, 'labels', inside)).rejects.toMatchObject(refused('must lie below its folder'));
    }
  });

  it('says nothing of what lies elsewhere: neither whether it is there nor what is like it', async () => {
    const inside = secret();
    const there = await readText(at('secret.txt'), 'labels', inside).catch(({ message }: Error) => message);
    const absent = await readText(at('secrat.txt'), 'labels', inside).catch(({ message }: Error) => message);
    expect(absent).toBe((there as string).replaceAll('secret.txt', 'secrat.txt'));
    symlinkSync(folder, at('model', 'out'));
    await expect(readText(at('model', 'out', 'secrat.txt'), 'labels', inside)).rejects.not.toThrow(/did you mean/);
  });

  it('may lie beside the naming file, or beside what that is a link to, as in caches of downloaded models', async () => {
    mkdirSync(at('blobs'));
    mkdirSync(at('snapshot'));
    for (const name of ['settings', 'labels']) {
      writeFileSync(at('blobs', name), name);
      symlinkSync(at('blobs', name), at('snapshot', name));
    }
    const inside = await foldersOf(at('snapshot', 'settings'));
    expect(await readText(at('snapshot', 'labels'), 'labels', { inside })).toBe('labels');
  });
});

it('sizes are written in their largest unit', () => {
  expect([12, 1024, 1536 * 1024, 2 ** 31].map(formatBytes)).toEqual(['12 bytes', '1 KiB', '1.5 MiB', '2 GiB']);
});
