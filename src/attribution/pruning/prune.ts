import type { Graph } from '../../onnx/graph.ts';
import type { Specialised } from '../../runtime/executor.ts';
import { namedMemo } from '../../tensor/memo.ts';
import { selectLate } from './late-selection.ts';
import { atOnePosition } from './one-position.ts';
import { divideByRoots } from './root-division.ts';
import { guardProducts } from './softmax-guard.ts';

/** A graph that computes the same outputs with less work, for a target that is evaluated many times. */
export function prune(specialised: Specialised): Graph {
  return known(specialised.graph, '', () => made(specialised));
}

const known = namedMemo<Graph, Graph>();

function made({ graph, facts }: Specialised): Graph {
  const narrow = atOnePosition(divideByRoots(graph), facts);
  return selectLate(guardProducts(narrow, facts), facts);
}
