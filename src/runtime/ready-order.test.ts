import { describe, expect, it } from 'vitest';
import { differentiate } from '../autodiff/differentiate.ts';
import type { Facts } from '../autodiff/facts.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { type Graph, namesRead } from '../onnx/graph.ts';
import { inferTypes } from '../onnx/types.ts';
import { inReadyOrder } from './ready-order.ts';

/** A chain of activations with its backward pass. */
function chainGradient(op: string, size: number): Graph {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [1, 4]);
  const seed = builder.input('seed', 'float32', [1, 4]);
  for (let i = 0; i < size; i++) builder.op(op, [i ? `v${i - 1}` : 'x'], {}, { outputs: [`v${i}`] });
  builder.output(`v${size - 1}`, 'float32', [1, 4]);
  const graph = builder.build();
  const types = inferTypes(graph);
  const facts: Facts = {
    types,
    constants: new Map(),
    shapes: new Map([...types.keys()].map((name) => [name, [1, 4]])),
  };
  return differentiate(graph, facts, { seeds: new Map([[`v${size - 1}`, seed]]), wrt: ['x'] }).graph;
}

/** The most nodes that are ready at once where the first of them in the file is taken each time, as the runtime does. */
function longestQueue({ nodes }: Graph): number {
  const producer = new Map(nodes.flatMap((node, i) => node.outputs.map((name) => [name, i] as const)));
  // A topological order is what the rule gives: the first one that is ready is the next of the file.
  const readyAfter = nodes.map((node) => {
    let last = -1;
    for (const name of namesRead(node)) last = Math.max(last, producer.get(name) ?? -1);
    return last;
  });
  const change = new Array<number>(nodes.length + 1).fill(0);
  readyAfter.forEach((after, i) => {
    expect(after).toBeLessThan(i);
    change[after + 1]++;
    change[i + 1]--;
  });
  let [waiting, longest] = [0, 0];
  for (const difference of change) longest = Math.max(longest, (waiting += difference));
  return longest;
}

describe('the order in which the runtime is given the nodes', () => {
  it.each(['Relu', 'Tanh', 'Sigmoid', 'Softplus'])('keeps few nodes of the gradient of a chain of %s waiting', (op) => {
    const [small, large] = [200, 400].map((size) => chainGradient(op, size));
    expect(longestQueue(inReadyOrder(small))).toBe(longestQueue(inReadyOrder(large)));
    expect(longestQueue(inReadyOrder(large))).toBeLessThan(6);
    // As it is made, a mask or a slope of every node waits.
    expect(longestQueue(large)).toBeGreaterThanOrEqual(400);
  });

  it('keeps every node once, in topological order', () => {
    const graph = chainGradient('Relu', 50);
    const ordered = inReadyOrder(graph);
    expect(longestQueue(ordered)).toBeGreaterThan(0);
    expect(new Set(ordered.nodes)).toEqual(new Set(graph.nodes));
    expect(ordered.nodes).toHaveLength(graph.nodes.length);
  });
});
