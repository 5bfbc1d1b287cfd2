/** Evidence about the label of one row. */
export interface LabelFacts {
  readonly given: number;
  readonly suggested: number;
  /** What the model, or the given probabilities, say of both. */
  readonly probability: number;
  readonly suggestedProbability: number;
  /** −log probability, nats, and the row's place by it, 1: the largest. */
  readonly loss: number;
  readonly lossRank: number;
  /** Confident learning's margin and the row's place by it, 1: the most suspicious. */
  readonly margin: number;
  readonly confidentRank: number;
  /** Share of the neighbours with the given label. */
  readonly agreement?: number;
}

/** Another row, and how far away. */
export interface NeighbourFact {
  readonly row: number;
  readonly distance: number;
  readonly label?: number;
}

/** What is wrong with a row. */
export type RowProblem =
  | { readonly kind: 'label' }
  | { readonly kind: 'contradiction' | 'near-contradiction' | 'duplicate' | 'near-duplicate'; readonly group: number }
  | {
      readonly kind: 'leak' | 'near-leak';
      readonly heldOut: number;
      readonly distance: number;
      /** Whether the held-out row has another label. */
      readonly conflict: boolean;
    }
  | { readonly kind: 'outlier'; readonly score: number; readonly distance: number; readonly median: number };

export type ProblemKind = RowProblem['kind'];

interface ProblemText {
  readonly title: string;
  /** What it means and what to do, in a sentence. */
  readonly advice: string;
  /** Where such rows stand in the one list: larger first. Within a kind the more certain first. */
  readonly weight: number;
}

/** Every kind of problem, in words and in the order of the list. */
export const problemKinds: Readonly<Record<ProblemKind, ProblemText>> = {
  leak: {
    title: 'in the held-out data too',
    advice: 'the same content is held out: what is measured there is partly memory. Drop one of them',
    weight: 1,
  },
  contradiction: {
    title: 'same content, other label',
    advice: 'rows with the same content have different labels: at least one is wrong',
    weight: 0.95,
  },
  label: {
    title: 'label',
    advice: 'another class fits better than the label: look, and relabel or keep',
    weight: 0.9,
  },
  'near-leak': {
    title: 'nearly in the held-out data',
    advice: 'nearly the same content is held out. Drop one of them, or keep both knowingly',
    weight: 0.6,
  },
  'near-contradiction': {
    title: 'nearly the same content, other label',
    advice: 'rows that hardly differ have different labels: look which is right',
    weight: 0.55,
  },
  outlier: { title: 'far from all others', advice: 'broken, of another kind, or rare and valuable: look', weight: 0.5 },
  duplicate: { title: 'copy', advice: 'the same content several times counts several times. Keep one', weight: 0.3 },
  'near-duplicate': {
    title: 'near copy',
    advice: 'hardly different rows count several times. Keep one where that was not meant',
    weight: 0.2,
  },
};
