import type { Graph } from '../../onnx/graph.ts';
import type { Specialised } from '../../runtime/executor.ts';
import { selectLate } from './late-selection.ts';
import { atOnePosition } from './one-position.ts';
import { divideByRoots } from './root-division.ts';
import { guardProducts } from './softmax-guard.ts';

const known = new WeakMap<Graph, Graph>();

/** A graph that computes the same outputs with less work, for a target that is evaluated many times. */
export function prune({ graph, facts }: Specialised): Graph {
  let result = known.get(graph);
  if (!result) {
    const narrow = atOnePosition(divideByRoots(graph), facts);
    known.set(graph, (result = selectLate(guardProducts(narrow, facts), facts)));
  }
  return result;
}
