import { afterAll, describe, expect, it } from 'vitest';
import { readOperatorCases } from '../../test/operators.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { decodeModel } from '../onnx/decode.ts';
import { lower } from '../onnx/lowering/index.ts';
import { Executor } from '../runtime/executor.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { differentiate } from './differentiate.ts';
import { unrollRecurrent } from './unroll-recurrent.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const kinds = new Set(['RNN', 'GRU', 'LSTM']);
const cases = readOperatorCases('recurrent').filter(({ operator }) => kinds.has(operator));

function largestError(actual: Tensor | undefined, expected: Tensor): number {
  const [a, e] = [actual?.data, expected.data] as ArrayLike<number>[];
  let [error, largest] = [a.length === e.length ? 0 : Number.POSITIVE_INFINITY, 1];
  for (let i = 0; i < e.length; i++) {
    error = Math.max(error, Math.abs(a[i] - e[i]));
    largest = Math.max(largest, Math.abs(e[i]));
  }
  return error / largest;
}

// The fixtures hold float64 outputs and gradients of PyTorch for every attribute of the three operators.
describe('recurrent layers as their steps', () => {
  it.each(cases.map((one) => [`${one.operator}: ${one.variant}`, one] as const))('%s', async (_, one) => {
    const { model } = lower(decodeModel(one.bytes));
    const executor = new Executor(runtime, model, undefined);
    const given = await executor.specialise(model.graph, one.inputs);
    const { graph, facts } = unrollRecurrent(given.graph, given.facts);
    expect(graph.nodes.some(({ op }) => kinds.has(op))).toBe(false);
    const builder = new GraphBuilder(graph);
    const types = new Map(facts.types);
    const shapes = new Map(facts.shapes);
    const seeds = new Map<string, string>();
    for (const [name, seed] of one.seeds) {
      seeds.set(name, builder.input(`seed/${name}`, seed.type, seed.shape));
      types.set(`seed/${name}`, seed.type);
      shapes.set(`seed/${name}`, seed.shape);
    }
    const wrt = [...one.gradients.keys()];
    const whole = differentiate(builder.build(), { ...facts, types, shapes }, { seeds, wrt });
    const last = new GraphBuilder(whole.graph);
    const names = [...whole.gradients.values()].flatMap((name) => (name ? [last.output(name)] : []));
    const feeds = new Map([...one.inputs, ...[...one.seeds].map(([name, seed]) => [`seed/${name}`, seed] as const)]);
    const results = await executor.run(last.build(), feeds, [...new Set([...one.outputs.keys(), ...names])]);
    await executor.close();
    // float32 through some steps, against float64.
    for (const [name, output] of one.outputs) expect(largestError(results.get(name), output)).toBeLessThan(1e-5);
    for (const [name, gradient] of one.gradients)
      expect(largestError(results.get(whole.gradients.get(name) ?? ''), gradient)).toBeLessThan(1e-5);
  });
});
