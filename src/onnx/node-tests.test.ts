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
  return toNumbers(x).every((value, i) => Object.is(value, wanted[i]) || Math.abs(value - wanted[i]) <= 1e-7 + 1e-3 * Math.abs(wanted[i]));
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

const runner = new Runner();
afterAll(() => runner.close());

/** Loads and, where its inputs are tensors that the runtime's binding takes, runs a model. */
async function run(job: Job): Promise<RunResult> {
  return runner.run(job);
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
  let original = await run(job);
  if (original.stage === 'run') {
    // Values that the binding cannot hold, or an operator that fails on its input: loading is all there is to compare.
    job = { ...job, feeds: undefined };
    original = await run(job);
  }
  if (!original.results) return { loaded: false, compared: 'nothing', asExpected: false, problem: undefined };
  const [first, second] = original.results;
  const repeatable = first !== undefined && sameBits(first, second);

  // Every weight a reference, however small, except what shape inference reads.
  const reference = encodeModel(model, { weights: 'reference', inlineBelow: 32 });
  const variants: Job[] = [
    { ...job, model: inline },
    { ...job, model: reference, externalData: [{ path: 'model.onnx', data: bytes }] },
  ];
  let problem: string | undefined;
  for (const [i, variant] of variants.entries()) {
    const mode = i === 0 ? 'inline' : 'reference';
    const { results, error } = await run(variant);
    if (!results) problem = `${mode}: ${error}`;
    else if (repeatable && !sameBits(first, results[0])) problem = `${mode}: outputs differ`;
    else if (first && !results[0].every(([, x], k) => x.type === first[k][1].type)) problem = `${mode}: types differ`;
  }
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
        `loading only ${of('loading')}; outputs as the suite expects ${count((outcome) => outcome.asExpected)}`,
    );
    const problems = outcomes.filter((outcome) => outcome.problem);
    expect(problems.map(({ name, problem }) => `${name}: ${problem}`)).toEqual([]);
    expect(of('outputs')).toBeGreaterThan(tests.length / 2);
  });
});
