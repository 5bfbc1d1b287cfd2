import type { Graph } from '../../onnx/graph.ts';
import type { Specialised } from '../../runtime/executor.ts';
import { namedMemo } from '../../tensor/memo.ts';
import { atPositions } from './at-positions.ts';
import { divideByRoots } from './root-division.ts';
import { selectionOf } from './selection.ts';
import { guardProducts } from './softmax-guard.ts';

/** A graph that computes the same outputs with less work, for a target that is evaluated many times. */
export function prune(specialised: Specialised): Promise<Graph> {
  return known(specialised.graph, '', () => made(specialised));
}

const known = namedMemo<Graph, Promise<Graph>>();

async function made({ graph, facts }: Specialised): Promise<Graph> {
  const narrow = guardProducts(atPositions(divideByRoots(graph), facts), facts);
  // Only graphs of coalitions select rows.
  if (!selectionOf(narrow, facts)) return narrow;
  return (await import('./late-selection.ts')).selectLate(narrow, facts);
}
