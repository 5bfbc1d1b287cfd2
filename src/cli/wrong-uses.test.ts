import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { wherefore } from '../../test/command.ts';
import { writeNpy } from '../data/formats/npy.ts';
import { encodeModel } from '../onnx/encode.ts';
import { random } from '../tensor/random.ts';
import { float32, int64 } from '../tensor/tensor.ts';
import { activation, linear, Network } from '../train/index.ts';

// Twelve rows of two classes, and models of them. Each wrong use has one message, and nothing is computed before it.
const folder = mkdtempSync(join(tmpdir(), 'wrong-uses-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);

function model(hidden: number): Uint8Array {
  const network = new Network({ seed: 1 });
  const h = linear(network, network.input('x', 'float32', ['N', 3]), 'h', { features: hidden });
  const active = activation(network, h, 'active', 'tanh');
  return encodeModel(network.build([linear(network, active, 'logits', { features: 2 })]));
}

const source = random(1);
const count = 12;
const values = Float32Array.from({ length: 3 * count }, () => source.normal());
const numbers = (each: (i: number) => number, length = count) =>
  writeNpy(
    int64(
      [length],
      Array.from({ length }, (_, i) => each(i)),
    ),
  );
const files: Readonly<Record<string, Uint8Array>> = {
  'model.onnx': model(4),
  'wide.onnx': model(6),
  'rows.npy': writeNpy(float32([count, 3], values)),
  'nan.npy': writeNpy(float32([count, 3], values.with(7, Number.NaN))),
  'five.npy': writeNpy(float32([2, 5], new Float32Array(10))),
  'one.npy': writeNpy(float32([1, 3], values.slice(0, 3))),
  'labels.npy': numbers((i) => i % 2),
  'one-label.npy': numbers(() => 0, 1),
  'one-class.npy': numbers(() => 1),
  'beyond.npy': numbers((i) => i % 3),
  'scores.npy': writeNpy(float32([count, 2], new Float32Array(2 * count).fill(0.9))),
};
for (const [name, bytes] of Object.entries(files)) writeFileSync(at(name), bytes);

const influence = (data: string, labels: string, ...words: string[]) => {
  const rows = ['--data', at(data), '--labels', at(labels)];
  return ['influence', '0', '--from', at('rows.npy'), '--model', at('model.onnx'), ...rows, ...words];
};
const audit = (data: string, labels: string, ...words: string[]) => [
  ...['audit', '--data', at(data), '--labels', at(labels), ...words],
];
const others = ['wide.onnx', 'wide.onnx', 'wide.onnx', 'wide.onnx'].map(at).join();

it.each<[string, string[], RegExp]>([
  [
    'a checkpoint of another architecture',
    influence('rows.npy', 'labels.npy', '--checkpoints', at('wide.onnx')),
    /wide\.onnx: .*another architecture/,
  ],
  ['seeds of another architecture', influence('rows.npy', 'labels.npy', '--seeds', others), /another architecture/],
  ['a row that is not finite', influence('nan.npy', 'labels.npy'), /nan\.npy row 2: the model gives no probabilities/],
  ['one row', influence('one.npy', 'one-label.npy'), /nothing to compare/],
  ['one class', influence('rows.npy', 'one-class.npy'), /all rows have one label/],
  ['a label beyond the classes', influence('rows.npy', 'beyond.npy'), /row 2: a label is no class/],
  [
    'a setting of another method',
    influence('rows.npy', 'labels.npy', '--set', 'ek-fac.share=1'),
    /add --method ek-fac/,
  ],
  [
    'a setting that is not there',
    influence('rows.npy', 'labels.npy', '--method', 'ek-fac', '--set', 'ek-fac.shares=1'),
    /did you mean "share"/,
  ],
  [
    'scores for probabilities',
    audit('rows.npy', 'labels.npy', '--probabilities', at('scores.npy')),
    /row 0: these are no probabilities/,
  ],
  ['an audit of one class', audit('rows.npy', 'one-class.npy', '--model', at('model.onnx')), /all rows have one label/],
  [
    'held-out rows of another size',
    audit('rows.npy', 'labels.npy', '--model', at('model.onnx'), '--held-out', at('five.npy')),
    /5.*expected.*3/,
  ],
])('refuses %s with one message', async (_, words, message) => {
  const { code, output, errors } = await wherefore(...words, '--out', at('out'));
  expect(code).toBe(1);
  expect(output).toBe('');
  expect(errors.match(/^error: /gm)).toHaveLength(1);
  expect(errors).toMatch(message);
  // What was computed would have been told.
  expect(errors).not.toMatch(/gradients of rows/);
});
