import { afterAll, describe, expect, it } from 'vitest';
import { readOperatorCases } from '../../test/operators.ts';
import { decodeModel } from '../onnx/decode.ts';
import { type OnnxModel, operatorKey } from '../onnx/graph.ts';
import { lower } from '../onnx/lowering/index.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { toNumbers } from '../tensor/convert.ts';
import { probeOf, readProbe } from './facts.ts';
import { realLayers } from './real-layers.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** Layers that compute with integers. */
const integer = /^(com\.microsoft\.)?(QLinear|QGemm|MatMulInteger|ConvInteger)/;
const integerLayers = ({ graph }: OnnxModel) => graph.nodes.map(operatorKey).filter((key) => integer.test(key));

const cases = readOperatorCases('quantization')
  .map((one) => ({ ...one, model: lower(decodeModel(one.bytes)).model }))
  .filter(({ model }) => integerLayers(model).length > 0);

/** Outputs of a graph, run as it is. */
async function outputsOf(model: OnnxModel, inputs: (typeof cases)[number]['inputs'], names: readonly string[]) {
  const session = await runtime.open(model, { optimization: 'none' });
  const results = await session.run(inputs, names);
  await session.release();
  return results;
}

describe('layers on integers as layers on reals', () => {
  it('covers every such layer of the fixtures', () => {
    expect(new Set(cases.flatMap(({ model }) => integerLayers(model))).size).toBeGreaterThan(12);
  });

  it.each(cases)('$operator: $variant', async ({ model, inputs }) => {
    const probe = probeOf(model.graph);
    const asked = await outputsOf({ ...model, graph: probe.graph }, inputs, [
      ...probe.shapeOf.keys(),
      ...probe.constants,
    ]);
    const { graph, facts } = realLayers(model.graph, readProbe(model.graph, probe, asked));
    const real = { ...model, graph };
    expect(integerLayers(real)).toEqual([]);

    const names = model.graph.outputs.map(({ name }) => name);
    const [before, after] = [await outputsOf(model, inputs, names), await outputsOf(real, inputs, names)];
    for (const [name, tensor] of before) {
      const got = after.get(name);
      expect(got?.shape).toEqual(tensor.shape);
      expect(facts.shapes.get(name)).toEqual(tensor.shape);
      const [expected, actual] = [toNumbers(tensor), got ? toNumbers(got) : []];
      // A result half way between two integers may be stored as either: one step, which is 0.04 in these cases.
      for (const [i, value] of expected.entries()) expect(Math.abs(value - actual[i])).toBeLessThan(0.0401);
      // Sums of steps of 0.02 are half way for a quarter.
      const differing = expected.filter((value, i) => Math.abs(value - actual[i]) > 1e-5).length;
      expect(differing).toBeLessThanOrEqual(0.25 * expected.length);
    }
  });
});
