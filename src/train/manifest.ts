import * as z from 'zod/mini';
import { checked } from '../checked.ts';
import { WhereforeError } from '../errors.ts';
import { encodeModel } from '../onnx/encode.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { bytesOf, type Tensor } from '../tensor/tensor.ts';
import { sha256 } from './digest.ts';
import type { Loss } from './losses.ts';
import type { Optimizer } from './optimizers.ts';
import { readParameters, trainableParameters } from './parameters.ts';
import type { Schedule } from './schedules.ts';
import type { TrainOptions } from './settings.ts';
import { weightsAsInputs } from './step-graph.ts';
import type { Trained } from './train.ts';

const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal'));
const whole = z.int().check(z.minimum(0));
/** Written and read by this package; its tables check what is inside. */
const settings = <T extends { readonly kind: string }>() =>
  z.custom<T>((value) => z.looseObject({ kind: z.string() }).safeParse(value).success);

const schema = z.strictObject({
  version: z.literal(1),
  model: z.strictObject({
    /** Of the graph without its trained weights: two models of one architecture share it. */
    architecture: hash,
    trainable: z.array(z.string()),
    /** Of the trained weights before and behind the training. */
    initial: hash,
    final: hash,
    output: z.optional(z.string()),
  }),
  data: z.strictObject({
    /** What the data set calls its content. */
    key: z.optional(z.string()),
    rows: whole,
    /** Of every row, in order. */
    ids: z.optional(z.array(z.string())),
  }),
  seed: z.number(),
  /** Rows of every epoch in order, or how they are drawn from the seed. */
  order: z.union([z.literal('xoshiro128**, Fisher–Yates, one stream an epoch'), z.array(z.array(whole))]),
  rowWeights: z.optional(z.array(z.number())),
  divisor: z.enum(['weights', 'rows']),
  loss: settings<Loss>(),
  optimizer: settings<Optimizer>(),
  schedule: settings<Schedule>(),
  clipNorm: z.optional(z.number()),
  epochs: whole,
  batchSize: whole,
  determinedBy: z.optional(z.record(z.string(), z.unknown())),
  /** Of each step's batch, before its update. */
  losses: z.array(z.number()),
  learningRates: z.array(z.number()),
  /** Steps of which there are checkpoints. */
  checkpoints: z.array(whole),
  runtime: z.strictObject({ name: z.string(), version: z.string() }),
});

/** What a training was, as JSON beside its model: enough to make it again and to compare the result. */
export type TrainingManifest = z.infer<typeof schema>;

const drawn = 'xoshiro128**, Fisher–Yates, one stream an epoch';

/** Which rows a training read. */
export interface RowIdentity {
  readonly key?: string;
  readonly ids?: readonly string[];
}

/** Describes a training that has ended. @throws WhereforeError `wrong-shape` when there are not as many ids as rows */
export async function manifestOf(
  options: TrainOptions,
  trained: Trained,
  data: RowIdentity = {},
): Promise<TrainingManifest> {
  const { samples, order, rowWeights, runtime } = options;
  if (data.ids && data.ids.length !== samples.length) {
    throw new WhereforeError('wrong-shape', 'ids of the rows', {
      got: `${data.ids.length}`,
      expected: `${samples.length}`,
    });
  }
  if (options.inputsAt) {
    throw new WhereforeError('invalid-argument', 'a training with inputs that change from step to step', {
      fix: 'a manifest cannot say what a function gives; train without inputsAt',
    });
  }
  const trainable = trainableParameters(options.model, options.trainable);
  return {
    version: 1,
    model: {
      architecture: await architectureHash(options.model, trainable),
      trainable: [...trainable],
      initial: await weightsHash(readParameters(options.model, trainable)),
      final: await weightsHash(readParameters(trained.model, trainable)),
      ...(options.output !== undefined && { output: options.output }),
    },
    data: {
      ...(data.key !== undefined && { key: data.key }),
      rows: samples.length,
      ...(data.ids && { ids: [...data.ids] }),
    },
    seed: options.seed,
    order: order ? order.map((rows) => [...rows]) : drawn,
    ...(rowWeights && { rowWeights: [...rowWeights] }),
    divisor: options.divisor ?? 'weights',
    loss: options.loss,
    optimizer: options.optimizer,
    schedule: options.schedule,
    ...(options.clipNorm !== undefined && { clipNorm: options.clipNorm }),
    epochs: options.epochs,
    batchSize: options.batchSize,
    ...(options.determinedBy && { determinedBy: { ...options.determinedBy } }),
    losses: [...trained.history.losses],
    learningRates: [...trained.history.learningRates],
    checkpoints: [...(await trained.checkpoints.steps())],
    runtime: { name: runtime.name, version: runtime.version },
  };
}

/**
 * What `training.json` says of a training: its options, rows, seeds and checkpoints.
 * @param where the file, for messages
 * @throws WhereforeError `invalid-data` with what is wrong in the file
 */
export function readManifest(text: string, where: string): TrainingManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'not JSON', { where, cause });
  }
  const result = checked(schema, value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new WhereforeError('invalid-data', `not the manifest of a training: ${issue.message}`, {
    where: `${where}, ${issue.path.join('.') || 'top level'}`,
    fix: 'name the training.json that a training wrote',
  });
}

/** What a manifest does not hold: the model before the training, the rows, what runs it. */
export type Materials = Pick<TrainOptions, 'model' | 'samples' | 'runtime'> & RowIdentity;

/**
 * The arguments of `train` that make a training again.
 * @param materials its model has the weights from before the training
 * @throws WhereforeError `invalid-data` when model or rows are not those of the manifest
 */
export async function optionsOf(manifest: TrainingManifest, materials: Materials): Promise<TrainOptions> {
  const { model, samples, runtime } = materials;
  const { trainable } = manifest.model;
  trainableParameters(model, trainable);
  const same = (what: string, got: string, expected: string, fix: string) => {
    if (got !== expected)
      throw new WhereforeError('invalid-data', `${what} of another training`, { got, expected, fix });
  };
  const architecture = await architectureHash(model, trainable);
  same('a model', architecture, manifest.model.architecture, 'give the model that was trained');
  const initial = await weightsHash(readParameters(model, trainable));
  same('initial weights', initial, manifest.model.initial, 'give the model as it was before the training');
  same('rows', `${samples.length}`, `${manifest.data.rows}`, 'give the rows that were trained on');
  if (manifest.data.key !== undefined && materials.key !== undefined)
    same('rows', materials.key, manifest.data.key, 'give the rows that were trained on, unchanged');
  compareIds(manifest.data.ids, materials.ids);
  const { seed, order, rowWeights, divisor, loss, optimizer, schedule, clipNorm, epochs, batchSize } = manifest;
  return {
    model,
    samples,
    runtime,
    seed,
    divisor,
    loss,
    optimizer,
    schedule,
    epochs,
    batchSize,
    trainable,
    ...(typeof order !== 'string' && { order: order.map((rows) => Uint32Array.from(rows)) }),
    ...(rowWeights && { rowWeights: Float32Array.from(rowWeights) }),
    ...(clipNorm !== undefined && { clipNorm }),
    ...(manifest.model.output !== undefined && { output: manifest.model.output }),
    ...(manifest.determinedBy && { determinedBy: manifest.determinedBy }),
  };
}

function compareIds(recorded: readonly string[] | undefined, given: readonly string[] | undefined): void {
  if (!recorded || !given) return;
  const differs = recorded.findIndex((id, row) => id !== given[row]);
  if (differs < 0 && recorded.length === given.length) return;
  throw new WhereforeError('invalid-data', 'rows of another training, or in another order', {
    where: `row ${differs < 0 ? recorded.length : differs}`,
    got: given[differs] ?? `${given.length} rows`,
    expected: recorded[differs] ?? `${recorded.length} rows`,
    fix: 'give the rows that were trained on, in the same order',
  });
}

/** SHA-256 of a graph with all that is not trained. */
async function architectureHash(model: OnnxModel, trainable: readonly string[]): Promise<string> {
  const bare = { ...weightsAsInputs(model, trainable), metadata: new Map(), producer: '' };
  return sha256(encodeModel(bare, { weights: 'inline' }));
}

/** SHA-256 over names, shapes and elements of weights, whatever their order. */
async function weightsHash(parameters: ReadonlyMap<string, Tensor>): Promise<string> {
  const lines: string[] = [];
  for (const name of [...parameters.keys()].sort()) {
    const value = parameters.get(name) as Tensor;
    lines.push(JSON.stringify([name, value.shape, await sha256(bytesOf(value))]));
  }
  return sha256(new TextEncoder().encode(lines.join('\n')));
}
