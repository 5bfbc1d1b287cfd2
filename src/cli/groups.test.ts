import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawn } from '../../test/attribution-models.ts';
import { wherefore } from '../../test/command.ts';
import { writeNpy } from '../data/formats/npy.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { encodeModel } from '../onnx/encode.ts';
import { fromNumbers } from '../tensor/convert.ts';
import { float32 } from '../tensor/tensor.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-groups-'));
const model = join(folder, 'vitals.onnx');
const vitals = '[[1,2,3,4,5,6]]';
const weights = [1, 2, -1, 3, 1, 0.5];
let runs = 0;

beforeAll(() => {
  // y = x · w + x₀ x₃: shares of groups are known by hand.
  const b = new GraphBuilder();
  b.input('x', 'float32', ['N', 6]);
  const column = (k: number) => b.op('Slice', ['x', b.ints([k]), b.ints([k + 1]), b.ints([1])]);
  const linear = b.op('MatMul', ['x', b.constant(float32([6, 1], Float32Array.from(weights)))]);
  b.op('Add', [linear, b.op('Mul', [column(0), column(3)])], {}, { outputs: ['y'] });
  b.output('y', 'float32', ['N', 1]);
  const graph = b.build();
  const bytes = encodeModel({
    irVersion: 9,
    producer: 'test',
    opsets: new Map([['', 20]]),
    graph,
    functions: [],
    metadata: new Map(),
  });
  writeFileSync(model, bytes);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function explained(...words: string[]) {
  const out = join(folder, `runs-${++runs}`);
  const result = await wherefore('explain', `x=${vitals}`, '--model', model, '--out', out, ...words);
  const made = () => {
    const run = join(out, readdirSync(out)[0]);
    const document = readdirSync(run)
      .map((name) => join(run, name))
      .find((path) => /\/\d[^/]*\.json$/.test(path)) as string;
    return { page: readFileSync(join(run, 'index.html'), 'utf8'), document };
  };
  return { ...result, made };
}

const named = () => file('vitals.json', JSON.stringify({ 'heart rate': [0, 1], pressure: [3, 4, 5] }));

describe('--groups', () => {
  // Against zeros: the product 1 · 4 is shared by halves between the groups of its factors.
  it.each([
    ['exact-shapley', [1 + 4 + 2, 12 + 5 + 3 + 2]],
    ['kernel-shap', [1 + 4 + 2, 12 + 5 + 3 + 2]],
    ['shapley-sampling', undefined],
    ['feature-ablation', [1 + 4 + 4, 12 + 5 + 3 + 4]],
    ['lime', undefined],
  ] as const)('%s hides positions with a name together', async (method, shares) => {
    const { code, errors, made } = await explained('--groups', named(), '--method', method);
    expect(`${code} ${errors}`).toMatch(/^0 /);
    const { page, document } = made();
    expect(page).toContain('heart rate');
    expect(page).toContain('pressure');
    expect(page).not.toContain('feature 4');
    // The third position is in no group: it stays, and wins nothing.
    expect(page).toContain('one element is in no group and stayed');
    const { groups, sum } = JSON.parse(readFileSync(document, 'utf8'));
    expect(groups.names).toEqual(['heart rate', 'pressure']);
    if (shares) expect(sum).toBeCloseTo(shares[0] + shares[1], 4);
    expect((await wherefore('replay', document, '--model', model)).output).toMatch(/^identical in every element$/m);
  });

  it('takes numbers of groups from a tensor file', async () => {
    const path = file('groups.npy', writeNpy(fromNumbers('int64', [1, 6], [1, 1, -1, 0, 0, 0])));
    const { code, made } = await explained('--groups', path, '--method', 'exact-shapley');
    expect(code).toBe(0);
    expect(made().page).toContain('group 0');
    expect(made().page).toContain('group 1');
  });

  it('draws gradients by group as well, with what no group holds', async () => {
    const words = ['--groups', named(), '--method', 'integrated-gradients,exact-shapley'];
    const { code, made } = await explained(...words);
    expect(code).toBe(0);
    expect(made().page).toContain('in no group');
  });

  it('elements: each alone', async () => {
    const { made } = await explained('--groups', 'elements', '--method', 'exact-shapley');
    expect(JSON.parse(readFileSync(made().document, 'utf8'))).toMatchObject({
      groups: { kind: 'elements' },
      chosen: { groups: 'single elements', players: 6 },
    });
  });

  it.each([
    ['nothing known', ['--groups', 'tiles'], /elements, channels, windows:SIZE/],
    ['no size', ['--groups', 'windows:0'], /windows:SIZE, a whole number/],
    ['no space', ['--groups', 'windows:2'], /axes of space/],
    ['no file', ['--groups', 'nowhere.json'], /nowhere\.json/],
    ['a list', ['--groups', () => file('list.json', '[1, 2]')], /names with lists of positions/],
    ['half a file', ['--groups', () => file('half.json', '{')], /not a JSON file/],
    ['a position twice', ['--groups', () => file('twice.json', '{"a":[0,1],"b":[1]}')], /position 1, which "a" has/],
    ['a position beyond', ['--groups', () => file('beyond.json', '{"a":[6]}')], /each of 0 to 5/],
    [
      'another shape',
      ['--groups', () => file('shape.npy', writeNpy(drawn([1, 5], 1)))],
      /1×5|\[1, ?5\]|wrong shape|do not fit/,
    ],
    [
      'fractions',
      ['--groups', () => file('half.npy', writeNpy(float32([1, 6], Float32Array.from([0, 0.5, 1, 1, 1, 1]))))],
      /0\.5 at element 1/,
    ],
    [
      'far numbers',
      ['--groups', () => file('far.npy', writeNpy(float32([1, 6], Float32Array.from([0, 1e6, 1, 1, 1, 1]))))],
      /group 1000000/,
    ],
    ['a method without groups', ['--groups', 'elements', '--method', 'gradient'], /no method hides features together/],
  ] as const)('refuses %s', async (_, words, message) => {
    const given = words.map((word) => (typeof word === 'function' ? word() : word));
    const method = given.includes('--method') ? [] : ['--method', 'exact-shapley'];
    const { code, errors } = await explained(...given, ...method);
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });
});
