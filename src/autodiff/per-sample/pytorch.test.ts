import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../../data/formats/safetensors.ts';
import { decodeModel } from '../../onnx/decode.ts';
import { tieWeights } from '../../onnx/tie-weights.ts';
import { createModel } from '../../runtime/model.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { buildRowProgram } from '../gradient-program.ts';
import type { Layer } from './layers.ts';
import type { RowReduction } from './reductions.ts';

const folder = fileURLToPath(new URL('../../../test/fixtures/per-sample/', import.meta.url));
const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** float32 against PyTorch's float64: an order of magnitude above what single gradients of such networks show. */
const tolerance = 1e-5;

function errorOf(found: Tensor | undefined, expected: Tensor): number {
  const [a, b] = [found?.data as Float32Array, expected.data as Float32Array];
  expect(a?.length).toBe(b.length);
  let [error, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    error = Math.max(error, Math.abs(a[i] - b[i]));
    size = Math.max(size, Math.abs(b[i]));
  }
  return error / size;
}

async function open(name: string) {
  const { tensors } = readSafetensors(readFileSync(`${folder}${name}.safetensors`), name);
  const model = createModel(decodeModel(readFileSync(`${folder}${name}.onnx`)), runtime, { name, hash: '' });
  // The exporter writes the table of tokens and the output layer, which are one parameter, as two constants.
  const { graph: tied } = tieWeights(model.graph);
  const [input] = model.graph.inputs.map((value) => value.name);
  const output = model.graph.outputs[0].name;
  const given = tensors.get(`input:${input}`) as Tensor;
  const names = (kind: string) => [...tied.initializers.keys()].filter((key) => tensors.has(`${kind}:${key}`));
  const run = async (reduce: RowReduction, wrt = names('rows')) => {
    const { graph, facts } = await model.executor.specialise(tied, new Map([[input, given]]));
    const program = buildRowProgram(graph, facts, {
      seeds: new Map([[output, 'seed']]),
      wrt,
      rows: { inputs: [input], count: given.shape[0] },
      reduce,
    });
    const feeds = new Map([
      [input, given],
      ['seed', tensors.get('seed') as Tensor],
    ]);
    const results = await model.executor.run(program.graph, feeds, program.outputs);
    return { program, get: (key: string) => results.get(program.results.get(key) ?? '') };
  };
  return { run, names, of: (kind: string, key: string) => tensors.get(`${kind}:${key}`) as Tensor<'float32'> };
}

describe.each(['convolutions', 'language'])('%s, against PyTorch in float64', (name) => {
  it('gradients of single rows of every parameter', async () => {
    const { run, names, of } = await open(name);
    const { program, get } = await run({ kind: 'perSample' });
    expect(program.disconnected).toEqual([]);
    const errors = names('rows').map((key) => [key, errorOf(get(key), of('rows', key))] as const);
    expect(errors.length).toBeGreaterThan(8);
    expect(errors.filter(([, error]) => !(error < tolerance))).toEqual([]);
  });

  it('covariances, and second moments of gradients that are rotated', async () => {
    const { run, names, of } = await open(name);
    const layers = names('A');
    expect(layers.length).toBeGreaterThan(3);
    // Tables and vectors have no such reference.
    const wrt = names('rows').filter((key) => layers.includes(key) || of('rows', key).shape.length === 2);
    const covariance = await run({ kind: 'covariance' }, wrt);
    const rotations = ({ name: key }: Layer) =>
      layers.includes(key) ? { inputs: of('QA', key), outputs: of('QS', key) } : {};
    const moment = await run({ kind: 'secondMoment', rotations }, wrt);
    for (const key of layers) {
      expect(errorOf(covariance.get(`${key}/inputs`), of('A', key)), `A of ${key}`).toBeLessThan(tolerance);
      expect(errorOf(covariance.get(`${key}/outputs`), of('S', key)), `S of ${key}`).toBeLessThan(tolerance);
      expect(errorOf(moment.get(key), of('L', key)), `Λ of ${key}`).toBeLessThan(tolerance);
    }
  });
});
