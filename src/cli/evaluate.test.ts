import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltCommand, buildCommand } from '../../test/built-command.ts';
import { wherefore } from '../../test/command.ts';
import { filesBelow } from '../../test/run-bits.ts';
import { writePng } from '../data/formats/image.ts';
import { random } from '../tensor/random.ts';
import { tensor } from '../tensor/tensor.ts';

const model = fileURLToPath(new URL('../../test/fixtures/command-line/classifier.onnx', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'wherefore-evaluate-'));
const images = join(folder, 'images');
const truth = join(folder, 'truth');
let command: BuiltCommand;

const few = ['--method', 'gradient-x-input,occlusion', '--metric', 'insertion,msi-literal,sparseness', '--json'];

beforeAll(async () => {
  command = await buildCommand();
  mkdirSync(images);
  mkdirSync(truth);
  for (const name of ['a', 'b', 'c', 'd']) {
    const source = random(name.charCodeAt(0));
    const data = Uint8Array.from({ length: 20 * 20 * 3 }, () => source.integer(256));
    writeFileSync(join(images, `${name}.png`), await writePng(tensor('uint8', [20, 20, 3], data)));
  }
  // The left half of a; a box of b; nothing of c and d.
  const half = Uint8Array.from({ length: 20 * 20 * 3 }, (_, i) => (Math.floor(i / 3) % 20 < 10 ? 255 : 0));
  writeFileSync(join(truth, 'a.png'), await writePng(tensor('uint8', [20, 20, 3], half)));
  writeFileSync(join(truth, 'b.json'), '[[0, 0, 20, 10]]');
}, 180_000);

afterAll(() => {
  command.remove();
  rmSync(folder, { recursive: true, force: true });
});

const evaluate = async (...words: readonly string[]) => {
  const ran = await wherefore('evaluate', ...words, '--model', model, '--out', join(folder, 'runs'));
  expect(ran.errors).not.toMatch(/error/);
  return JSON.parse(ran.output);
};

describe('evaluate after a kill -9', () => {
  it('goes on where it was stopped, to the same scores', async () => {
    const words = ['evaluate', images, '--model', model, ...few.slice(0, -1)];
    const killed = join(folder, 'killed');
    const child = command.start([...words, '--out', killed]);
    const ended = new Promise((resolve) => child.on('close', (_, signal) => resolve(signal)));
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (text) => /^[2-9] of 20/m.test(String(text)) && resolve());
      child.on('close', () => resolve());
    });
    child.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');
    const [run] = readdirSync(killed);
    expect(JSON.parse(readFileSync(join(killed, run, 'run.json'), 'utf8'))).toMatchObject({ state: 'unfinished' });
    const files = (name: string) => filesBelow(join(killed, run)).filter((file) => file.includes(name));
    // Inputs that are done, five results each, and the results of the one that was under way.
    const inputs = files('.json').filter((name) => name.startsWith('shards'));
    const whole = inputs.map((name) => Number(/\d{6}/.exec(name)?.[0]));
    const parts = files('.safetensors').filter(
      (name) => name.startsWith('parts') && !whole.includes(Number(/\d{6}/.exec(name)?.[0])),
    );
    const kept = 5 * whole.length + parts.length;
    expect(kept).toBeGreaterThanOrEqual(2);
    expect(kept).toBeLessThan(20);

    const resumed = await wherefore(...words, '--json', '--out', killed);
    expect(resumed.code).toBe(0);
    const { cost, rows } = JSON.parse(resumed.output);
    expect(cost.reused).toBe(kept);
    expect(files('.safetensors')).toEqual([0, 1, 2, 3].map((i) => join('shards', `00000${i}.results.safetensors`)));
    expect(files('parts')).toEqual([]);
    expect(readdirSync(killed)).toEqual([run]);
    expect(JSON.parse(readFileSync(join(killed, run, 'run.json'), 'utf8'))).toMatchObject({ state: 'complete' });
    const told = await wherefore(...words, '--out', join(folder, 'told'));
    expect(told.errors).toMatch(/^20 of 20 explanations/m);
    const undisturbed = await evaluate(images, ...few);
    const values = (list: typeof rows) => list.map(({ values: one }: { values: unknown }) => one);
    // Maps are kept as float32: the controls that are made of them differ by that rounding at most.
    const flat = (list: typeof rows): number[] =>
      values(list).flatMap((one: Record<string, number[]>) => Object.values(one).flat());
    flat(undisturbed.rows).forEach((value, i) => expect(flat(rows)[i]).toBeCloseTo(value, 4));
  }, 120_000);
});

describe('inputs of an evaluation', () => {
  it('are filled up with variants of the images, which intervals draw with them', async () => {
    const { inputs, sources, notes } = await evaluate(images, '--inputs', '7', '--augment', ...few);
    expect(inputs).toHaveLength(7);
    expect(new Set(sources).size).toBe(4);
    expect(inputs[4]).toBe(`${sources[0]}, variant 1`);
    expect(sources.slice(4)).toEqual(sources.slice(0, 3));
    expect(notes[0]).toMatch(/only 4 independent inputs/);
    const fewer = await evaluate(images, '--inputs', '2', '--seed', '1', ...few);
    expect(fewer.inputs).toHaveLength(2);
    const refused = await wherefore('evaluate', images, '--model', model, '--inputs', '9');
    expect(refused.code).toBe(1);
    expect(refused.errors).toMatch(/fewer inputs than asked for.*--augment/);
  }, 60_000);

  it('may be scored by regions, with objects that a folder knows', async () => {
    const metrics = ['--metric', 'mass-accuracy,rank-accuracy,insertion', '--method', 'gradient-x-input', '--json'];
    const { rows, failures } = await evaluate(images, '--truth', truth, '--regions', '4', ...metrics);
    const [row] = rows;
    expect(row.values['mass-accuracy'].map((value: unknown) => typeof value)).toEqual([
      'number',
      'number',
      'object',
      'object',
    ]);
    for (const value of row.values['mass-accuracy'].slice(0, 2)) expect(value > 0 && value < 1).toBe(true);
    expect(failures.some(({ why }: { why: string }) => /needs to know where the object is/.test(why))).toBe(true);
    const none = await wherefore('evaluate', images, '--model', model, '--truth', folder);
    expect(none.errors).toMatch(/no masks or boxes/);
  }, 60_000);
});

describe('α_min', () => {
  it('is tuned on images that are not reported', async () => {
    const { inputs, rows, folder: run } = await evaluate(images, '--alpha-min', 'tuned', ...few);
    expect(inputs).toHaveLength(3);
    const record = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'));
    expect(record.alphaMin.tunedOn).toHaveLength(1);
    expect(inputs).not.toContain(record.alphaMin.tunedOn[0]);
    expect(record.alphaMin.value).toBeGreaterThan(0);
    expect(record.alphaMin.value).toBeLessThan(1);
    // One value for all methods; the curve holds it.
    expect(rows[0].profile.alphaMin).toContain(record.alphaMin.value);
    const fixed = await evaluate(images, '--alpha-min', '0.25', ...few);
    expect(fixed.rows[0].profile.alphaMin[3]).toBe(0.25);
    const refused = await wherefore('evaluate', images, '--model', model, '--alpha-min', '2');
    expect(refused.errors).toMatch(/"tuned" or a number/);
  }, 60_000);
});
