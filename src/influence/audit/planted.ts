import { bootstrap, type Interval } from '../../evaluation/statistics.ts';
import { filled } from '../../tensor/filled.ts';
import { choose, random } from '../../tensor/random.ts';
import { type Matrix, rowOf } from '../matrix.ts';
import type { Neighbours } from '../neighbours.ts';
import { labelEvidence } from './label-evidence.ts';

/** How errors are planted: any other class, or the one that the model finds most likely after the given one. */
export const plantKinds = ['uniform', 'confusable'] as const;
export type PlantKind = (typeof plantKinds)[number];

export interface Planted {
  readonly labels: Int32Array;
  /** Rows whose label was made wrong. */
  readonly wrong: readonly number[];
}

/** Makes the labels of a share of the rows wrong. @param probabilities of a model that was not trained on the new labels */
export function plantErrors(
  { labels, probabilities }: { readonly labels: Int32Array; readonly probabilities: Matrix },
  kind: PlantKind,
  { share, seed }: { readonly share: number; readonly seed: number },
): Planted {
  const source = random(seed, 1 + plantKinds.indexOf(kind));
  const classes = probabilities.columns;
  const wrong = choose(labels.length, Math.max(1, Math.round(share * labels.length)), source).sort();
  const planted = Int32Array.from(labels);
  for (const row of wrong) {
    const own = labels[row];
    planted[row] =
      kind === 'uniform'
        ? (own + 1 + source.integer(classes - 1)) % classes
        : mostLikelyOther(rowOf(probabilities, row), own);
  }
  return { labels: planted, wrong: Array.from(wrong) };
}

function mostLikelyOther(p: ArrayLike<number>, own: number): number {
  let best = own === 0 ? 1 : 0;
  for (let k = 0; k < p.length; k++) if (k !== own && p[k] > p[best]) best = k;
  return best;
}

/** How well one order of the rows finds planted errors. */
export interface FoundByMethod {
  readonly method: 'audit' | 'loss' | 'confident learning' | 'neighbours' | 'random';
  /** Share of the planted errors in the first tenth of the order, with its interval over the errors. */
  readonly found: Interval;
  /** Less the share that the loss finds. */
  readonly overLoss: Interval;
}

/** Part of an order that is looked at. */
const lookedAt = 0.1;

/** How many of the planted errors each order of an audit puts into its first tenth. @param seed of the random order */
export function foundByMethods(
  { labels, wrong }: Planted,
  probabilities: Matrix,
  neighbours: Neighbours | undefined,
  seed: number,
): FoundByMethod[] {
  const { suspicion, losses, margins, agreement } = labelEvidence(probabilities, labels, neighbours);
  const source = random(seed, 9);
  const orders: readonly (readonly [FoundByMethod['method'], Float64Array])[] = [
    ['audit', suspicion],
    ['loss', losses],
    ['confident learning', margins.map((margin) => -margin)],
    ...(neighbours ? [['neighbours', agreement.map((share) => -share)] as const] : []),
    ['random', filled(new Float64Array(labels.length), () => source.uniform())],
  ];
  const hits = orders.map(([, scores]) => {
    const order = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
    const first = new Set(order.slice(0, Math.round(lookedAt * order.length)));
    return wrong.map((row) => Number(first.has(row)));
  });
  return orders.map(([method], i) => ({
    method,
    found: bootstrap(hits[i], { seed }),
    overLoss: bootstrap(
      hits[i].map((hit, j) => hit - hits[1][j]),
      { seed },
    ),
  }));
}
