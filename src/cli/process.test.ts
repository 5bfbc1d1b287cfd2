import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltCommand, buildCommand } from '../../test/built-command.ts';
import { writeNpy } from '../data/formats/npy.ts';
import { float32 } from '../tensor/tensor.ts';

// What needs a process of its own: being interrupted, a reader that goes away, a disk that is full.

const model = fileURLToPath(new URL('../../test/fixtures/command-line/classifier.onnx', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'wherefore-process-'));
const input = join(folder, 'x.npy');
const out = join(folder, 'out');
const disk = join(folder, 'disk');
const mounted = mountSmall(disk);
let command: BuiltCommand;

beforeAll(async () => {
  command = await buildCommand();
  writeFileSync(
    input,
    writeNpy(
      float32(
        [1, 3, 12, 12],
        Float32Array.from({ length: 432 }, (_, i) => (i % 9) / 9),
      ),
    ),
  );
  // Translating every file takes a while on a busy machine.
}, 180_000);

afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  command.remove();
  if (mounted) execFileSync('umount', [disk]);
  rmSync(folder, { recursive: true, force: true });
});

/** A run that lasts many minutes unless it is stopped, and tells when it has begun by the cost that it announces. */
const layers = ['input', 'conv1', 'relu1', 'sum', 'pooled', 'flat'];
const steps = ['steps=100000', 'maxSteps=100000', 'tolerance=0'].flatMap((set) => [
  '--set',
  `integrated-gradients.${set}`,
]);
const endless = ['--layer', layers.join(), ...steps, '--memory', '4'];

const started: ChildProcess[] = [];

function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null; errors: string }> {
  started.push(child);
  let errors = '';
  child.stderr?.on('data', (text) => (errors += text));
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, errors })));
}

/** When the cost is announced, or when the process ends without it: the test then says why. */
function announced(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.stderr?.on('data', (text) => String(text).includes('Ctrl-C stops') && resolve());
    child.on('close', () => resolve());
  });
}

describe('being interrupted', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends a long run with a message and nothing on the disk', async (name, expected) => {
    const child = command.start(['explain', input, '--model', model, '--out', out, ...endless]);
    const end = ended(child);
    await announced(child);
    child.kill(name);
    const { code, signal, errors } = await end;
    expect({ code, signal }).toEqual({ code: expected, signal: null });
    expect(errors).toMatch(/^stopping/m);
    expect(errors).toMatch(/^error: stopped; nothing was written/m);
    expect(errors).not.toMatch(/^\s+at /m);
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(folder).filter((name) => name !== 'disk')).toEqual(['x.npy']);
  });

  it('a second Ctrl-C ends the process at once', async () => {
    const child = command.start(['explain', input, '--model', model, '--out', out, ...endless]);
    const end = ended(child);
    await announced(child);
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect(await end).toMatchObject({ code: 130, signal: null });
    expect(existsSync(out)).toBe(false);
  });
});

describe('a program that ends during a run', () => {
  it.each(['process', 'thread'])('keeps its exit code, with the model in a %s', async (isolation) => {
    const child = command.startProgram(`
      import { explain, loadModel } from './dist/index.js';
      const model = await loadModel(${JSON.stringify(model)}, { isolation: '${isolation}', threads: 1 });
      const settings = { steps: 100000, maxSteps: 100000, tolerance: 0 };
      explain(model, [${JSON.stringify(input)}], {
        layers: ['input'], methods: ['integrated-gradients'], parameters: { 'integrated-gradients': settings },
        onProgress: () => process.exit(7),
      });`);
    expect(await ended(child)).toEqual({ code: 7, signal: null, errors: '' });
  });
});

describe('a training that is killed', () => {
  const training = (then: string) => `
    import * as train from './dist/train/index.js';
    import { float32, int64 } from './dist/tensor/tensor.js';
    import { createNodeRuntime } from './dist/runtime/node.js';
    import { checkpointFiles } from './dist/data/formats/checkpoint-files.js';
    const network = new train.Network({ seed: 3 });
    const x = network.input('x', 'float32', ['N', 4]);
    const hidden = train.activation(network, train.linear(network, x, 'hidden', { features: 8 }), 'tanh', 'tanh');
    const model = network.build([train.linear(network, hidden, 'logits', { features: 3 })]);
    const data = Float32Array.from({ length: 4 * 47 }, (_, i) => Math.sin(i * 1.7));
    const labels = Array.from({ length: 47 }, (_, i) => (i * 7) % 3);
    const fit = (folder, more) => train.train({
      model,
      samples: train.datasetOf({ x: float32([47, 4], data) }, { labels: int64([47], labels) }),
      loss: { kind: 'cross-entropy' },
      optimizer: { kind: 'adam' },
      schedule: { kind: 'cosine', learningRate: 0.02 },
      rowWeights: Float32Array.from({ length: 47 }, (_, i) => (i % 5) / 2),
      epochs: 6, batchSize: 10, seed: 9,
      runtime: createNodeRuntime({ threads: 2 }),
      checkpoints: checkpointFiles(folder), checkpointEvery: { steps: 4 },
      ...more,
    });
    const [disturbed, whole] = ${JSON.stringify(['disturbed', 'whole'].map((name) => join(folder, name)))};
    ${then}`;

  it('ends with the same bits of weights, moments and losses when it goes on', async () => {
    const killed = training(`
      await fit(disturbed, { onProgress: ({ step }) => step === 17 && process.kill(process.pid, 'SIGKILL') });`);
    expect(await ended(command.startProgram(killed))).toEqual({ code: null, signal: 'SIGKILL', errors: '' });
    expect(readdirSync(join(folder, 'disturbed')).sort()).toEqual(files([4, 8, 12, 16]));

    const goesOn = training(`
      await fit(disturbed, { resume: await checkpointFiles(disturbed).load(16) });
      await fit(whole, {});`);
    expect(await ended(command.startProgram(goesOn))).toMatchObject({ code: 0, errors: '' });
    const all = files([4, 8, 12, 16, 20, 24, 28, 30]);
    expect(readdirSync(join(folder, 'whole')).sort()).toEqual(all);
    for (const name of all) {
      const [a, b] = ['disturbed', 'whole'].map((run) => readFileSync(join(folder, run, name)));
      expect(a.equals(b), name).toBe(true);
    }
    rmSync(join(folder, 'disturbed'), { recursive: true });
    rmSync(join(folder, 'whole'), { recursive: true });
  });

  const files = (steps: readonly number[]) => steps.map((step) => `step-${step}.safetensors`).sort();
});

describe('a reader that goes away', () => {
  it('the work is finished and kept; no stack is printed', async () => {
    const child = command.start(['explain', input, '--model', model, '--out', out, '--json', '--method', 'gradient']);
    child.stdout?.destroy();
    const { code, errors } = await ended(child);
    expect(errors).toBe('');
    expect(code).toBe(0);
    const [run] = readdirSync(out);
    expect(readdirSync(join(out, run))).toContain('index.html');
    rmSync(out, { recursive: true });
  });
});

describe('a full disk', () => {
  it.skipIf(!mounted)('says so, with exit code 1 and nothing half-written', async () => {
    const child = command.start([
      'explain',
      input,
      '--model',
      model,
      '--out',
      join(disk, 'runs'),
      '--method',
      'gradient',
    ]);
    const { code, errors } = await ended(child);
    expect(code).toBe(1);
    expect(errors).toMatch(/^error: .*the disk is full.*Fix: free some space/m);
    expect(existsSync(join(disk, 'runs')) ? readdirSync(join(disk, 'runs')) : []).toEqual([]);
  });
});

/** A file system of 16 kB, smaller than a page; false where mounting is not allowed. */
function mountSmall(path: string): boolean {
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', path], { stdio: 'ignore' });
    return true;
  } catch {
    rmSync(path, { recursive: true });
    console.warn('skipped: a full disk needs the right to mount a small file system');
    return false;
  }
}
