import type { LoadedModel } from '../../data/model/loaded-model.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import { WhereforeError } from '../../errors.ts';
import { withLabels } from '../../influence/decided-dataset.ts';
import { formulaGradients } from '../../influence/formula-gradients.ts';
import type { GradientMaterial } from '../../influence/gradient-material.ts';
import { type ModelGradientsOptions, openPasses } from '../../influence/gradient-passes.ts';
import { rowOf } from '../../influence/matrix.ts';
import { gradientsByPasses, modelGradients } from '../../influence/model-gradients.ts';
import { represent } from '../../influence/represent.ts';
import { checkRowsAlone } from '../../influence/rows-alone.ts';
import { type InfluenceContext, influenceMethodNamed } from '../../influence/score.ts';
import { meanDirection, meanRow } from '../../influence/slices/mean-rows.ts';
import { largestAt } from '../../tensor/extremes.ts';
import { filled } from '../../tensor/filled.ts';
import { type ClassReader, classReader, scoresValue } from '../audit/class-reader.ts';
import type { InfluenceDataOptions } from './influence-options.ts';

export interface Contextual {
  /** With `measured`: one query, whose representation is the mean direction of the rows of its first slice. */
  readonly context: InfluenceContext;
  /** With `measured`: its rows as queries of their own, for methods that have no gradients to add up. */
  readonly each?: InfluenceContext;
  /** The class that f of each query, or each row of what is measured, is about. */
  readonly targets: Int32Array;
  /** The class that the model predicts for each query. */
  readonly predicted: Int32Array;
  /**
   * Gradients of other rows, at the weights that the directions of the scores belong to: of the model, or of each
   * checkpoint. Absent where scores are not made of gradients.
   */
  readonly candidates?: (rows: Dataset) => Promise<readonly GradientMaterial[]>;
  readonly notes: readonly string[];
}

/** What one model gives to score with. @param wanted classes that f of the queries is about; default: the predicted ones */
export async function contextOf(
  options: InfluenceDataOptions,
  model: LoadedModel,
  classes: readonly string[],
  labels: Int32Array,
  wanted: readonly (number | undefined)[] = [],
): Promise<Contextual> {
  const { data, query, seed, signal, onProgress } = options;
  const reader = await classReader(model, new Map(Object.entries((await query.read([0])).inputs)), classes, options);
  const seen = { read: reader.read, output: reader.output, layer: reader.layer, signal };
  const ofQuery = await represent(model, query, seen);
  const ofRows = await represent(model, data, {
    ...seen,
    // The rows themselves are compared only where the model has no layer to compare.
    ...(reader.layer && { contentBytes: 0 }),
    onProgress: (done, total) => onProgress?.('predictions', done, total),
  });
  const told = ofQuery.probabilities.columns;
  if (told !== classes.length)
    throw new WhereforeError('wrong-shape', 'the model and the labels differ in their classes', {
      got: `${told} outputs`,
      expected: `${classes.length} classes: ${classes.slice(0, 10).join(', ')}`,
      fix: 'give the data that the model was trained on',
    });
  const predicted = filled(new Int32Array(query.length), (q) => largestAt(rowOf(ofQuery.probabilities, q)));
  const targets = predicted.map((k, q) => wanted[q] ?? k);
  const { gradients, why } = wantsGradients(options)
    ? await gradientsOrWhy(options, reader, classes.length, targets)
    : {};
  const checkpoints = await checkpointsOf(options, classes, targets);
  const [rows, queries] = [ofRows.embeddings ?? ofRows.content, ofQuery.embeddings ?? ofQuery.content];
  if (!rows || !queries)
    throw new WhereforeError('out-of-range', 'the rows are too large to compare', { fix: 'name a layer' });
  const { measured } = options;
  const owners = checkpoints.length > 0 ? checkpoints.map(({ own }) => own) : gradients ? [gradients] : [];
  const drawn = { seed, ...(signal && { signal }) };
  const candidates = async (rows: Dataset) => Promise.all(owners.map(({ of }) => of(rows)));
  return {
    targets,
    predicted,
    ...(owners.length > 0 && { candidates }),
    notes: why === undefined ? [] : [`no gradients: ${why}`],
    ...(measured && {
      each: {
        ...{ rows: data.length, queries: query.length, ...drawn },
        labels: { rows: labels, queries: targets, classes: classes.length },
        embeddings: { rows, queries },
        predictions: { rows: ofRows.probabilities, queries: ofQuery.probabilities, outOfSample: false },
      },
    }),
    context: {
      ...{ rows: data.length, queries: measured ? 1 : query.length, ...drawn },
      ...(!measured && { labels: { rows: labels, queries: targets, classes: classes.length } }),
      embeddings: { rows, queries: measured ? meanDirection(queries, measured.about.slices[0].rows) : queries },
      predictions: {
        rows: ofRows.probabilities,
        queries: measured ? meanRow(ofQuery.probabilities, measured.about.slices[0].rows) : ofQuery.probabilities,
        outOfSample: false,
      },
      ...(gradients && { gradients: gradients.all }),
      ...(checkpoints.length > 0 && {
        checkpoints: checkpoints.map(({ step, learningRate, own }) => ({ step, learningRate, gradients: own.all })),
      }),
    },
  };
}

/** Whether a method that was named, or the default, reads gradients of this model. */
const wantsGradients = ({ method, checkpoints = [] }: InfluenceDataOptions) =>
  method === undefined ? checkpoints.length === 0 : influenceMethodNamed(method).needs.includes('gradients');

/** Gradients at one setting of the weights. */
interface OwnGradients {
  /** Of the training rows. */
  readonly all: GradientMaterial;
  /** Of other rows. */
  readonly of: (rows: Dataset) => Promise<GradientMaterial>;
}

interface CheckpointGradients {
  readonly step: number;
  readonly learningRate: number;
  readonly own: OwnGradients;
}

/** @throws WhereforeError `unsupported-model`, as {@link gradientsOf} */
async function checkpointsOf(
  options: InfluenceDataOptions,
  classes: readonly string[],
  targets: Int32Array,
): Promise<readonly CheckpointGradients[]> {
  const found: CheckpointGradients[] = [];
  if (options.method !== undefined && !influenceMethodNamed(options.method).needs.includes('checkpoints')) return found;
  for (const { model, step, learningRate } of options.checkpoints ?? []) {
    const asked = new Map(Object.entries((await options.query.read([0])).inputs));
    const reader = await classReader(model, asked, classes, options);
    found.push({ step, learningRate, own: await gradientsOf(options, reader, classes.length, targets) });
  }
  return found;
}

/** Gradients of a model, or why there are none where no method was named. */
async function gradientsOrWhy(
  options: InfluenceDataOptions,
  reader: ClassReader,
  classes: number,
  targets: Int32Array,
): Promise<{ readonly gradients?: OwnGradients; readonly why?: string }> {
  try {
    return { gradients: await gradientsOf(options, reader, classes, targets) };
  } catch (error) {
    // A method that was asked for by name needs them; else one without gradients is chosen, and that is said.
    const isKnown =
      error instanceof WhereforeError &&
      (error.code === 'unsupported-model' ||
        error.code === 'unsupported-operator' ||
        error.code === 'not-differentiable');
    if (options.method !== undefined || !isKnown) throw error;
    return { why: error.what };
  }
}

const coarse: ReadonlySet<string> = new Set(['float16', 'bfloat16', 'int8', 'uint8', 'int4', 'uint4']);

/**
 * Gradients of a model's weights for every row.
 * @throws WhereforeError `unsupported-model` for weights of less than 32 bits, a model without logits, or one in which a
 *   row's gradient depends on the other rows of its batch
 */
async function gradientsOf(
  options: InfluenceDataOptions,
  reader: ClassReader,
  classes: number,
  targets: Int32Array,
): Promise<OwnGradients> {
  const { model } = reader;
  const small = [...model.source.graph.initializers.values()].find(
    ({ type, shape }) => coarse.has(type) && shape.length > 1,
  );
  if (small)
    throw new WhereforeError(
      'unsupported-model',
      `weight "${small.name}" is ${small.type}: its gradients would be noise`,
      { fix: 'give the model before it was rounded' },
    );
  const output = scoresValue(reader);
  if (!output)
    throw new WhereforeError('unsupported-model', 'the model has no scores whose softmax are the probabilities', {
      fix: 'choose a method without gradients: knn-shapley or similarity',
    });
  const { data: rows, weightDecay, byteBudget, eigen, signal, onProgress } = options;
  const queries = withLabels(options.query, targets);
  const asked: ModelGradientsOptions = {
    ...{ model, output, classes, rows, queries, weightDecay, byteBudget, eigen, signal, onProgress },
    measured: options.measured?.terms,
  };
  const passes = await openPasses(asked);
  await checkRowsAlone(passes, asked);
  const computed = gradientsByPasses(passes, asked);
  const { loss } = options;
  const byFormula = (own: ModelGradientsOptions, plain: GradientMaterial) =>
    loss === undefined ? plain : formulaGradients({ ...own, loss }, plain);
  return {
    // A store is of the cross-entropy.
    all:
      options.store && loss === undefined
        ? await options.store({ model, output, classes, passes, computed })
        : await byFormula(asked, computed),
    of: async (other) => {
      const own = { ...asked, rows: other };
      return byFormula(own, await modelGradients(own));
    },
  };
}
