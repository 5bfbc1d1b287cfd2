import { realLayers } from '../../../autodiff/real-layers.ts';
import { simpleReductions } from '../../../autodiff/simple-reductions.ts';
import { unrollRecurrent } from '../../../autodiff/unroll-recurrent.ts';
import type { Specialised } from '../../../runtime/executor.ts';

/**
 * A graph of layers that DeepLIFT and LRP have rules for: recurrent layers as their steps, layers that compute with
 * integers as those on the real numbers which these stand for, norms as roots of sums.
 */
export function simpleLayers({ graph, facts }: Specialised): Pick<Specialised, 'graph' | 'facts'> {
  const real = realLayers(graph, facts);
  const reduced = simpleReductions(real.graph, real.facts);
  return unrollRecurrent(reduced.graph, reduced.facts);
}
