import { describe, expect, it } from 'vitest';
import { workOf } from '../../test/work.ts';
import { readCsv } from '../data/formats/csv.ts';
import { readYaml } from '../data/formats/yaml.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { decodeModel } from '../onnx/decode.ts';
import { encodeModel } from '../onnx/encode.ts';
import type { Node, OnnxModel } from '../onnx/graph.ts';
import { lower, toFloat32 } from '../onnx/lowering/index.ts';
import { inferTypes } from '../onnx/types.ts';
import { validateModel } from '../onnx/validate.ts';

/** How often the work doubles again when the size does: 1 for linear work, 2 for quadratic. */
function exponent(prepare: (size: number) => () => unknown, size: number): number {
  const [once, fourfold] = [prepare(size), prepare(4 * size)];
  // What is made at the first call, such as tables, is no part of it.
  once();
  return Math.log2(workOf(fourfold) / workOf(once)) / 2;
}

const count = (size: number, text: (i: number) => string) => Array.from({ length: size }, (_, i) => text(i));

/** A chain of nodes, or a fan that is summed, with names in any order. */
function modelOf(size: number, inputOf: (i: number) => string): OnnxModel {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [1, 4]);
  for (let i = 0; i < size; i++) builder.op('Relu', [inputOf(i)], {}, { outputs: [`v${i}`] });
  builder.output(`v${size - 1}`, 'float32', [1, 4]);
  const graph = builder.build();
  return { irVersion: 10, producer: '', opsets: new Map([['', 17]]), graph, functions: [], metadata: new Map() };
}

const opened = (model: OnnxModel) => {
  const bytes = encodeModel(model);
  return () => {
    const decoded = decodeModel(bytes);
    validateModel(decoded);
    return inferTypes(toFloat32(lower(decoded).model).model.graph);
  };
};
const reversed = (model: OnnxModel): OnnxModel => ({
  ...model,
  graph: { ...model.graph, nodes: [...model.graph.nodes].reverse() as Node[] },
});

describe('work grows with the file, not with its square', () => {
  it.each<[string, (size: number) => () => unknown, number]>([
    ['columns of a table', (n) => csv(`${count(n, (i) => `c${i}`)}\n${count(n, () => '1')}\n`), 400],
    ['rows of a table', (n) => csv(`a,b\n${count(n, (i) => `${i},x`).join('\n')}\n`), 400],
    ['keys of wherefore.yaml', (n) => yaml(count(n, (i) => `k${i}: 1\n`).join('')), 400],
    ['nodes in a chain', (n) => opened(modelOf(n, (i) => (i ? `v${i - 1}` : 'x'))), 400],
    ['nodes in a chain, last first', (n) => opened(reversed(modelOf(n, (i) => (i ? `v${i - 1}` : 'x')))), 400],
    ['nodes that read one value', (n) => opened(modelOf(n, () => 'x')), 400],
  ])('%s', (_, prepare, size) => {
    // Half way between linear and quadratic.
    expect(exponent(prepare, size)).toBeLessThan(1.5);
  });

  it('is told from work that compares all with all', () => {
    const pairs = (size: number) => {
      const names = count(size, (i) => `a name ${i}`);
      return () => names.every((name, i) => names.indexOf(name) === i);
    };
    expect(exponent(pairs, 400)).toBeGreaterThan(1.5);
  });
});

const csv = (text: string) => () => readCsv(text);
const yaml = (text: string) => () => readYaml(text, 'wherefore.yaml');
