import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../test/command.ts';
import { writeNpy } from '../data/formats/npy.ts';
import { float32 } from '../tensor/tensor.ts';

// Choices that do not fit the model or each other: each is told before anything is run.

const models = fileURLToPath(new URL('../../test/fixtures/command-line/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'wherefore-bad-choice-'));
const out = join(folder, 'out');
const file = (name: string) => join(folder, name);
const model = (name: string) => join(models, `${name}.onnx`);

beforeAll(() => {
  const values = Float32Array.from({ length: 432 }, (_, i) => (i % 9) / 9);
  writeFileSync(file('x.npy'), writeNpy(float32([1, 3, 12, 12], values)));
  writeFileSync(file('good.csv'), 'a,b,c\n1,2,3\n4,5,6\n');
  const columns = ['a', 'b', 'c'].map((name) => `      - { name: ${name}, encode: number }`).join('\n');
  writeFileSync(file('table.yaml'), `inputs:\n  row:\n    kind: table\n    columns:\n${columns}\n`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const explain = (...words: string[]) => ['explain', ...words, '--out', out];
const classify = (...words: string[]) => explain(file('x.npy'), '--model', model('classifier'), ...words);
const row = (source: string, ...words: string[]) =>
  explain(file(source), '--model', model('tree'), '--preprocessing', file('table.yaml'), ...words);

describe('a choice that does not fit is told before anything is run', () => {
  it.each([
    {
      name: 'a list that cannot be read',
      words: () => classify('--method', 'd-rise', '--set', 'd-rise.strides=[8,16'),
      says: [/\[8,16/, /a list such as \[8,16,32\]/],
    },
    {
      name: 'a parameter of a method that is not run',
      words: () => classify('--method', 'gradient', '--set', 'lime.samples=10'),
      says: [/set for lime, which is not run/, /gradient/],
    },
    {
      name: 'D-RISE of a classifier',
      words: () => classify('--method', 'd-rise', '--baseline', 'zero'),
      says: [/explains a detection/, /--method rise/],
    },
    {
      name: 'too many groups for exact Shapley values',
      words: () => classify('--method', 'exact-shapley', '--baseline', 'constant:2'),
      says: [/too many groups/, /at most 12/, /kernel-shap/],
    },
    {
      name: 'a layer named twice',
      words: () => classify('--layer', 'relu1+relu1'),
      says: [/names "relu1" twice/],
    },
    {
      name: 'a token that the model does not know',
      words: () => explain('ids=[[1,2,99]]', '--model', model('tokens'), '--method', 'occlusion'),
      says: [/"ids" holds a token that the model does not know/, /99 at element 2/, /0 to \d+/],
    },
    {
      name: 'a baseline token that the model does not know',
      words: () => explain('ids=[[1,2,3]]', '--model', model('tokens'), '--baseline', 'tokens:99'),
      says: [/the baseline: input "ids" holds a token/, /99/],
    },
    {
      name: 'a baseline token that is none',
      words: () => explain('ids=[[1,2,3]]', '--model', model('tokens'), '--baseline', 'tokens:1.5'),
      says: [/token of the baseline/, /1\.5/, /whole number/],
    },
    {
      name: 'a baseline token below 0',
      words: () => explain('ids=[[1,2,3]]', '--model', model('tokens'), '--baseline', 'tokens:-1'),
      says: [/token of the baseline/, /-1/],
    },
    {
      name: 'rows of a sample from the last to the first',
      words: () => row('good.csv#1', '--baseline', `sample:${file('good.csv')}#1-0`),
      says: [/rows of a table/, /#1-0/, /#0-9/],
    },
  ])('$name', async ({ words, says }) => {
    const { code, output, errors } = await wherefore(...words());
    for (const pattern of says) expect(errors).toMatch(pattern);
    expect(code).toBe(1);
    expect(output).toBe('');
    expect(errors.match(/^error: /gm)).toHaveLength(1);
    expect(errors).toMatch(/Fix: /);
    expect(errors).not.toMatch(/passes through the model/);
    expect(existsSync(out)).toBe(false);
  });
});
