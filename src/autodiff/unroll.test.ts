import { afterAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import { attributesOf, type Graph, type Node, type OnnxModel } from '../onnx/graph.ts';
import { Executor } from '../runtime/executor.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { toNumbers } from '../tensor/convert.ts';
import { float32, int64, type Tensor, tensor } from '../tensor/tensor.ts';
import { differentiate } from './differentiate.ts';
import type { Facts } from './facts.ts';
import { unrollLoops } from './unroll.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const scalar = (value: number) => float32([], [value]);
const truth = (value: boolean) => tensor('bool', [], Uint8Array.of(value ? 1 : 0));
const none: Facts = { shapes: new Map(), types: new Map(), constants: new Map() };

function withBody(op: string, inputs: string[], outputs: string[], body: Graph, attributes = {}): Node {
  return {
    op,
    domain: '',
    name: op.toLowerCase(),
    inputs,
    outputs,
    attributes: { ...attributesOf(attributes), body: { kind: 'graph', value: body } },
  };
}

/** Value and gradient of Σ outputs, through the executor: probe, unroll, probe again, differentiate, run. */
async function valueAndGradients(graph: Graph, feeds: Map<string, Tensor>, wrt: string[]) {
  const model: OnnxModel = {
    irVersion: 10,
    producer: '',
    opsets: new Map([['', 21]]),
    graph,
    functions: [],
    metadata: new Map(),
  };
  const executor = new Executor(runtime, model, undefined);
  const plain = await executor.run(
    graph,
    feeds,
    graph.outputs.map((output) => output.name),
  );
  const specialised = await executor.specialise(graph, feeds);
  const builder = new GraphBuilder(specialised.graph);
  const seeds = new Map(
    graph.outputs.map(({ name }) => {
      const shape = specialised.facts.shapes.get(name) as number[];
      return [name, builder.constant(float32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1)))];
    }),
  );
  const { graph: backward, gradients } = differentiate(builder.build(), specialised.facts, { seeds, wrt });
  const named = new GraphBuilder(backward);
  const outputs = wrt.map((name) => named.output(gradients.get(name) as string, 'float32'));
  const results = await executor.run(named.build(), feeds, [...graph.outputs.map((output) => output.name), ...outputs]);
  await executor.close();
  const numbers = (from: Map<string, Tensor>, name: string) => toNumbers(from.get(name) as Tensor);
  for (const { name } of graph.outputs) expect(numbers(results, name)).toEqual(numbers(plain, name));
  return {
    values: graph.outputs.map(({ name }) => numbers(plain, name)),
    gradients: outputs.map((name) => numbers(results, name)),
  };
}

/** x ← x·w, and x collected: w comes from outside the body. */
function powers(condition: (body: GraphBuilder) => string): Graph {
  const body = new GraphBuilder();
  body.input('i', 'int64', []);
  body.input('go_on', 'bool', []);
  body.input('carried', 'float32', []);
  body.output(condition(body), 'bool', []);
  const next = body.op('Mul', ['carried', 'w'], {}, { outputs: ['next'] });
  body.output(next, 'float32', []);
  // The same value twice: handed over and collected.
  body.output(body.op('Identity', [next]), 'float32', []);
  return body.build();
}

function powersModel(condition: (body: GraphBuilder) => string, trips = 3): Graph {
  const graph = new GraphBuilder();
  graph.input('x', 'float32', []);
  graph.input('w', 'float32', []);
  graph.initializer('trips', int64([], [trips]));
  graph.initializer('true', truth(true));
  graph.append(withBody('Loop', ['trips', 'true', 'x'], ['last', 'all'], powers(condition)));
  graph.output('last', 'float32', []);
  graph.output('all', 'float32', [trips]);
  return graph.build();
}

const passOn = (body: GraphBuilder) => body.op('Identity', ['go_on']);

describe('unrollLoops', () => {
  it('makes a Loop with a constant trip count differentiable', async () => {
    // last = x·w³ = 2·27, all = [x·w, x·w², x·w³]; with ones flowing into all of them:
    // d/dx = w + w² + 2w³ = 3 + 9 + 54, d/dw = x·(1 + 2w + 2·3w²) = 2·(1 + 6 + 54)
    const feeds = new Map([
      ['x', scalar(2)],
      ['w', scalar(3)],
    ]);
    const { values, gradients } = await valueAndGradients(powersModel(passOn), feeds, ['x', 'w']);
    expect(values).toEqual([[54], [6, 18, 54]]);
    expect(gradients).toEqual([[66], [122]]);
  });

  it('keeps loops whose condition is computed, and says why', () => {
    const graph = powersModel((body) => body.op('Less', ['carried', body.scalar(100)]));
    const result = unrollLoops(graph, none);
    expect(result.graph).toBe(graph);
    expect(result.notes.map((note) => note.text)).toEqual([
      'node "loop" (Loop) stays a loop: its body computes the condition to go on',
    ]);
  });

  it('keeps loops that would become too large', () => {
    const graph = powersModel(passOn, 100);
    const { graph: same, notes } = unrollLoops(graph, none, { mostNodes: 200 });
    expect(same).toBe(graph);
    expect(notes[0].text).toContain('its 100 iterations would be 300 nodes (at most 200)');
  });

  it('makes a Scan differentiable, in both directions and along any axis', async () => {
    // Backwards over the columns of x: h ← h·a + column. With a = 2 and columns u, v: h₁ = v, h₂ = 2v + u.
    const body = new GraphBuilder();
    body.input('h', 'float32', [2]);
    body.input('column', 'float32', [2]);
    const next = body.op('Add', [body.op('Mul', ['h', 'a']), 'column']);
    body.output(next, 'float32', [2]);
    body.output(body.op('Identity', [next]), 'float32', [2]);
    const graph = new GraphBuilder();
    graph.input('x', 'float32', [2, 2]);
    graph.initializer('a', scalar(2));
    graph.initializer('zero', float32([2], [0, 0]));
    const attributes = {
      num_scan_inputs: 1,
      scan_input_axes: [1],
      scan_input_directions: [1],
      scan_output_axes: [-1],
      scan_output_directions: [1],
    };
    graph.append(withBody('Scan', ['zero', 'x'], ['last', 'all'], body.build(), attributes));
    graph.output('last', 'float32', [2]);
    graph.output('all', 'float32', [2, 2]);
    const { values, gradients } = await valueAndGradients(
      graph.build(),
      new Map([['x', float32([2, 2], [1, 10, 2, 20])]]),
      ['x', 'a'],
    );
    // The last iteration comes first among the collected columns.
    expect(values).toEqual([
      [21, 42],
      [21, 10, 42, 20],
    ]);
    // u flows into last and all₁: 2. v: 2·2 through h₂ in both, 1 in h₁. a: h₁ = (10, 20) in both.
    expect(gradients).toEqual([[2, 5, 2, 5], [60]]);
  });

  it('unrolls loops inside loops', async () => {
    // Two times (x ← x·w, three times): x·w⁶, of which the derivatives by x and w are w⁶ and 6·x·w⁵.
    const inner = new GraphBuilder();
    inner.input('i', 'int64', []);
    inner.input('go_on', 'bool', []);
    inner.input('carried', 'float32', []);
    inner.output(passOn(inner), 'bool', []);
    inner.output(inner.op('Mul', ['carried', 'w']), 'float32', []);
    const outer = new GraphBuilder();
    outer.input('j', 'int64', []);
    outer.input('more', 'bool', []);
    outer.input('value', 'float32', []);
    outer.initializer('three', int64([], [3]));
    outer.append(withBody('Loop', ['three', '', 'value'], ['result'], inner.build()));
    outer.output(outer.op('Identity', ['more']), 'bool', []);
    outer.output('result', 'float32', []);
    const graph = new GraphBuilder();
    graph.input('x', 'float32', []);
    graph.input('w', 'float32', []);
    graph.initializer('two', int64([], [2]));
    graph.append(withBody('Loop', ['two', '', 'x'], ['y'], outer.build()));
    graph.output('y', 'float32', []);
    const { values, gradients } = await valueAndGradients(
      graph.build(),
      new Map([
        ['x', scalar(3)],
        ['w', scalar(2)],
      ]),
      ['x', 'w'],
    );
    expect(values).toEqual([[192]]);
    expect(gradients).toEqual([[64], [576]]);
  });
});
