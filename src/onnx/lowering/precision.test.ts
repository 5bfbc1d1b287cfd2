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

  it('computes a float64 model in float32; constants that float32 does not hold stay finite and other than 0', async () => {
    const constant = (name: string, values: number[]): [string, Initializer] => {
      const tensor = fromNumbers('float64', [values.length], values);
      return [name, { name, type: 'float64', shape: [values.length], location: { kind: 'memory', tensor } }];
    };
    // The mask's 0 times −10³⁰⁰ is 0, and the logarithm of 0 + 10⁻³⁰⁰ is finite: with −∞ and 0 they would not be.
    const { model: converted, notes } = toFloat32({
      ...model,
      graph: {
        ...model.graph,
        inputs: [{ name: 'x', type: 'float64', shape: [3] }],
        outputs: [{ name: 'y', type: 'float64', shape: [3] }],
        nodes: [
          node('Cast', ['x'], 'x64', { to: 11 }),
          node('Mul', ['none', 'least'], 'mask'),
          node('Add', ['x64', 'mask'], 'masked'),
          node('Add', ['masked', 'epsilon'], 'above'),
          node('Log', ['above'], 'y'),
        ],
        initializers: new Map([constant('none', [0]), constant('least', [-1e300]), constant('epsilon', [1e-300])]),
      },
    });
    expect(notes).toMatchObject([{ code: 'precision-changed', from: 'float64', to: 'float32' }]);
    const { y } = await runModel(converted, { x: float32([3], [1, Math.E, 0]) });
    // The smallest normal number of float32 is 2⁻¹²⁶.
    for (const [i, value] of [0, 1, -126 * Math.LN2].entries()) expect(toNumbers(y)[i]).toBeCloseTo(value, 4);
  });

  it('gives the trees of a float64 model their numbers as float32 ones', async () => {
    const tensors = (values: number[]) => fromNumbers('float64', [values.length], values);
    const tree: Node = {
      op: 'TreeEnsembleRegressor',
      domain: 'ai.onnx.ml',
      name: 'tree',
      inputs: ['x'],
      outputs: ['y'],
      // x ≤ ½ → 3, else 7
      attributes: {
        nodes_modes: { kind: 'strings', value: ['BRANCH_LEQ', 'LEAF', 'LEAF'] },
        ...attributesOf({
          n_targets: 1,
          nodes_treeids: [0, 0, 0],
          nodes_nodeids: [0, 1, 2],
          nodes_featureids: [0, 0, 0],
          nodes_truenodeids: [1, 0, 0],
          nodes_falsenodeids: [2, 0, 0],
          nodes_values_as_tensor: tensors([0.5, 0, 0]),
          target_treeids: [0, 0],
          target_nodeids: [1, 2],
          target_ids: [0, 0],
          target_weights_as_tensor: tensors([3, 7]),
        }),
      },
    };
    const { model: converted } = toFloat32({
      ...model,
      opsets: new Map([...model.opsets, ['ai.onnx.ml', 3]]),
      graph: {
        ...model.graph,
        inputs: [{ name: 'x', type: 'float64', shape: [2, 1] }],
        outputs: [{ name: 'y', type: 'float64', shape: [2, 1] }],
        nodes: [tree],
        initializers: new Map(),
      },
    });
    expect(toNumbers((await runModel(converted, { x: float32([2, 1], [0.5, 0.6]) })).y)).toEqual([3, 7]);
  });
});
