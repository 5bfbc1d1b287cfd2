import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runModel } from '../../../test/run-model.ts';
import { fromNumbers, toNumbers } from '../../tensor/convert.ts';
import { type DataType, float32, type Tensor, tensor } from '../../tensor/tensor.ts';
import { decodeModel } from '../decode.ts';
import { type Graph, type OnnxModel, subgraphsOf } from '../graph.ts';
import { lower } from './index.ts';
import { unchanged } from './unchanged.ts';
import { changes } from './upgrade.ts';

interface StoredTensor {
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface Case {
  readonly name: string;
  readonly model: string;
  readonly opset: number;
  readonly op: string;
  readonly inputs: Readonly<Record<string, StoredTensor>>;
  readonly outputs: Readonly<Record<string, StoredTensor>>;
}

const fixture = (file: string) => new URL(`../../../test/fixtures/opsets/${file}`, import.meta.url);
const cases: readonly Case[] = JSON.parse(readFileSync(fixture('cases.json'), 'utf8'));

describe('what ONNX changed', () => {
  const changelog: readonly string[] = JSON.parse(readFileSync(fixture('changelog.json'), 'utf8'));
  const left = new Set(Object.values(unchanged).flatMap((list) => list.split(' ')));

  it.each(changelog)('%s is either upgraded or left alone for a reason', (change) => {
    const [op, version] = change.split('@');
    const handled = changes[op] !== undefined && Number(version) <= changes[op].before;
    expect(handled || left.has(change)).toBe(true);
  });

  it('names no change that does not exist', () => {
    expect([...left].filter((change) => !changelog.includes(change))).toEqual([]);
  });
});

describe('one node of an older opset computes the same at opset 20', () => {
  it.each(cases)('$name', async ({ model: encoded, inputs, outputs }) => {
    const model = decodeModel(Uint8Array.from(Buffer.from(encoded, 'base64')));
    const lowered = lower(model);
    expect(lowered.model.opsets.get('')).toBe(20);
    const feeds = Object.fromEntries(Object.entries(inputs).map(([name, stored]) => [name, tensorOf(stored)]));
    const results = await runModel(lowered.model, feeds, Object.keys(outputs));
    for (const [name, expected] of Object.entries(outputs)) {
      expect(results[name].shape, name).toEqual(expected.shape);
      // The same kernels compute both sides; decompositions may round differently in the last float32 digits.
      const worst = toNumbers(results[name]).map(
        (value, i) => Math.abs(value - expected.data[i]) / (1 + Math.abs(expected.data[i])),
      );
      expect(Math.max(0, ...worst), name).toBeLessThan(1e-5);
    }
  });
});

describe('lower', () => {
  const empty: Graph = { name: 'g', inputs: [], outputs: [], nodes: [], initializers: new Map(), values: new Map() };
  const model = (opset: number): OnnxModel => ({
    irVersion: 8,
    producer: '',
    opsets: new Map([['', opset]]),
    graph: empty,
    functions: [],
    metadata: new Map(),
  });

  it('refuses opsets below 7 with a way out', () => {
    expect(() => lower(model(6))).toThrow(/opset of the model is too old \(got 6, expected 7 or newer\). Fix: convert/);
  });

  it('reaches nested graphs, which may read values around them', async () => {
    const { model: encoded } = cases.find(({ name }) => name === 'Softmax_7_default') as Case;
    const inner = decodeModel(Uint8Array.from(Buffer.from(encoded, 'base64'))).graph;
    const branch: Graph = { ...inner, inputs: [] };
    const graph: Graph = {
      ...inner,
      inputs: [...inner.inputs, { name: 'condition', type: 'bool', shape: [] }],
      outputs: [{ name: 'y', type: 'float32', shape: undefined }],
      nodes: [
        {
          op: 'If',
          domain: '',
          name: 'if',
          inputs: ['condition'],
          outputs: ['y'],
          attributes: { then_branch: { kind: 'graph', value: branch }, else_branch: { kind: 'graph', value: branch } },
        },
      ],
    };
    const old = { ...model(9), graph };
    const lowered = lower(old).model;
    expect(subgraphsOf(lowered.graph.nodes[0]).map((g) => g.nodes.map((n) => n.op))).toEqual([
      ['Flatten', 'Softmax', 'Shape', 'Reshape'],
      ['Flatten', 'Softmax', 'Shape', 'Reshape'],
    ]);
    const feeds = {
      in0: float32(
        [2, 3, 4],
        Array.from({ length: 24 }, (_, i) => Math.sin(i)),
      ),
      condition: tensor('bool', [], Uint8Array.of(1)),
    };
    const [before, after] = [await runModel(old, feeds), await runModel(lowered, feeds)];
    expect(toNumbers(after.y)).toEqual(toNumbers(before.y));
  });

  it('leaves newer opsets where they are and says when it raises one', () => {
    expect(lower(model(22)).model.opsets.get('')).toBe(22);
    expect(lower(model(22)).notes).toEqual([]);
    expect(lower(model(13)).notes).toMatchObject([{ code: 'opset-upgraded', from: 13, to: 20 }]);
  });
});

function tensorOf({ type, shape, data }: StoredTensor): Tensor {
  return fromNumbers(type, shape, data);
}
