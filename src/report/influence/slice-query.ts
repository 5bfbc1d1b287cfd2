import type { LoadedModel } from '../../data/model/loaded-model.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import { range } from '../../dataset/pieces.ts';
import { subset } from '../../dataset/select.ts';
import { WhereforeError } from '../../errors.ts';
import { classNumbers } from '../../influence/decided-dataset.ts';
import { type Matrix, rowOf } from '../../influence/matrix.ts';
import { lossesOf } from '../../influence/methods/controls.ts';
import { represent } from '../../influence/represent.ts';
import {
  type Measure,
  type MeasuredQuery,
  type MeasuredSlice,
  type MeasuredTerms,
  measuredValue,
  sliceWeights,
} from '../../influence/slices/measured-query.ts';
import { type SliceFacts, sliceRows } from '../../influence/slices/slice-filter.ts';
import { largestAt } from '../../tensor/extremes.ts';
import { filled } from '../../tensor/filled.ts';
import { checkLabels } from '../audit/check-rows.ts';
import { classReader } from '../audit/class-reader.ts';

export interface SliceQueryOptions {
  readonly model: LoadedModel;
  /** Rows that the slices are of, with labels where something asks for them. */
  readonly from: Dataset;
  /** Names of the classes by number. */
  readonly classes: readonly string[];
  /** The slice, in the words of `sliceRows`. */
  readonly slice: string;
  /** Of a gap the slice that it is compared with, or `rest` for all other rows. Default: no gap. */
  readonly against?: string | typeof theRest;
  readonly measure: Measure;
  /** The class whose probability a rate is. */
  readonly class?: number;
  readonly layer?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (stage: string, done: number, total: number) => void;
}

/** All rows that the first slice does not have. */
export const theRest = Symbol('all other rows');

/** A query about the rows of slices. */
export interface SliceQuery {
  readonly about: MeasuredQuery;
  /** The rows of the slices, of a gap those of the lower first. */
  readonly rows: Dataset;
  /** Their positions in the data that they were found in. */
  readonly at: readonly number[];
  /** The class that each row's part of f is about. */
  readonly targets: Int32Array;
  /** How f is made of the rows. */
  readonly terms: MeasuredTerms;
  readonly notes: readonly string[];
}

/**
 * Finds the rows of a slice, or of the two of a gap, and what the model in hand measures there.
 * @throws WhereforeError as `sliceRows`; `invalid-argument` where labels are needed and not known, where the two slices
 *   of a gap share rows, or where a rate is of no class
 */
export async function openSlices(options: SliceQueryOptions): Promise<SliceQuery> {
  const { from, slice, against, measure, classes } = options;
  const facts = await factsOf(options);
  const { labels } = facts;
  if (measure === 'log-probability' && !labels)
    throw new WhereforeError(
      'invalid-argument',
      'the log-probability of the label is asked for, and there are no labels',
      {
        where: from.name,
        fix: 'name the column of labels (--label), a file with them (--from-labels), or measure a rate (--measure rate --class NAME)',
      },
    );
  if (measure === 'rate' && options.class === undefined)
    throw new WhereforeError('invalid-argument', 'a rate of which class?', { fix: 'add --class' });
  const first = { filter: slice, rows: await sliceRows(slice, facts) };
  const found = against === undefined ? [first] : [first, await other(first.rows, options, facts)];
  const asked = options.class;
  const logs = (row: number) =>
    measure === 'rate'
      ? Math.log(facts.probabilities.data[row * classes.length + (asked as number)])
      : -(facts.losses as Float64Array)[row];
  const measured = found.map(({ filter, rows }): MeasuredSlice & { readonly at: readonly number[] } => {
    const terms: MeasuredTerms = {
      weights: sliceWeights([rows.length]),
      of: measure === 'rate' ? 'probability' : measure,
    };
    const right = labels && rows.reduce((sum, row) => sum + Number(facts.predicted[row] === labels[row]), 0);
    return {
      ...{ filter, rows: rows.length, at: rows, value: measuredValue(terms, rows.map(logs)) },
      ...(right !== undefined && { accuracy: right / rows.length }),
    };
  });
  // f is the lower one less the higher: what helps narrows the gap.
  measured.sort((a, b) => (against === undefined ? 0 : a.value - b.value));
  const at = measured.flatMap((one) => [...one.at]);
  return {
    about: {
      ...{ kind: against === undefined ? 'slice' : 'gap', from: from.name, measure },
      ...(measure === 'rate' && { class: asked }),
      slices: measured.map(({ at: _, ...one }) => one),
    },
    rows: subset(from, at),
    at,
    targets: filled(new Int32Array(at.length), (q) => (measure === 'rate' ? asked : labels?.[at[q]]) as number),
    terms: {
      weights: sliceWeights(measured.map(({ rows }) => rows)),
      of: measure === 'rate' ? 'probability' : 'log-probability',
    },
    notes: notesOf(measured, against !== undefined),
  };
}

/** Rows of a slice below which its mean is mostly chance. */
const few = 30;

function notesOf(slices: readonly MeasuredSlice[], isGap: boolean): string[] {
  return [
    ...slices
      .filter(({ rows }) => rows < few)
      .map(({ filter, rows }) => `${rows} rows where ${filter}: what is measured of so few is mostly chance`),
    ...(isGap ? ['a positive score narrows the gap as it is now; nothing keeps a change from turning it round'] : []),
  ];
}

/** The slice that a gap is measured against. */
async function other(first: readonly number[], { against, slice, from }: SliceQueryOptions, facts: SliceFacts) {
  const own = new Set(first);
  if (against !== theRest) {
    const rows = await sliceRows(against as string, facts);
    const shared = rows.filter((row) => own.has(row)).length;
    if (shared === 0) return { filter: against as string, rows };
    throw new WhereforeError('invalid-argument', 'the two slices of a gap share rows', {
      got: `${shared} rows are in "${slice}" and in "${String(against)}"`,
      fix: 'name slices without a row in common',
    });
  }
  const rows = Array.from({ length: from.length }, (_, i) => i).filter((row) => !own.has(row));
  if (rows.length > 0) return { filter: `not (${slice})`, rows };
  throw new WhereforeError('invalid-argument', 'all rows are in the slice: there is no gap to others', {
    got: slice,
    fix: 'name a slice that some rows are not in',
  });
}

interface Facts extends SliceFacts {
  readonly losses?: Float64Array;
  /** Of the classes: rows × classes. */
  readonly probabilities: Matrix;
}

/** What the model says of the rows. */
async function factsOf(options: SliceQueryOptions): Promise<Facts> {
  const { model, from, classes, signal, onProgress } = options;
  const reader = await classReader(model, new Map(Object.entries((await from.read([0])).inputs)), classes, options);
  const seen = { read: reader.read, output: reader.output, layer: undefined, contentBytes: 0, signal };
  const { probabilities } = await represent(model, from, {
    ...seen,
    onProgress: (done, total) => onProgress?.('slices', done, total),
  });
  const labels = from.labels?.type === 'int64' ? classNumbers(from.labels) : undefined;
  if (labels) checkLabels(from, labels, classes);
  const predicted = filled(new Int32Array(from.length), (i) => largestAt(rowOf(probabilities, i)));
  return {
    ...{ rows: from.length, classes, labels, predicted, probabilities, columns: from.columns },
    confidence: filled(new Float64Array(from.length), (i) => rowOf(probabilities, i)[predicted[i]]),
    ...(labels && { losses: lossesOf(probabilities, labels) }),
    column: (name) => from.column(name, range(0, from.length)),
  };
}
