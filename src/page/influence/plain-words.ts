import type { InfluenceDocument, InfluentialRow, RowQuery } from '../../influence/influence-document.ts';

/** A document about one row: what a model measures on many is no answer to a person. */
export type RowDocument = InfluenceDocument & { readonly query: RowQuery };

/** Examples that a person is shown at most. */
const mostExamples = 3;

/** A training row, with what it does in words. */
export interface PlainExample {
  readonly row: InfluentialRow;
  readonly words: string;
}

/**
 * The examples for a person who knows nothing of influence: the strongest rows for the answer, and the strongest against
 * it where there is one. Rows that other seeds call noise are left out.
 */
export function plainExamples({ all, query, classes }: Pick<RowDocument, 'all' | 'query' | 'classes'>): PlainExample[] {
  const asked = classes[query.target] ?? String(query.target);
  const told = ({ reliability }: InfluentialRow) => reliability !== 'noise';
  const against = all.opponents.filter(told).slice(0, 1);
  const behind = all.proponents.filter(told).slice(0, mostExamples - against.length);
  return [
    ...behind.map((row) => ({ row, words: `makes ${asked} more likely` })),
    ...against.map((row) => ({ row, words: `makes ${asked} less likely` })),
  ];
}

/** What is said to a person, without a number. */
export interface PlainAnswer {
  readonly said: string;
  /** Where the model has seen few rows like the query. */
  readonly rare?: string;
  /** What the examples are. */
  readonly basis: string;
}

/** Probabilities from which the model is sure, and fairly sure. */
const sure = 0.95;
const fairlySure = 0.7;

/** The answer in plain sentences. */
export function plainAnswer({
  query,
  classes,
  familiarity,
  models,
  all,
}: Pick<RowDocument, 'query' | 'classes' | 'familiarity' | 'models' | 'all'>): PlainAnswer {
  const name = (k: number) => classes[k] ?? String(k);
  const { probability, predicted, target } = query;
  const certainty =
    probability >= sure ? 'It is sure.' : probability >= fairlySure ? 'It is fairly sure.' : 'It is not sure.';
  const about = target === predicted ? '' : ` You asked about ${name(target)}.`;
  const noise = [...all.proponents, ...all.opponents].every(({ reliability }) => reliability === 'noise');
  return {
    said: `The model says ${name(predicted)}. ${certainty}${about}`,
    ...(familiarity?.few && {
      rare: 'The model has seen few examples like this one. Be careful with its answer.',
    }),
    basis:
      models > 1 && noise
        ? 'Models that were trained again do not agree on any example, so none is shown.'
        : `The model learned from examples. These are among those that its answer depends on most${models > 1 ? ', and models that were trained again agree' : ''}.`,
  };
}
