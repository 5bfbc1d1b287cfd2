import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runModel } from '../../../test/run-model.ts';
import { sharedData } from '../../../test/shared-data.ts';
import { fromNumbers, toNumbers } from '../../tensor/convert.ts';
import { float32 } from '../../tensor/tensor.ts';
import { decodeModel } from '../decode.ts';
import { attributesOf, type Initializer, type Node, type OnnxModel, type PlainAttributes } from '../graph.ts';
import { lower } from './index.ts';
import { toFloat32 } from './precision.ts';

const node = (op: string, inputs: string[], output: string, attributes: PlainAttributes = {}): Node => ({
  op,
  domain: '',
  name: output,
  inputs,
  outputs: [output],
  attributes: attributesOf(attributes),
});
const weight = (name: string, count: number): [string, Initializer] => {
  const tensor = fromNumbers(
    'float16',
    [count],
    Array.from({ length: count }, (_, i) => i % 8),
  );
  return [name, { name, type: 'float16', shape: [count], location: { kind: 'memory', tensor } }];
};
const model: OnnxModel = {
  irVersion: 9,
  producer: '',
  opsets: new Map([['', 20]]),
  graph: {
    name: 'g',
    inputs: [{ name: 'x', type: 'float16', shape: [2000] }],
    outputs: [{ name: 'y', type: 'float16', shape: [2000] }],
    nodes: [
      node('Mul', ['x', 'large'], 'a'),
      node('Cast', ['a'], 'b', { to: 1 }),
      node('Exp', ['b'], 'c'),
      node('Cast', ['c'], 'd', { to: 10 }),
      node('Add', ['d', 'small'], 'e'),
      node('Shape', ['e'], 'shape'),
      node('ConstantOfShape', ['shape'], 'ones', { value: fromNumbers('float16', [1], [1]) }),
      node('Add', ['e', 'ones'], 'y'),
    ],
    initializers: new Map([weight('large', 2000), weight('small', 1)]),
    values: new Map(),
  },
  functions: [],
  metadata: new Map(),
};

describe('toFloat32', () => {
  it('computes a float16 model in float32 and leaves large weights stored as they are', async () => {
    const { model: converted, notes } = toFloat32(model);
    expect(notes).toMatchObject([{ code: 'precision-changed', from: 'float16', to: 'float32' }]);
    expect(converted.graph.initializers.get('large/float16')?.type).toBe('float16');
    expect(converted.graph.initializers.get('small')?.type).toBe('float32');
    const x = float32([2000], new Float32Array(2000).fill(0.1));
    const { y } = await runModel(converted, { x });
    expect(y.type).toBe('float32');
    // exp(0.1·7) + 0 + 1 at index 7, to float32 rather than float16 (1e-3)
    expect(toNumbers(y)[7]).toBeCloseTo(Math.exp(0.7) + 1, 5);
  });

  it('leaves a float32 model alone', () => {
    const plain = toFloat32(model).model;
    const again = toFloat32({ ...plain, graph: { ...plain.graph, initializers: new Map(), nodes: [] } });
    expect(again.notes).toEqual([]);
  });

  const half = sharedData('squeezenet/squeezenet-fp16.onnx');
  const full = sharedData('squeezenet/squeezenet-fp32.onnx');
  it.skipIf(!half || !full)('makes SqueezeNet in float16 agree with SqueezeNet in float32', async () => {
    const input = float32(
      [1, 3, 224, 224],
      Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => 100 * Math.sin(i / 50)),
    );
    const run = async (path: string) => {
      const { model } = toFloat32(lower(decodeModel(readFileSync(path))).model);
      const [name] = model.graph.inputs.map((i) => i.name);
      const [output] = Object.values(await runModel(model, { [name]: input }));
      return toNumbers(output);
    };
    const [a, b] = [await run(half as string), await run(full as string)];
    // Only the weights differ, by the rounding to float16 (2^-11); probabilities move by about as much.
    expect(Math.max(...a.map((value, i) => Math.abs(value - b[i])))).toBeLessThan(5e-3);
    expect(a.indexOf(Math.max(...a))).toBe(b.indexOf(Math.max(...b)));
  });
});
