import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../test/command.ts';
import { writePng } from '../data/formats/image.ts';
import { readSafetensors, writeSafetensors } from '../data/formats/safetensors.ts';
import { float32, type Tensor, tensor } from '../tensor/tensor.ts';

const classifier = fileURLToPath(new URL('../../test/fixtures/command-line/classifier.onnx', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'wherefore-replay-'));
const image = join(folder, 'image.png');
const out = join(folder, 'runs');
let document: string;
let copies = 0;

beforeAll(async () => {
  const pixels = Uint8Array.from({ length: 1200 }, (_, i) => (i * 37) % 256);
  writeFileSync(image, await writePng(tensor('uint8', [20, 20, 3], pixels)));
  const words = [image, '--model', classifier, '--method', 'gradient-x-input', '--score', '--out', out];
  expect((await wherefore('explain', ...words)).code).toBe(0);
  const run = join(out, readdirSync(out)[0]);
  document = join(run, readdirSync(run).find((name) => /^\d.*\.json$/.test(name)) as string);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Any part of a document. */
interface Loose {
  [key: string]: Loose;
}

interface Forgery {
  readonly edit?: (document: Loose) => void;
  readonly tensors?: (key: string, values: Tensor) => Tensor;
  /** Whether the digest beside the tensors is taken away as well. */
  readonly withoutDigest?: boolean;
}

/** Replays a copy of the explanation in which something was changed. */
async function forged({ edit, tensors, withoutDigest }: Forgery, ...words: string[]) {
  const copy = join(folder, `copy-${++copies}`);
  cpSync(join(document, '..'), copy, { recursive: true });
  const path = join(copy, document.split('/').pop() as string);
  if (edit) {
    const content = JSON.parse(readFileSync(path, 'utf8'));
    edit(content);
    writeFileSync(path, JSON.stringify(content));
  }
  const beside = path.replace(/json$/, 'safetensors');
  const stored = readSafetensors(readFileSync(beside));
  const changed = [...stored.tensors].map(([key, values]) => [key, tensors?.(key, values) ?? values] as const);
  writeFileSync(beside, writeSafetensors(new Map(changed), withoutDigest ? {} : stored.metadata));
  return wherefore('replay', path, '--model', classifier, '--input', image, ...words);
}

const filled =
  (value: number) =>
  (key: string, { shape, data }: Tensor) =>
    float32(shape, key.startsWith('attribution') ? new Float32Array(data.length).fill(value) : (data as Float32Array));

describe('replay', () => {
  it('finds an honest document to be identical, its scores and its input among it', async () => {
    const { code, output, errors } = await forged({}, '--score');
    expect(`${code} ${errors}`).toBe('0 ');
    expect(output).toMatch(/^identical in every element$/m);
    expect(output).not.toMatch(/differs|not checked: (the scores|whether)/);
    expect(output).toMatch(/not checked: the values of the baseline, which were given: black image/);
  });

  it.each<[string, Forgery, RegExp]>([
    ['attributions that are no numbers', { tensors: filled(Number.NaN) }, /elements of attribution/],
    ['infinite attributions', { tensors: filled(Number.POSITIVE_INFINITY) }, /elements of attribution/],
    ['other attributions', { tensors: filled(1) }, /elements of attribution/],
    ['no attribution', { edit: (d) => Object.assign(d, { attribution: {} }) }, /attribution\.image/],
    ['another T', { edit: (d) => Object.assign(d, { attributionTarget: 999 }) }, /attributionTarget: 999, now /],
    ['another sum', { edit: (d) => Object.assign(d, { sum: 999, value: 999 }) }, /differs: sum: 999/],
    ['another error', { edit: (d) => Object.assign(d, { error: 0, relativeError: 0 }) }, /differs: relativeError: 0/],
    ['that it converged', { edit: (d) => Object.assign(d, { converged: true }) }, /differs: converged: true, now null/],
    [
      'another description',
      { edit: (d) => Object.assign(d, { targetDescription: 'no tumour' }) },
      /"no tumour", now "log/,
    ],
    ['another title', { edit: (d) => Object.assign(d, { methodTitle: 'SHAP' }) }, /methodTitle: "SHAP", now "/],
    ['another label', { edit: (d) => Object.assign(d.prediction.top[0], { label: 'no' }) }, /top\[0\]\.label: "no"/],
    [
      'another probability',
      { edit: (d) => Object.assign(d.prediction.top[0], { value: 0.5 }) },
      /top\[0\]\.value: 0.5/,
    ],
    ['fewer predictions', { edit: (d) => Object.assign(d.prediction, { top: [] }) }, /prediction\.top\[0\]: nothing/],
    [
      'another hash of the input',
      { edit: (d) => Object.assign(d.input, { hash: '0'.repeat(64) }) },
      /input\.hash: "0000/,
    ],
    [
      'names of columns',
      { edit: (d) => Object.assign(d.input, { names: ['age'] }) },
      /input\.names: \["age"\], now nothing/,
    ],
    [
      'another layer shape',
      { edit: (d) => Object.assign(d, { layer: ['image'], isCut: false }) },
      /differs: isCut: false/,
    ],
    [
      'another baseline in words',
      { edit: (d) => Object.assign(d, { baselineDescription: 'noise' }) },
      /baselineDescription/,
    ],
    [
      'other scores',
      { edit: (d) => Object.assign(d.scorecard.entries[0], { score: 1e6 }) },
      /scorecard\.entries\[0\]\.score: 1000000/,
    ],
    [
      'a method __proto__',
      { edit: (d) => Object.assign(d, { method: '__proto__' }) },
      /there is no method "__proto__"/,
    ],
    [
      'another source',
      { edit: (d) => Object.assign(d.input, { source: 'other.png' }) },
      /the document: .*edited since/,
    ],
  ])('finds %s', async (_, forgery, told) => {
    const { code, output, errors } = await forged(
      { withoutDigest: !/edited/.test(told.source), ...forgery },
      ...(/score/.test(told.source) ? ['--score'] : []),
    );
    expect(code).toBe(1);
    expect(output).not.toMatch(/identical in every element/);
    expect(`${output}\n${errors}`).toMatch(told);
  });

  it('says what it cannot check', async () => {
    const { code, output } = await forged({
      withoutDigest: true,
      edit: (d) => Object.assign(d, { notes: ['made by hand'] }),
    });
    expect(code).toBe(0);
    expect(output).toMatch(/not checked: the scores; --score computes them again/);
    expect(output).toMatch(/not checked: the note "made by hand"/);
    expect(output).toMatch(/not checked: whether the document was edited: there is no digest beside it/);
    const alone = await wherefore('replay', document, '--model', classifier);
    expect(alone.code).toBe(0);
    expect(alone.output).toMatch(/not checked: whether "image.png" is the input: there is no such file/);
  });

  it('takes another input of the same name for what it is', async () => {
    const other = join(folder, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'image.png'), await writePng(tensor('uint8', [20, 20, 3], new Uint8Array(1200))));
    const words = ['--model', classifier, '--input', join(other, 'image.png')];
    const { code, output } = await wherefore('replay', document, ...words);
    expect(code).toBe(1);
    expect(output).toMatch(/differs: input\.hash/);
    expect(output).toMatch(/differs: elements of input: other values/);
  });

  it('finds the model, and the input beside it, in another folder by name and hash', async () => {
    const net = join(folder, 'net.onnx');
    cpSync(classifier, net);
    const runs = join(folder, 'moved');
    await wherefore('explain', image, '--model', net, '--method', 'gradient-x-input', '--out', runs);
    rmSync(net);
    const run = join(runs, readdirSync(runs)[0]);
    const path = join(run, readdirSync(run).find((name) => /^\d.*\.json$/.test(name)) as string);
    expect((await wherefore('replay', path)).errors).toMatch(/the model of the document is not there/);
    for (const place of ['models', 'models/a', 'others']) mkdirSync(join(run, place));
    cpSync(classifier, join(run, 'models/a/net.onnx'));
    cpSync(image, join(run, 'models/a/image.png'));
    writeFileSync(join(run, 'others/net.onnx'), 'another file of that name');
    const { code, output, errors } = await wherefore('replay', path);
    expect(`${code} ${errors}`).toBe('0 ');
    expect(output).toMatch(/^model {3}.*models\/a\/net\.onnx, found by its name and hash$/m);
    expect(output).toMatch(/^identical in every element$/m);
    expect(output).not.toMatch(/not checked: whether/);
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), sum: 999 }));
    expect((await wherefore('replay', path)).output).toMatch(/differs: sum: 999/);
  });

  it('opens no model that the document names outside of its folder and the current one', async () => {
    writeFileSync(join(folder, 'elsewhere.onnx'), readFileSync(classifier));
    const content = JSON.parse(readFileSync(document, 'utf8'));
    const beside = join(document, '..', 'named.json');
    for (const path of [join(folder, 'elsewhere.onnx'), '../../elsewhere.onnx', '/etc/passwd', '/dev/zero']) {
      writeFileSync(beside, JSON.stringify({ ...content, model: { ...content.model, path } }));
      writeFileSync(beside.replace('json', 'safetensors'), readFileSync(document.replace(/json$/, 'safetensors')));
      const { code, errors } = await wherefore('replay', beside);
      expect(code).toBe(1);
      expect(errors).toMatch(/the model of the document is not there.*name it with --model/);
    }
    rmSync(beside);
    rmSync(beside.replace('json', 'safetensors'));
  });
});

it('a run names no folder of this machine', () => {
  const run = join(document, '..');
  for (const name of readdirSync(run).filter((file) => /\.(json|html|csv)$/.test(file))) {
    expect(readFileSync(join(run, name), 'utf8')).not.toContain(tmpdir());
  }
  const { model, input, command } = JSON.parse(readFileSync(document, 'utf8'));
  expect(model.path).toBe('test/fixtures/command-line/classifier.onnx');
  expect(input.source).toBe('image.png');
  expect(command).toMatch(/^wherefore explain image\.png --model test\/fixtures\/.* --out runs$/);
});

describe('the folder of a run', () => {
  it('is replayed whole', async () => {
    const run = await wherefore('replay', join(document, '..'), '--model', classifier, '--input', image);
    expect(run.code).toBe(0);
    expect(run.output).toContain('identical in every element');
  });

  it('is told by the name of each explanation in it that differs', async () => {
    const copy = join(folder, 'two');
    cpSync(join(document, '..'), copy, { recursive: true });
    const name = document.split('/').pop() as string;
    const beside = (path: string) => path.replace(/json$/, 'safetensors');
    cpSync(join(copy, name), join(copy, 'second.json'));
    cpSync(join(copy, beside(name)), join(copy, 'second.safetensors'));
    const content = JSON.parse(readFileSync(join(copy, name), 'utf8'));
    writeFileSync(join(copy, name), JSON.stringify({ ...content, sum: content.sum + 1 }));
    const run = await wherefore('replay', copy, '--model', classifier, '--input', image);
    expect(run.code).toBe(1);
    expect(run.errors).toContain('1 of 2 are not what they say');
    expect(run.errors).toContain(`got ${name}`);
    expect(run.output).toContain('identical in every element');
  });

  it('is refused where nothing lies in it', async () => {
    const run = await wherefore('replay', folder);
    expect(run.code).toBe(1);
    expect(run.errors).toContain('no explanation to replay lies in this folder');
  });
});
