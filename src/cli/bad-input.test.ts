import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../test/command.ts';
import { writePng } from '../data/formats/image.ts';
import { writeNpy } from '../data/formats/npy.ts';
import { float32, int64, tensor } from '../tensor/tensor.ts';

// Every mistake gives one message that names it and says what to do, exit code 1, no stack, and nothing on the disk.

const models = fileURLToPath(new URL('../../test/fixtures/command-line/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'wherefore-bad-input-'));
const out = join(folder, 'out');
const file = (name: string) => join(folder, name);
const model = (name: string) => join(models, `${name}.onnx`);
const write = (name: string, content: string | Uint8Array) => writeFileSync(file(name), content);

beforeAll(async () => {
  const pixels = tensor(
    'uint8',
    [20, 20, 3],
    Uint8Array.from({ length: 1200 }, (_, i) => (i * 37) % 256),
  );
  const png = await writePng(pixels);
  write('image.png', png);
  write('cut.png', png.subarray(0, png.length >> 1));
  write('text.png', 'no image');
  const good = float32(
    [1, 3, 12, 12],
    Float32Array.from({ length: 432 }, (_, i) => (i % 9) / 9),
  );
  write('x.npy', writeNpy(good));
  write('small.npy', writeNpy(float32([1, 3, 9, 12], new Float32Array(324))));
  write('two.npy', writeNpy(float32([2, 3, 12, 12], new Float32Array(864))));
  write(
    'nan.npy',
    writeNpy(
      float32(
        [1, 3, 12, 12],
        good.data.map((value, i) => (i === 7 ? Number.NaN : value)),
      ),
    ),
  );
  write(
    'infinite.npy',
    writeNpy(
      float32(
        [1, 3, 12, 12],
        good.data.map((value, i) => (i === 7 ? 1 / 0 : value)),
      ),
    ),
  );
  write('float-ids.npy', writeNpy(float32([1, 3], [1, 2, 3])));
  write('ids.npy', writeNpy(int64([1, 3], [1, 2, 3])));
  const bytes = readFileSync(model('classifier'));
  write('cut.onnx', bytes.subarray(0, 1000));
  write('text.onnx', 'This is a text.\n'.repeat(9));
  write('page.onnx', '<!DOCTYPE html><html><body>Not found</body></html>');
  write('zip.onnx', Uint8Array.from([0x50, 0x4b, 3, 4, ...new Uint8Array(60)]));
  write('pickle.onnx', Uint8Array.from([0x80, 2, 0x7d, 0x71, 0, ...new Uint8Array(60).fill(97)]));
  write('empty.onnx', '');
  write(
    'garbage.onnx',
    Uint8Array.from({ length: 500 }, (_, i) => (i * i * 31 + 255) % 256),
  );
  mkdirSync(file('short'));
  write('short/external.onnx', readFileSync(model('external')));
  write('short/external.bin', new Uint8Array(4));
  write('empty.csv', '');
  write('head.csv', 'a,b,c\n');
  write('ragged.csv', 'a,b,c\n1,2,3\n1,2\n');
  write('good.csv', 'a,b,c\n1,2,3\n4,5,6\n');
  const columns = ['a', 'b', 'c'].map((name) => `      - { name: ${name}, encode: number }`).join('\n');
  write('table.yaml', `inputs:\n  row:\n    kind: table\n    columns:\n${columns}\n`);
  const image = 'kind: image, size: [12, 12], range: [0, 1]';
  write('key.yaml', `inputs:\n  image: { ${image}, colur: BGR }\n`);
  write('value.yaml', `inputs:\n  image: { ${image}, colour: purple }\n`);
  write('not.yaml', 'inputs: [unclosed\n  : :');
  write('other.yaml', `inputs:\n  photo: { ${image} }\n`);
  write('in-the-way', '');
  write('foreign.json', '{ "format": "something else" }');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Case {
  readonly name: string;
  /** Words after the command; `--out` is added to `explain`. */
  readonly words: () => readonly string[];
  /** What the message must say. */
  readonly says: readonly RegExp[];
}

const explain = (...words: string[]) => ['explain', ...words, '--out', out];
const classify = (...words: string[]) => explain(file('x.npy'), '--model', model('classifier'), ...words);
const row = (source: string, ...words: string[]) =>
  explain(file(source), '--model', model('tree'), '--preprocessing', file('table.yaml'), ...words);
const withModel = (name: string) => explain(file('x.npy'), '--model', file(name));

const cases: readonly Case[] = [
  { name: 'a missing model', words: () => withModel('nowhere.onnx'), says: [/nowhere\.onnx/, /no such file/] },
  {
    name: 'a misspelt model',
    words: () => explain(file('x.npy'), '--model', model('clasifier')),
    says: [/did you mean ".*classifier\.onnx"\?/],
  },
  { name: 'a folder as model', words: () => explain(file('x.npy'), '--model', models), says: [/folder, not a file/] },
  { name: 'a text as model', words: () => withModel('text.onnx'), says: [/not an ONNX model/, /text/] },
  { name: 'a web page as model', words: () => withModel('page.onnx'), says: [/HTML/, /download/] },
  { name: 'a zip archive as model', words: () => withModel('zip.onnx'), says: [/zip archive/, /torch\.onnx\.export/] },
  { name: 'a pickle as model', words: () => withModel('pickle.onnx'), says: [/pickle/, /torch\.onnx\.export/] },
  { name: 'an empty model', words: () => withModel('empty.onnx'), says: [/empty/] },
  { name: 'random bytes as model', words: () => withModel('garbage.onnx'), says: [/garbage\.onnx/, /Fix/] },
  { name: 'a truncated model', words: () => withModel('cut.onnx'), says: [/cut short or damaged/, /1000/] },
  {
    name: 'missing external weights',
    words: () => explain('x=[[1,2,3]]', '--model', model('external')),
    says: [/external\.bin/, /missing/, /beside the model/],
  },
  {
    name: 'external weights that are too short',
    words: () => explain('x=[[1,2,3]]', '--model', file('short/external.onnx')),
    says: [/too short/, /4 bytes/, /at least 12/],
  },
  {
    name: 'an unknown operator',
    words: () => explain('x=[[1,2,3]]', '--model', model('unknown-operator')),
    says: [/Frobnicate/, /node "middle"/],
  },
  {
    name: 'an unknown domain',
    words: () => explain('x=[[1,2,3]]', '--model', model('unknown-domain')),
    says: [/Swirl/, /com\.example/],
  },
  {
    name: 'an opset of the future',
    words: () => explain('x=[[1,2,3]]', '--model', model('future-opset')),
    says: [/opset 999/, /older opset/],
  },
  {
    name: 'a missing input',
    words: () => explain(file('nowhere.png'), '--model', model('classifier')),
    says: [/nowhere\.png/, /no such file/],
  },
  {
    name: 'a misspelt input name',
    words: () => explain(`imag=${file('x.npy')}`, '--model', model('classifier')),
    says: [/no input "imag"/, /did you mean "image"\?/],
  },
  {
    name: 'a wrong shape',
    words: () => explain(file('small.npy'), '--model', model('classifier')),
    says: [/wrong shape/, /1×3×9×12/, /1×3×12×12/],
  },
  {
    name: 'a batch of two',
    words: () => explain(file('two.npy'), '--model', model('classifier')),
    says: [/several items/, /name one or several: .*#0-9/],
  },
  {
    name: 'a wrong element type',
    words: () => explain(`ids=${file('float-ids.npy')}`, '--model', model('tokens')),
    says: [/element type/, /float32/, /int64/],
  },
  {
    name: 'a NaN',
    words: () => explain(file('nan.npy'), '--model', model('classifier')),
    says: [/NaN at \[0,0,0,7\]/],
  },
  {
    name: 'an infinity, in the second of two inputs',
    words: () => explain(file('x.npy'), file('infinite.npy'), '--model', model('classifier')),
    says: [/Infinity at \[0,0,0,7\]/],
  },
  {
    name: 'ragged numbers',
    words: () => explain('ids=[[1,2],[3]]', '--model', model('tokens')),
    says: [/do not form a tensor/],
  },
  { name: 'a class out of range', words: () => classify('--target', '4'), says: [/class 4/, /0 to 3/] },
  { name: 'a negative class', words: () => classify('--target', '-1'), says: [/-1/, /from 0 up/] },
  { name: 'a misspelt label', words: () => classify('--target', 'triangel'), says: [/did you mean "triangle"\?/] },
  { name: 'an unknown output', words: () => classify('--target', 'logit[0]'), says: [/no output "logit"/, /"logits"/] },
  {
    name: 'an unknown kind of target',
    words: () => classify('--target', 'chance:1'),
    says: [/chance:1/, /probability:/],
  },
  { name: 'a target of another task', words: () => classify('--target', 'box:1,2'), says: [/does not fit the target/] },
  {
    name: 'an unknown layer',
    words: () => classify('--layer', 'input,relu2'),
    says: [/no layer "relu2"/, /did you mean "relu1"\?/],
  },
  {
    name: 'a layer of whole numbers',
    words: () => explain('ids=[[1,2,3]]', '--model', model('tokens'), '--layer', 'ids'),
    says: [/"ids" has no gradient/, /int64/],
  },
  {
    name: 'a misspelt method',
    words: () => classify('--method', 'gradient,ocllusion'),
    says: [/no method "ocllusion"/, /did you mean "occlusion"\?/],
  },
  {
    name: 'a method that does not fit the layer',
    words: () => classify('--method', 'grad-cam', '--layer', 'flat'),
    says: [/channels and space/, /1×6/],
  },
  {
    name: 'an unknown parameter',
    words: () => classify('--set', 'integrated-gradients.step=3'),
    says: [/"step"/, /it takes steps/],
  },
  {
    name: 'a parameter out of range',
    words: () => classify('--set', 'integrated-gradients.steps=0'),
    says: [/steps/, /at least 1/],
  },
  {
    name: 'a parameter without a method',
    words: () => classify('--set', 'steps=3'),
    says: [/METHOD\.PARAMETER=VALUE/],
  },
  { name: 'an unknown baseline', words: () => classify('--baseline', 'nul'), says: [/nul/, /zero, mean, constant/] },
  {
    name: 'a colour without an image',
    words: () => row('good.csv#1', '--baseline', 'black'),
    says: [/for images/, /zero/],
  },
  {
    name: 'a baseline of another shape',
    words: () => classify('--baseline', file('small.npy')),
    says: [/baseline/, /1×3×9×12/, /1×3×12×12/],
  },
  {
    name: 'a file that is no image',
    words: () => explain(file('text.png'), '--model', model('classifier')),
    says: [/text\.png/, /image/],
  },
  {
    name: 'a truncated image',
    words: () => explain(file('cut.png'), '--model', model('classifier')),
    says: [/cut\.png/, /image/],
  },
  {
    name: 'an unknown kind of file',
    words: () => explain(file('in-the-way'), '--model', model('classifier')),
    says: [/kind of file/, /\.png/],
  },
  { name: 'an empty table', words: () => row('empty.csv'), says: [/empty\.csv/, /empty/] },
  { name: 'a table without rows', words: () => row('head.csv'), says: [/no rows/] },
  { name: 'a ragged table', words: () => row('ragged.csv'), says: [/line 3/, /too few values/] },
  { name: 'a table without a row', words: () => row('good.csv'), says: [/which row/, /good\.csv#0/] },
  { name: 'a row that is not there', words: () => row('good.csv#9'), says: [/row 9/, /0 to 1/] },
  {
    name: 'a gradient of trees',
    words: () => row('good.csv#1', '--method', 'integrated-gradients'),
    says: [/TreeEnsembleClassifier/, /node "tree"/, /--method .*occlusion/],
  },
  {
    name: 'an unknown key in wherefore.yaml',
    words: () => classify('--preprocessing', file('key.yaml')),
    says: [/line 2/, /did you mean "colour"\?/],
  },
  {
    name: 'a wrong value in wherefore.yaml',
    words: () => classify('--preprocessing', file('value.yaml')),
    says: [/purple/, /BGR/],
  },
  { name: 'a file that is not YAML', words: () => classify('--preprocessing', file('not.yaml')), says: [/not YAML/] },
  {
    name: 'a wherefore.yaml of another model',
    words: () => classify('--preprocessing', file('other.yaml')),
    says: [/"photo"/, /"image"/],
  },
  { name: 'no command', words: () => [], says: [/Usage: wherefore/] },
  { name: 'an unknown command', words: () => ['explan'], says: [/Did you mean explain\?/] },
  { name: 'an unknown flag', words: () => classify('--layers', 'all'), says: [/unknown option '--layers'/, /--layer/] },
  { name: 'no model', words: () => explain(file('x.npy')), says: [/--model/] },
  { name: 'no threads', words: () => classify('--threads', '0'), says: [/--threads/, /whole number/] },
  {
    name: 'a file in the way of the results',
    words: () => ['explain', file('x.npy'), '--model', model('classifier'), '--out', file('in-the-way')],
    says: [/in-the-way/, /is a file/, /another folder/],
  },
  {
    name: 'a folder where nobody can write',
    words: () => ['explain', file('x.npy'), '--model', model('classifier'), '--out', '/proc/wherefore'],
    says: [/\/proc/, /another folder/],
  },
  { name: 'a replay of nothing', words: () => ['replay', file('nowhere.json')], says: [/no such file/] },
  { name: 'a replay of a foreign document', words: () => ['replay', file('foreign.json')], says: [/foreign\.json/] },
  { name: 'a replay of an image', words: () => ['replay', file('image.png')], says: [/image\.png/] },
  {
    name: 'a gradient of an element that is not there',
    words: () => [
      'gradient',
      model('classifier'),
      '--input',
      file('x.npy'),
      '--target',
      'logits[0,9]',
      '--out',
      file('g.npz'),
    ],
    says: [/9/, /1×4/],
  },
  {
    name: 'a gradient into a kind of file that is not known',
    words: () => [
      'gradient',
      model('classifier'),
      '--input',
      file('x.npy'),
      '--target',
      'logits',
      '--out',
      file('g.txt'),
    ],
    says: [/g\.txt/, /\.npz or \.safetensors/],
  },
  {
    name: 'a gradient of tokens',
    words: () => [
      'gradient',
      model('tokens'),
      '--input',
      `ids=${file('ids.npy')}`,
      '--target',
      'logits',
      '--out',
      file('g.npz'),
    ],
    says: [/nothing to differentiate/, /embedding/],
  },
  {
    name: 'a gradient of an unknown value',
    words: () => [
      ...['gradient', model('classifier'), '--input', file('x.npy'), '--target', 'logits'],
      ...['--wrt', 'relu9', '--out', file('g.npz')],
    ],
    says: [/no value "relu9"/, /did you mean "relu1"\?/],
  },
];

describe('every mistake gives one message with a fix, exit code 1, and leaves nothing behind', () => {
  it.each(cases)('$name', async ({ words, says }) => {
    const before = readdirSync(folder);
    const { code, output, errors } = await wherefore(...words());
    expect(errors).toSatisfy(
      (text: string) => says.every((pattern) => pattern.test(text)),
      `${says.join(' ')} in: ${errors}`,
    );
    expect(code).toBe(1);
    expect(output).toBe('');
    // One message: `error:` once, with a fix (commander's own messages point to --help), and no stack.
    if (words().length) {
      expect(errors.match(/^error: /gm)).toHaveLength(1);
      expect(errors).toMatch(/Fix: |--help/);
    }
    expect(errors).not.toMatch(/^\s+at /m);
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(folder)).toEqual(before);
  });
});

describe('what looks like a mistake but is none', () => {
  it('explains a layer that is no cut, says so, and offers what completes it', async () => {
    const { code, output } = await wherefore(...classify('--layer', 'branch', '--baseline', 'zero'));
    expect(code).toBe(0);
    expect(output).toMatch(/branch .*bypassed.*--layer branch\+(relu1|sum|conv1)/);
    rmSync(out, { recursive: true });
  });
});
