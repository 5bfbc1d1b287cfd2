import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { toyImages, toyNetwork } from '../../test/toy-images.ts';
import { writeNpy } from '../data/formats/npy.ts';
import { encodeModel } from '../onnx/encode.ts';
import { float32 } from '../tensor/tensor.ts';
import { runCommandLine } from './command-line.ts';

let folder: string;
const printed: string[] = [];
const said: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adapt-'));
  const { images } = toyImages(80, 1);
  await writeFile(join(folder, 'toy.onnx'), encodeModel(toyNetwork(1)));
  await writeFile(join(folder, 'images.npy'), writeNpy(images));
  await writeFile(join(folder, 'one.npy'), writeNpy(float32([1, 1, 16, 16], images.data.slice(0, 256))));
  vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text));
  vi.spyOn(console, 'error').mockImplementation((text: string) => void said.push(text));
});
afterAll(() => rm(folder, { recursive: true }));

const at = (name: string) => join(folder, name);
const adapt = (...more: string[]) =>
  runCommandLine(
    `adapt ${at('toy.onnx')} --data ${at('images.npy')} --out ${at('explainer')} --runs ${at('adapted')} --channels 4 --epochs 2 --batch-size 16 --threads 1`
      .split(' ')
      .concat(more),
  );

describe('wherefore adapt', () => {
  it('trains an explainer that explain uses, and replay repeats', async () => {
    expect(await adapt('--set', 'minimality=1', 'references=mean,noise')).toBe(0);
    expect(printed.join('\n')).toContain('predictions with and without the explainer have the same bits');
    const run = JSON.parse(await readFile(at('explainer/run.json'), 'utf8'));
    expect(run).toMatchObject({
      what: 'adapt',
      state: 'complete',
      explainer: { references: ['mean', 'noise'], settings: { minimality: 1, epochs: 2 } },
      comparison: { identical: true },
    });
    expect(await readFile(at('explainer/curves.svg'), 'utf8')).toContain('held-out: the mask');
    // 72 images in batches of 16 are 5 steps an epoch.
    expect((await readFile(at('explainer/losses.csv'), 'utf8')).trim().split('\n')).toHaveLength(1 + 10);
    expect((await readFile(at('explainer/validation.csv'), 'utf8')).trim().split('\n')).toHaveLength(1 + 2);

    const explain = `explain ${at('one.npy')} --model ${at('toy.onnx')} --method lax --out ${at('runs')} --threads 1 --json`;
    const explainer = `lax.explainer=${at('explainer/explainer.onnx')}`;
    printed.length = 0;
    expect(await runCommandLine([...explain.split(' '), '--set', explainer])).toBe(0);
    const { folder: made, explanations } = JSON.parse(printed.join('\n'));
    const [document] = explanations;
    expect(document).toMatchObject({
      method: 'lax',
      // Two to look at the input, one for the features, one there and back for the gradient.
      cost: { forward: 4, backward: 1 },
      attribution: { image: { shape: [1, 1, 16, 16] } },
    });
    expect(await readFile(join(made, 'index.html'), 'utf8')).toContain('LAX (learned explainer)');

    const [name] = (await readdir(made)).filter((file) => file.endsWith('.json') && file !== 'run.json');
    printed.length = 0;
    expect(await runCommandLine(['replay', join(made, name)])).toBe(1);
    const where = ['--model', at('toy.onnx'), '--explainer', at('explainer/explainer.onnx')];
    expect(await runCommandLine(['replay', join(made, name), ...where])).toBe(0);
    expect(printed.join('\n')).toContain('identical');
  });

  it('needs to know which explainer', async () => {
    said.length = 0;
    const words = `explain ${at('one.npy')} --model ${at('toy.onnx')} --method lax --out ${at('runs')}`.split(' ');
    expect(await runCommandLine(words)).toBe(1);
    expect(said.join('\n')).toContain('wherefore adapt');
  });

  it('is a run that goes on where it was stopped, to the same bits', async () => {
    const same = ['--set', 'minimality=1', 'references=mean,noise'];
    const [id] = await readdir(at('adapted'));
    expect(id).toMatch(/^adapt-[0-9a-f]{12}$/);
    const place = (name: string) => join(at('adapted'), id, name);
    const results = () =>
      Promise.all(['explainer.onnx', 'losses.csv'].map((name) => readFile(at(`explainer/${name}`))));
    const [before, records] = [await results(), await readdir(place('shards'))];
    expect(records).toHaveLength(2 * 3);
    // As if it had been killed in the second epoch.
    for (const name of records.filter((one) => one.startsWith('000001'))) await rm(place(`shards/${name}`));
    await rm(at('explainer'), { recursive: true });
    said.length = 0;
    expect(await adapt(...same)).toBe(0);
    expect(said.join('\n')).toContain('goes on: 5 of 10 steps are done');
    expect(await results()).toEqual(before);
    expect(await readdir(place('shards'))).toEqual(records);
    const run = JSON.parse(await readFile(place('run.json'), 'utf8'));
    expect(run).toMatchObject({ what: 'adapt', state: 'complete', items: 10, shards: 2, key: expect.any(String) });
    said.length = 0;
    expect(await adapt(...same)).toBe(0);
    expect(said.join('\n')).toContain('goes on: 10 of 10 steps are done');
  });

  it('does not write over the explainer of another training', async () => {
    said.length = 0;
    expect(await adapt('--set', 'minimality=2')).toBe(1);
    expect(said.join('\n')).toContain('the folder holds the explainer of another training');
  });

  it('says what a setting may be', async () => {
    said.length = 0;
    expect(await adapt('--set', 'minimalitty=1')).toBe(1);
    expect(said.join('\n')).toContain('minimalitty');
  });
});
