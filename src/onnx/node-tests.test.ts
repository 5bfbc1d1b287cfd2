import { afterAll, describe, expect, it } from 'vitest';
import { decodeValues, type NodeTest, readNodeTests } from '../../test/onnx-node-tests/cases.ts';
import { type Job, Runner, type RunResult } from '../../test/onnx-node-tests/runner.ts';
import { sharedData } from '../../test/shared-data.ts';
import { toNumbers } from '../tensor/convert.ts';
import { bytesOf, sameShape, type Tensor } from '../tensor/tensor.ts';
import { decodeModel } from './decode.ts';
import { encodeModel } from './encode.ts';
import type { Graph, OnnxModel } from './graph.ts';
import { readInitializer } from './initializer.ts';
import { validateModel } from './validate.ts';

const archive = sharedData('onnx-node-tests.tar.gz');
const all = Boolean(process.env.WHEREFORE_FULL);

/** A sample spread over the operators: every twelfth test of the list sorted by name. */
const everyNth = 12;

type Values = readonly (readonly [string, Tensor])[];

function sameBits(a: Values, b: Values): boolean {
  return (
    a.length === b.length &&
    a.every(([name, x], i) => {
      const [otherName, y] = b[i];
      if (name !== otherName || x.type !== y.type || !sameShape(x.shape, y.shape)) return false;
      if (x.type === 'string') return JSON.stringify(x.data) === JSON.stringify(y.data);
      return Buffer.compare(bytesOf(x), bytesOf(y)) === 0;
    })
  );
}

/** The suite's own tolerance: 1e-3 relative, 1e-7 absolute. */
function agrees(x: Tensor, expected: Tensor): boolean {
  if (x.type !== expected.type || !sameShape(x.shape, expected.shape)) return false;
  if (x.type === 'string') return JSON.stringify(x.data) === JSON.stringify(expected.data);
  const wanted = toNumbers(expected);
  return toNumbers(x).every(
    (value, i) => Object.is(value, wanted[i]) || Math.abs(value - wanted[i]) <= 1e-7 + 1e-3 * Math.abs(wanted[i]),
  );
}

/** A model as plain data, weights as bytes, for comparison. */
function plainGraph(graph: Graph): unknown {
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({
      ...node,
      attributes: Object.entries(node.attributes).map(([name, attribute]) => {
        if (attribute.kind === 'graph') return [name, plainGraph(attribute.value)];
        if (attribute.kind === 'graphs') return [name, attribute.value.map(plainGraph)];
        return attribute.kind === 'tensor' ? [name, attribute.value] : [name, attribute];
      }),
    })),
    initializers: [...graph.initializers.values()].map((item) => [item.name, readInitializer(item)]),
  };
}

function plainModel(model: OnnxModel): unknown {
  return { ...model, irVersion: Math.max(4, model.irVersion), graph: plainGraph(model.graph) };
}

/** Models that were run with references to their weights. */
let referenced = 0;

const runner = new Runner();
afterAll(() => runner.close());

/** A file with the inputs as weights, since the suite's own models have none worth referring to. */
function bake(model: OnnxModel, feeds: ReadonlyMap<string, Tensor>): Uint8Array {
  const initializers = new Map(model.graph.initializers);
  for (const [name, tensor] of feeds) {
    initializers.set(name, { name, type: tensor.type, shape: tensor.shape, location: { kind: 'memory', tensor } });
  }
  return encodeModel({ ...model, graph: { ...model.graph, inputs: [], initializers } });
}

/** What is wrong with a model that refers to its weights, compared with the same model with the weights inside. */
async function checkReferences(model: OnnxModel, feeds: ReadonlyMap<string, Tensor>): Promise<string | undefined> {
  const bytes = bake(model, feeds);
  const baked = await runner.run({ model: bytes, feeds: [], runs: 1 });
  const references = [...decodeModel(bytes).graph.initializers.values()].some(
    ({ origin }) => (origin?.length ?? 0) >= 65,
  );
  if (!baked.results || !references) return undefined;
  referenced++;
  const reference = encodeModel(decodeModel(bytes), { weights: 'reference', inlineBelow: 65 });
  const externalData = [{ path: 'model.onnx', data: bytes }];
  const { results, error } = await runner.run({ model: reference, externalData, feeds: [], runs: 1 });
  if (!results) return `reference: ${error}`;
  return sameBits(baked.results[0], results[0]) ? undefined : 'reference: outputs differ';
}

interface Outcome {
  readonly loaded: boolean;
  readonly compared: 'outputs' | 'shapes' | 'loading' | 'nothing';
  readonly asExpected: boolean;
  readonly problem?: string;
}

async function check({ name, model: bytes, inputs, outputs }: NodeTest): Promise<Outcome> {
  const model = decodeModel(bytes);
  validateModel(model);
  const inline = encodeModel(model);
  expect(plainModel(decodeModel(inline)), name).toEqual(plainModel(model));

  const feeds = decodeValues(inputs, model.graph.inputs);
  let job: Job = { model: bytes, runs: 2, ...(feeds ? { feeds: [...feeds] } : {}) };
  let original: RunResult = await runner.run(job);
  if (original.stage === 'run') {
    // Values that the binding cannot hold, or an operator that fails on its input: loading is all there is to compare.
    job = { ...job, feeds: undefined };
    original = await runner.run(job);
  }
  if (!original.results) return { loaded: false, compared: 'nothing', asExpected: false, problem: undefined };
  const [first, second] = original.results;
  const repeatable = first !== undefined && sameBits(first, second);

  const { results, error } = await runner.run({ ...job, model: inline });
  let problem: string | undefined;
  if (!results) problem = error;
  else if (repeatable && !sameBits(first, results[0])) problem = 'outputs differ';
  else if (first && !results[0].every(([, x], k) => x.type === first[k][1].type)) problem = 'types differ';
  else if (first && feeds && repeatable) problem = await checkReferences(model, feeds);
  const expected = decodeValues(outputs, model.graph.outputs);
  const asExpected = Boolean(
    first && expected && first.every(([key, x]) => expected.has(key) && agrees(x, expected.get(key) as Tensor)),
  );
  const compared = first === undefined ? 'loading' : repeatable ? 'outputs' : 'shapes';
  return { loaded: true, compared, asExpected, problem };
}

describe.skipIf(!archive)('ONNX operator tests', () => {
  it('compute the same after decoding and encoding', { timeout: all ? 600_000 : 120_000 }, async () => {
    const tests = readNodeTests(archive as string).filter((_, i) => all || i % everyNth === 0);
    const outcomes: (Outcome & { name: string })[] = [];
    for (const test of tests) {
      const outcome = await check(test).catch((error): Outcome => {
        return { loaded: true, compared: 'nothing', asExpected: false, problem: `codec: ${error.message}` };
      });
      outcomes.push({ name: test.name, ...outcome });
    }
    const count = (predicate: (outcome: Outcome) => boolean) => outcomes.filter(predicate).length;
    const of = (compared: Outcome['compared']) => count((outcome) => outcome.compared === compared);
    console.info(
      `${tests.length} operator tests: the runtime loads ${count((outcome) => outcome.loaded)}; ` +
        `outputs compared bit for bit ${of('outputs')}, types only (random operators) ${of('shapes')}, ` +
        `loading only ${of('loading')}; with references to their weights ${referenced}; outputs as the suite expects ${count((outcome) => outcome.asExpected)}`,
    );
    const problems = outcomes.filter((outcome) => outcome.problem);
    expect(problems.map(({ name, problem }) => `${name}: ${problem}`)).toEqual([]);
    expect(of('outputs')).toBeGreaterThan(tests.length / 2);
    expect(referenced).toBeGreaterThan(tests.length / 4);
  });
});
