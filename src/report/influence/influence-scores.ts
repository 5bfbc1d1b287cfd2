import * as z from 'zod/mini';
import type { Dataset } from '../../dataset/dataset.ts';
import { WhereforeError } from '../../errors.ts';
import type { InfluenceMethod, Scores } from '../../influence/method.ts';
import { costOf, type InfluenceContext, influenceMethodNamed, score } from '../../influence/score.ts';
import { mapped } from '../../tensor/filled.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { checkRows } from '../audit/check-rows.ts';
import { classNames } from '../audit/class-reader.ts';
import { firstLook } from './first-look.ts';
import { type Contextual, contextOf } from './influence-context.ts';
import type { InfluenceDataOptions } from './influence-options.ts';
import { scoreMeasured } from './score-measured.ts';

/** Weights up to which the whole curvature is taken by default: its factor takes seconds. */
const wholeCurvature = 2000;

/** Which method answers by default: the whole curvature where it is small, EK-FAC where it is not, votes without gradients. */
function defaultMethod({ gradients, checkpoints }: InfluenceContext): string {
  if (checkpoints) return 'tracin-cp';
  if (!gradients) return 'knn-shapley';
  return gradients.parameters <= wholeCurvature ? 'influence' : 'ek-fac';
}

/** Scores of the training rows for queries, and what they were made of. */
export interface ScoredQueries extends Contextual {
  readonly classes: readonly string[];
  /** Classes of the rows. */
  readonly labels: Int32Array;
  readonly name: string;
  readonly method: InfluenceMethod;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly scores: Scores;
}

/**
 * Scores every training row for every query by the method that was named, or fits the model.
 * @param wanted the class that f of each query is about; default: the predicted one
 * @throws WhereforeError as `influenceData`
 */
export async function scoreQueries(
  options: InfluenceDataOptions,
  wanted: readonly (number | undefined)[],
): Promise<ScoredQueries> {
  const { model, data, query } = options;
  checkLabels(data);
  const asked = new Map(Object.entries((await query.read([0])).inputs));
  const classes = await classNames(data, model, asked, options);
  for (const target of wanted)
    if (target !== undefined && target >= classes.length)
      throw new WhereforeError('out-of-range', 'there is no such class', {
        got: `${target}`,
        expected: `0 to ${classes.length - 1}`,
      });
  await checkRows(data, classes);
  const labels = mapped(Int32Array, (data.labels as Tensor<'int64'>).data as BigInt64Array, Number);
  const first = await contextOf(options, model, classes, labels, wanted);
  const name = options.method ?? defaultMethod(first.context);
  const method = influenceMethodNamed(name);
  // Not of many queries, and where rows are held back of none.
  const isOne = query.length === 1 && !options.measured && !options.redact;
  const look = isOne ? firstLook(first, { data, labels, classes }) : undefined;
  if (look !== undefined) options.onCost?.(look);
  options.onCost?.(costText(name, first.context, options.parameters));
  const scores = await scoresOf(name, first, options);
  const parameters = z.parse(method.parameters, options.parameters ?? {}) as Record<string, unknown>;
  return { ...first, classes, labels, name, method, parameters, scores };
}

/** Scores by what one model gives. */
export function scoresOf(
  name: string,
  given: Pick<Contextual, 'context' | 'each'>,
  { measured, parameters }: InfluenceDataOptions,
): Promise<Scores> {
  return measured ? scoreMeasured(name, given, measured, parameters) : score(name, given.context, parameters);
}

function checkLabels({ labels, name }: Dataset): void {
  if (!labels)
    throw new WhereforeError('invalid-data', 'the training rows have no labels', {
      where: name,
      fix: 'name the column, or the file, of labels',
    });
  if (labels.type !== 'int64')
    throw new WhereforeError('wrong-type', 'the labels are values, not classes', {
      where: name,
      got: labels.type,
      fix: 'name a column of classes; what rows do to a model of values is measured by wherefore retrain --train COMMAND',
    });
}

/** As *40 billion*. */
const rounded = new Intl.NumberFormat('en', {
  notation: 'compact',
  compactDisplay: 'long',
  maximumSignificantDigits: 1,
});

function costText(name: string, context: InfluenceContext, parameters: unknown): string {
  const { gradients, multiplications } = costOf(name, context, parameters ?? {});
  const size = context.gradients ? `, ${context.gradients.parameters.toLocaleString('en')} weights` : '';
  return `${name}: ${gradients.toLocaleString('en')} gradients of rows${size}, about ${rounded.format(multiplications)} multiplications besides`;
}
