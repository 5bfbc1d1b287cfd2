import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type S3Server, startS3 } from '../../test/s3-server.ts';
import { memoryFiles } from '../data/files/memory-files.ts';
import { nodeFiles } from '../data/files/node-files.ts';
import { filesStorage } from './files-storage.ts';
import { openStorage } from './open-storage.ts';
import { sha256 } from './shard.ts';
import { adoptBlob, getBlob, putBlob, type RunStorage, removeBlobs } from './storage.ts';

// What every storage does alike.

const root = mkdtempSync(join(tmpdir(), 'wherefore-storage-'));
let s3: S3Server;
const memory = memoryFiles();
beforeAll(async () => {
  s3 = await startS3();
  for (const [name, value] of Object.entries(s3.environment)) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await s3.remove();
  rmSync(root, { recursive: true, force: true });
});

/** Opens a storage in each place, and puts a file there that a storage may take in. */
const places: Readonly<
  Record<string, { open(name: string): Promise<RunStorage>; put(path: string, content: string): Promise<void> }>
> = {
  folder: { open: (name) => openStorage(join(root, name)), put: nodeFiles.write },
  bucket: { open: (name) => openStorage(`s3://${s3.bucket}/some/${name}`), put: nodeFiles.write },
  memory: { open: async (name) => filesStorage(memory, `runs/${name}`), put: memory.write },
};
const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

describe.each(Object.keys(places))('a storage in a %s', (kind) => {
  const { open, put } = places[kind];
  let storage: RunStorage;
  beforeAll(async () => {
    storage = await open('one');
  });

  it('gives back what was written, the newest, and nothing where nothing was', async () => {
    await storage.write('shards/000001.json', 'first');
    await storage.write('shards/000001.json', Uint8Array.from([50, 51]));
    expect(text(await storage.read('shards/000001.json'))).toBe('23');
    expect(await storage.read('shards/000002.json')).toBeUndefined();
  });

  it('lists names by their beginnings, in order', async () => {
    for (const name of ['b/2', 'b/10', 'b/1', 'c']) await storage.write(name, name);
    expect(await storage.list('b/')).toEqual(['b/1', 'b/10', 'b/2']);
    expect(await storage.list('b/1')).toEqual(['b/1', 'b/10']);
    expect(await storage.list('nothing/')).toEqual([]);
    await storage.remove('b/10');
    await storage.remove('b/10');
    expect(await storage.list('b/')).toEqual(['b/1', 'b/2']);
  });

  it('is not seen from beside it, and is opened again', async () => {
    const beside = await open('on');
    await storage.write('x', 'x');
    expect(await beside.list('')).toEqual([]);
    expect(text(await (await open('one')).read('x'))).toBe('x');
    if (kind !== 'memory') expect(text(await (await openStorage(storage.url)).read('x'))).toBe('x');
  });

  it('holds content and files under their hashes', async () => {
    const path = join(root, 'file.bin');
    await put(path, 'content of a file');
    const hash = sha256('content of a file');
    await adoptBlob(storage, hash, path);
    await adoptBlob(storage, hash, path);
    expect(text(await getBlob(storage, hash))).toBe('content of a file');
    const other = await putBlob(storage, 'other');
    await storage.write(`blobs/${other}`, 'changed');
    await expect(getBlob(storage, other)).rejects.toThrow('not what its hash says');
    await removeBlobs(storage);
    await expect(getBlob(storage, hash)).rejects.toThrow('content is missing');
  });
});

describe('addresses', () => {
  it('that are none say what is expected', async () => {
    await expect(openStorage('gs://bucket')).rejects.toThrow('expected the path of a folder, or s3://BUCKET/PREFIX');
    await expect(openStorage('s3://')).rejects.toThrow('a bucket is missing');
    const nowhere = await openStorage('s3://absent/x');
    await expect(nowhere.read('x')).rejects.toThrow(/s3:\/\/absent\/x\/x: the bucket does not answer.*Fix: check AWS_/);
  });
});
