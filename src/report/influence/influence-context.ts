import type { LoadedModel } from '../../data/model/loaded-model.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import { WhereforeError } from '../../errors.ts';
import type { GradientMaterial, TrainingCheckpoint } from '../../influence/gradient-material.ts';
import { type ModelGradientsOptions, openPasses } from '../../influence/gradient-passes.ts';
import { rowOf } from '../../influence/matrix.ts';
import { gradientsByPasses } from '../../influence/model-gradients.ts';
import { represent } from '../../influence/represent.ts';
import { checkRowsAlone } from '../../influence/rows-alone.ts';
import { type InfluenceContext, influenceMethodNamed } from '../../influence/score.ts';
import { type ClassReader, classReader, scoresValue } from '../audit/class-reader.ts';
import type { InfluenceDataOptions } from './influence-options.ts';

export interface Contextual {
  readonly context: InfluenceContext;
  readonly target: number;
  readonly predicted: number;
  readonly notes: readonly string[];
}

/** What one model gives to score with. */
export async function contextOf(
  options: InfluenceDataOptions,
  model: LoadedModel,
  classes: readonly string[],
  labels: Int32Array,
  wanted: number | undefined,
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
  const p = rowOf(ofQuery.probabilities, 0);
  let predicted = 0;
  for (let k = 1; k < p.length; k++) if (p[k] > p[predicted]) predicted = k;
  const target = wanted ?? predicted;
  if (p.length !== classes.length)
    throw new WhereforeError('wrong-shape', 'the model and the labels differ in their classes', {
      got: `${p.length} outputs`,
      expected: `${classes.length} classes: ${classes.slice(0, 10).join(', ')}`,
      fix: 'give the data that the model was trained on',
    });
  const targets = Int32Array.of(target);
  const { gradients, why } = wantsGradients(options)
    ? await gradientsOrWhy(options, reader, classes.length, target)
    : {};
  const checkpoints = await checkpointsOf(options, classes, target);
  const [rows, queries] = [ofRows.embeddings ?? ofRows.content, ofQuery.embeddings ?? ofQuery.content];
  if (!rows || !queries)
    throw new WhereforeError('out-of-range', 'the rows are too large to compare', { fix: 'name a layer' });
  return {
    target,
    predicted,
    notes: why === undefined ? [] : [`no gradients: ${why}`],
    context: {
      rows: data.length,
      queries: 1,
      seed,
      ...(signal && { signal }),
      labels: { rows: labels, queries: targets, classes: classes.length },
      embeddings: { rows, queries },
      predictions: { rows: ofRows.probabilities, queries: ofQuery.probabilities, outOfSample: false },
      ...(gradients && { gradients }),
      ...(checkpoints.length > 0 && { checkpoints }),
    },
  };
}

/** Whether a method that was named, or the default, reads gradients of this model. */
const wantsGradients = ({ method, checkpoints = [] }: InfluenceDataOptions) =>
  method === undefined ? checkpoints.length === 0 : influenceMethodNamed(method).needs.includes('gradients');

/** @throws WhereforeError `unsupported-model`, as {@link gradientsOf} */
async function checkpointsOf(
  options: InfluenceDataOptions,
  classes: readonly string[],
  target: number,
): Promise<readonly TrainingCheckpoint[]> {
  const found: TrainingCheckpoint[] = [];
  if (options.method !== undefined && !influenceMethodNamed(options.method).needs.includes('checkpoints')) return found;
  for (const { model, step, learningRate } of options.checkpoints ?? []) {
    const asked = new Map(Object.entries((await options.query.read([0])).inputs));
    const own = await classReader(model, asked, classes, options);
    found.push({ step, learningRate, gradients: await gradientsOf(options, own, classes.length, target) });
  }
  return found;
}

/** Gradients of a model, or why there are none where no method was named. */
async function gradientsOrWhy(
  options: InfluenceDataOptions,
  reader: ClassReader,
  classes: number,
  target: number,
): Promise<{ readonly gradients?: GradientMaterial; readonly why?: string }> {
  try {
    return { gradients: await gradientsOf(options, reader, classes, target) };
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
  target: number,
): Promise<GradientMaterial> {
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
  const queries = withLabel(options.query, target);
  const asked: ModelGradientsOptions = {
    ...{ model, output, classes, rows, queries, weightDecay, byteBudget, eigen, signal, onProgress },
  };
  const passes = await openPasses(asked);
  await checkRowsAlone(passes, asked);
  const computed = gradientsByPasses(passes, asked);
  return options.store ? options.store({ model, output, classes, passes, computed }) : computed;
}

/** The query with the class that f is about as its label. */
function withLabel(query: Dataset, target: number): Dataset {
  const labels = (count: number) =>
    ({ type: 'int64', shape: [count], data: new BigInt64Array(count).fill(BigInt(target)) }) as const;
  return {
    ...query,
    labels: labels(1),
    read: async (indices, epoch) => ({ ...(await query.read(indices, epoch)), labels: labels(indices.length) }),
  };
}
