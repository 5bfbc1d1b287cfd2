import type { ChildProcess } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltCommand, buildCommand } from '../../test/built-command.ts';
import { wherefore } from '../../test/command.ts';
import { hasRedis, type RedisServer, startRedis } from '../../test/redis-server.ts';
import { filesBelow, runBits } from '../../test/run-bits.ts';
import { type S3Server, startS3 } from '../../test/s3-server.ts';
import { writeNpy } from '../data/formats/npy.ts';
import { readRows } from '../run/rows.ts';
import { float32 } from '../tensor/tensor.ts';

// Work in shards from the command line: killed, gone on with, on a queue, in a bucket.

const root = mkdtempSync(join(tmpdir(), 'wherefore-shards-'));
const model = join(root, 'model', 'classifier.onnx');
const inputs = join(root, 'inputs');
/** Inputs, one of which is no array. */
const count = 60;
const broken = 17;
/** A dozen processes start in each test: on a busy machine that takes minutes. */
const patience = 900_000;
const children: ChildProcess[] = [];
let command: BuiltCommand;
let expected: Record<string, string>;
let folder: string;

const explain = ['explain', inputs, '--model', model, '--method', 'integrated-gradients'];

function ended(child: ChildProcess): Promise<{ code: number | null; out: string; errors: string }> {
  children.push(child);
  let [out, errors] = ['', ''];
  child.stdout?.on('data', (text) => (out += text));
  child.stderr?.on('data', (text) => (errors += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, errors })));
}

const run = (words: readonly string[]) => ended(command.start(words));

beforeAll(async () => {
  command = await buildCommand();
  const fixtures = fileURLToPath(new URL('../../test/fixtures/command-line', import.meta.url));
  cpSync(fixtures, join(root, 'model'), { recursive: true });
  mkdirSync(inputs);
  for (let i = 0; i < count; i++) {
    const values = Float32Array.from({ length: 432 }, (_, k) => Math.sin(i + k * (1 + (i % 7))));
    const bytes = i === broken ? Uint8Array.from([1, 2, 3]) : writeNpy(float32([1, 3, 12, 12], values));
    writeFileSync(join(inputs, `${String(i).padStart(3, '0')}.npy`), bytes);
  }
  const { code, out, errors } = await run([...explain, '--out', join(root, 'alone')]);
  expect({ code, errors }).toEqual({ code: 0, errors: expect.stringContaining('60 explanations of 60 inputs') });
  expect(out).toContain('could not be explained: 1');
  folder = readdirSync(join(root, 'alone'))[0];
  expected = runBits(join(root, 'alone', folder));
}, patience);

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  command.remove();
  rmSync(root, { recursive: true, force: true });
});

describe('explain of many inputs', () => {
  it('leaves shards, a page and a record, and says why an input failed', async () => {
    const place = join(root, 'alone', folder);
    expect(readdirSync(place).sort()).toEqual(['index.html', 'run.json', 'shards']);
    const rows = await Promise.all(
      Object.keys(expected)
        .filter((name) => name.endsWith('.parquet'))
        .map(async (name) => readRows(readFileSync(join(place, 'shards', name)), name)),
    );
    expect(rows.flat().map(({ item }) => item)).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(rows.flat()[broken].failure).toContain('017.npy');
    expect(JSON.parse(readFileSync(join(place, 'run.json'), 'utf8'))).toMatchObject({
      state: 'complete',
      items: 60,
      explanations: 59,
      failed: 1,
    });
  });

  it(
    'prints the overview as JSON; what is there is not computed again',
    async () => {
      const { code, out } = await run([...explain, '--out', join(root, 'alone'), '--json']);
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ inputs: 60, explanations: 59, failed: 1, grades: { open: 0 } });
      expect(runBits(join(root, 'alone', folder))).toEqual(expected);
    },
    patience,
  );

  it(
    'makes the same bits after being killed at any moment, in full mode three times, and leaves nothing else',
    async () => {
      const out = join(root, 'killed');
      for (const share of process.env.WHEREFORE_FULL === '1' ? [0.1, 0.4, 0.7] : [0.4]) {
        const child = command.start([...explain, '--out', out], true);
        const over = ended(child);
        // A moment of the work, not of the clock: so many shards are there.
        const reached = () => existsSync(out) && filesBelow(out).length >= share * 4 * (count / 4);
        while (!reached() && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
        process.kill(-(child.pid as number), 'SIGKILL');
        expect((await over).code).toBeNull();
      }
      const { code, errors } = await run(['runs', 'resume', 'explain', '--out', out]);
      expect({ code, errors }).toEqual({
        code: 0,
        errors: expect.stringMatching(/goes on: \d+ of 60 inputs are done/),
      });
      expect(runBits(join(out, folder))).toEqual(expected);
      const left = (name: string) => filesBelow(join(root, name, folder));
      expect(left('killed')).toEqual(left('alone'));
    },
    patience,
  );

  it('is listed, shown and removed by wherefore runs', async () => {
    const out = join(root, 'listed');
    cpSync(join(root, 'alone', folder), join(out, folder), { recursive: true });
    const listed = await wherefore('runs', '--out', out);
    expect(listed.output).toMatch(/run +state +began \(UTC\) +command\nexplain-[0-9a-f]{12} +complete /);
    const shown = await wherefore('runs', 'show', 'explain', '--out', out, '--json');
    expect(JSON.parse(shown.output)).toMatchObject({ id: folder, state: 'complete', shardsDone: 15, shards: 15 });
    const again = await wherefore('runs', 'resume', folder, '--out', out);
    expect(again.errors).toContain('cannot be gone on with (got it is complete)');
    expect((await wherefore('runs', 'remove', 'exlpain', '--out', out)).errors).toContain('there is no run "exlpain"');
    expect((await wherefore('runs', 'remove', folder, '--out', out)).output).toBe(`removed ${folder}\n`);
    expect(readdirSync(out)).toEqual([]);
  });
});

describe.skipIf(!hasRedis)('explain on a queue', () => {
  let redis: RedisServer;
  let s3: S3Server;
  beforeAll(async () => {
    redis = await startRedis();
    s3 = await startS3();
  });
  afterAll(async () => {
    redis?.remove();
    await s3?.remove();
  });

  // The same of a smaller work is run by default, without the command: src/run/processes.test.ts.
  it.runIf(process.env.WHEREFORE_FULL)(
    'makes the same bits by workers in other processes, though two are killed and the server forgets',
    async () => {
      const workers = [1, 2, 3, 4].map(() => command.start(['worker', redis.url]));
      const told = workers.map(ended);
      const out = join(root, 'queue');
      const over = run([...explain, '--out', out, '--queue', redis.url]);
      const shards = () => (existsSync(out) ? filesBelow(out).filter((name) => /\d\.json$/.test(name)).length : 0);
      const until = async (number: number) => {
        while (shards() < number) await new Promise((resolve) => setTimeout(resolve, 5));
      };
      await until(4);
      workers[0].kill('SIGKILL');
      await until(9);
      await redis.restart();
      workers[1].kill('SIGKILL');
      const { code, errors } = await over;
      expect({ code, errors }).toEqual({ code: 0, errors: expect.stringContaining('the queue was started anew') });
      expect(runBits(join(out, folder))).toEqual(expected);
      expect(filesBelow(join(out, folder))).toEqual(filesBelow(join(root, 'alone', folder)));
      for (const worker of workers) worker.kill('SIGTERM');
      const lines = (await Promise.all(told)).flatMap(({ errors }) => errors.match(/items \d+ to \d+ of 60/g) ?? []);
      expect(lines.length - new Set(lines).size).toBeLessThanOrEqual(2);
    },
    patience,
  );

  it.runIf(process.env.WHEREFORE_FULL)(
    'evaluates to the same scores as one process, by a pool and by workers of which one is killed',
    async () => {
      const chosen = join(root, 'chosen');
      mkdirSync(chosen);
      for (let i = 0; i < 25; i++) cpSync(join(inputs, `0${30 + i}.npy`), join(chosen, `${i}.npy`));
      const methods = ['--method', 'gradient-x-input,occlusion', '--metric', 'insertion,sparseness'];
      const evaluate = ['evaluate', chosen, '--model', model, ...methods];
      const workers = [1, 2, 3].map(() => command.start(['worker', redis.url]));
      const told = workers.map(ended);
      const pooled = run([...evaluate, '--out', join(root, 'pooled')]);
      const queued = run([...evaluate, '--out', join(root, 'queued'), '--queue', redis.url]);
      const done = () => (existsSync(join(root, 'queued')) ? filesBelow(join(root, 'queued')) : []);
      while (!done().some((name) => /000003\.json$/.test(name))) await new Promise((resolve) => setTimeout(resolve, 5));
      workers[0].kill('SIGKILL');
      for (const over of [pooled, queued]) expect(await over).toMatchObject({ code: 0 });
      for (const worker of workers) worker.kill('SIGTERM');
      await Promise.all(told);
      const [id] = readdirSync(join(root, 'pooled'));
      expect(readdirSync(join(root, 'queued'))).toEqual([id]);
      expect(runBits(join(root, 'queued', id))).toEqual(runBits(join(root, 'pooled', id)));
      const scores = (name: string) => readFileSync(join(root, name, id, 'scores.csv'), 'utf8');
      expect(scores('queued')).toBe(scores('pooled'));
    },
    patience,
  );

  it(
    'keeps results and files in a bucket, for workers that see no folder of the command',
    async () => {
      const out = join(root, 'bucket');
      Object.assign(process.env, s3.environment);
      const child = command.start([...explain, '--out', out, '--queue', redis.url, '--storage', `s3://${s3.bucket}/w`]);
      const over = ended(child);
      // All is in the bucket by now, and goes from here.
      await new Promise((resolve) => child.stderr?.on('data', (text) => /no worker/.test(String(text)) && resolve(0)));
      const hidden = [inputs, join(root, 'model')];
      for (const path of hidden) renameSync(path, `${path}-hidden`);
      const worker = command.start(['worker', redis.url]);
      const stopped = ended(worker);
      const { code, errors } = await over;
      worker.kill('SIGTERM');
      await stopped;
      for (const path of hidden) renameSync(`${path}-hidden`, path);
      for (const name of Object.keys(s3.environment)) delete process.env[name];
      expect({ code, errors }).toEqual({ code: 0, errors: expect.stringContaining('60 explanations') });
      expect(runBits(join(out, folder))).toEqual(expected);
    },
    patience,
  );
});
