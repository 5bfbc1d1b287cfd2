import * as z from 'zod/mini';
import { checked } from '../checked.ts';
import { WhereforeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import type { Block } from './gradient-material.ts';
import { type Material, type Need, needs } from './material.ts';
import type { Cost, Given, InfluenceMethod, Scores, Size, Suspicion } from './method.ts';
import { influenceTable } from './methods/index.ts';
import { widthsOfSide } from './side-parts.ts';

/** What there is to score with: the material that the user's model and data give. */
export interface InfluenceContext extends Partial<Material> {
  /** Training rows. */
  readonly rows: number;
  readonly queries: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** A row of the table by name. @throws WhereforeError `unknown-name` */
export function influenceMethodNamed(name: string): InfluenceMethod {
  const method = Object.hasOwn(influenceTable, name) ? influenceTable[name] : undefined;
  if (!method) throw unknownName('there is no method of influence', name, Object.keys(influenceTable));
  return method;
}

/** What of a method's needs a context lacks. */
export function missingNeeds(method: InfluenceMethod, context: InfluenceContext): readonly Need[] {
  return method.needs.filter((need) => context[need] === undefined);
}

/** The sizes that a cost depends on. */
export function sizeOfContext(context: InfluenceContext): Size {
  const { rows, queries, labels, embeddings, gradients, checkpoints, unrolling } = context;
  return {
    rows,
    queries,
    classes: labels?.classes ?? 0,
    width: embeddings?.rows.columns ?? 0,
    parameters: gradients?.parameters ?? 0,
    eigenvectors: eigenvectorsOf(gradients?.blocks ?? []),
    checkpoints: checkpoints?.length ?? 0,
    epochs: unrolling?.epochs ?? 0,
    replayBytes: unrolling?.keptBytes ?? 0,
  };
}

/** `Σ n³` over the matrices whose eigenvectors make the axes of the blocks. */
function eigenvectorsOf(blocks: readonly Block[]): number {
  let sum = 0;
  for (const block of blocks)
    for (const side of ['inputs', 'outputs'] as const) {
      const held = widthsOfSide(block, side);
      if (held.kind === 'parts') for (const width of held.widths) sum += width ** 3;
    }
  return sum;
}

/** What a method takes on this context. @throws WhereforeError as {@link score} before it runs */
export function costOf(name: string, context: InfluenceContext, parameters: unknown = {}): Cost {
  const method = influenceMethodNamed(name);
  return method.cost(sizeOfContext(context), parsed(name, method, parameters));
}

/**
 * Scores every training row for every query: queries × rows, positive where the row helps.
 * @param parameters of the method; what is left out has the default of its schema
 * @throws WhereforeError `unknown-name`; `invalid-argument` where the context lacks what the method needs, or for wrong
 *   parameters; `invalid-data` without rows or queries; `not-finite` where a score is not a number
 */
export async function score(name: string, context: InfluenceContext, parameters: unknown = {}): Promise<Scores> {
  const { method, given, values } = prepared(name, context, parameters);
  if (context.queries < 1) throw new WhereforeError('invalid-data', 'there is no query to score for');
  const runner = await method.load();
  const scores = await runner.score(given, values);
  checkFinite(name, scores.values.data);
  return scores;
}

/** How suspicious each training row is by a method's own measure; undefined where the method has none. Errors as {@link score}. */
export async function suspicion(
  name: string,
  context: InfluenceContext,
  parameters: unknown = {},
): Promise<Suspicion | undefined> {
  const { method, given, values } = prepared(name, context, parameters);
  const result = await (await method.load()).suspicion?.(given, values);
  if (result) checkFinite(name, result.values);
  return result;
}

/** Whether parameters are those of a method, before anything is computed. @throws WhereforeError `invalid-argument`, `unknown-name` */
export function checkParameters(name: string, parameters: unknown = {}): void {
  parsed(name, influenceMethodNamed(name), parameters);
}

function prepared(name: string, context: InfluenceContext, parameters: unknown) {
  const method = influenceMethodNamed(name);
  const values = parsed(name, method, parameters);
  if (context.rows < 1) throw new WhereforeError('invalid-data', 'there are no training rows to score');
  const missing = missingNeeds(method, context);
  if (missing.length > 0)
    throw new WhereforeError('invalid-argument', `"${name}" cannot run here`, {
      got: `no ${missing.map((need) => needs[need].what).join(', no ')}`,
      fix: missing.map((need) => needs[need].fix).join('; '),
    });
  checkSizes(context);
  const given: Given<Need> = { ...(context as Material), size: sizeOfContext(context), seed: context.seed };
  return { method, given: context.signal ? { ...given, signal: context.signal } : given, values };
}

function parsed(name: string, method: InfluenceMethod, parameters: unknown): unknown {
  const result = checked(method.parameters, parameters);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const { parameters: schema } = method;
  if (issue.code === 'unrecognized_keys')
    throw unknownName(
      `"${name}" has no parameter`,
      issue.keys[0],
      schema instanceof z.core.$ZodObject ? Object.keys(schema._zod.def.shape) : [],
    );
  throw new WhereforeError('invalid-argument', `parameter ${issue.path.join('.') || '?'} of "${name}"`, {
    got: JSON.stringify(parameters),
    expected: issue.message,
  });
}

/** @throws WhereforeError `wrong-shape` where the material's parts differ in their rows, `out-of-range` for a label that is no class */
function checkSizes(context: InfluenceContext): void {
  const { rows, queries, labels, embeddings, predictions, texts, gradients } = context;
  const check = (what: string, got: number | undefined, expected: number) => {
    if (got !== undefined && got !== expected)
      throw new WhereforeError('wrong-shape', `${what} differ in number from the data`, {
        got: `${got}`,
        expected: `${expected}`,
      });
  };
  check('labels of the rows', labels?.rows.length, rows);
  check('labels of the queries', labels?.queries.length, queries);
  check('embeddings of the rows', embeddings?.rows.rows, rows);
  check('embeddings of the queries', embeddings?.queries.rows, queries);
  check('predictions of the rows', predictions?.rows.rows, rows);
  check('texts of the rows', texts?.rows.length, rows);
  check('texts of the queries', texts?.queries.length, queries);
  check('gradients of the rows', gradients?.rows, rows);
  for (const side of ['rows', 'queries'] as const) {
    const bad = labels?.[side].findIndex((label) => !(label >= 0 && label < labels.classes)) ?? -1;
    if (bad >= 0)
      throw new WhereforeError(
        'out-of-range',
        `the label of ${side === 'rows' ? 'row' : 'query'} ${bad + 1} is no class`,
        {
          got: `${labels?.[side][bad]}`,
          expected: `0 to ${(labels?.classes ?? 0) - 1}`,
        },
      );
  }
}

function checkFinite(name: string, values: Float64Array | Float32Array): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new WhereforeError('not-finite', `a score of "${name}" is not a number`, {
    got: `${values[bad]} at ${bad}`,
    fix: 'look for values that are not finite in the data and in the weights of the model',
  });
}
