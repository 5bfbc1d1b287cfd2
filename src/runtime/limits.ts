import { type Graph, type Node, subgraphsOf } from '../onnx/graph.ts';
import { readInitializer } from '../onnx/initializer.ts';
import { toNumbers } from '../tensor/convert.ts';
import { dataTypes, sizeOf } from '../tensor/tensor.ts';

/** Seconds for a run of a graph whose work is bounded by its sizes, and those for each GiB of weights that it reads. */
const boundedSeconds = 120;
const secondsPerGibibyte = 60;

/** Seconds for a run of a graph with a loop that may have no end. */
const loopSeconds = 5;

/** Seconds for a run that only tries a model: somebody waits, and can do without. */
const trialSeconds = 6;

/** Iterations that a loop may announce and still count as bounded. */
const mostIterations = 100_000;

/**
 * Seconds that one run of a graph may take where nobody says so: 120, and 60 more for each GiB of weights; 5 where a
 * Loop does not announce how often it runs, or more than 100,000 times, since it may run for ever.
 * @param isTrial whether the run only tries a model: 6 s in place of 120. Default false.
 */
export function secondsFor(graph: Graph, isTrial = false): number {
  if (openLoops(graph).length > 0) return loopSeconds;
  let bytes = 0;
  for (const { shape, type } of graph.initializers.values()) bytes += sizeOf(shape) * dataTypes[type].bytes;
  return Math.round((isTrial ? trialSeconds : boundedSeconds) + (secondsPerGibibyte * bytes) / 2 ** 30);
}

/** Loops, nested ones too, of which the graph does not say that they end soon. */
export function openLoops(graph: Graph): Node[] {
  const open: Node[] = [];
  for (const node of graph.nodes) {
    if (node.op === 'Loop' && node.domain === '' && !endsSoon(node, graph)) open.push(node);
    for (const inner of subgraphsOf(node)) for (const one of openLoops(inner)) open.push(one);
  }
  return open;
}

function endsSoon(node: Node, graph: Graph): boolean {
  const most = graph.initializers.get(node.inputs[0]);
  if (!most || most.location.kind === 'file' || sizeOf(most.shape) !== 1) return false;
  return toNumbers(readInitializer(most))[0] <= mostIterations;
}
