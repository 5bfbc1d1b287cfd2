import * as z from 'zod/mini';
import { readSafetensors, writeSafetensors } from '../data/formats/safetensors.ts';
import { WhereforeError } from '../errors.ts';
import { type OpenRetraining, openRetraining, type PlannedTraining } from '../influence/retraining/retraining.ts';
import { encodeModel } from '../onnx/encode.ts';
import { type ShardJob, type ShardProgram, type ShardResult, sha256, type Work } from '../run/shard.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { filled } from '../tensor/filled.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';
import { type Dataset, datasetOf, openTraining, trainingFileNames, withParameters } from '../train/index.ts';
import { contract, expand, type PlannedWork } from './planned-trainings.ts';

/** Hashes of what all trainings share. */
const parameters = z.strictObject({ manifest: z.string(), initial: z.string(), rows: z.string(), queries: z.string() });

/** File of a shard: what was measured after each of its trainings. */
export const retrainedFile = 'retrained.safetensors';

/** File of a shard: the model of the training that keeps its weights. */
export const keptModelFile = 'changed.onnx';

/** Retrains a recipe once for every item: f of every query and of every training row, for a range of the trainings. */
export const retrainProgram: ShardProgram = {
  version: 2,
  async open(job) {
    const { rows, queries, ...files } = parameters.parse(job.work.parameters);
    const runtime = createNodeRuntime({ threads: job.threads });
    const [samples, asked] = [await samplesOf(job, rows), await samplesOf(job, queries)];
    const planned = expand(await job.blob(job.work.data as string), samples.length);
    const read = (name: string) => job.blob(name === trainingFileNames.manifest ? files.manifest : files.initial);
    const { options } = await openTraining(read, { samples, runtime });
    const retraining = await openRetraining({ recipe: options, queries: asked });
    return {
      async compute({ from, to }, report) {
        const sizes = { rows: samples.length, queries: asked.length, passes: options.epochs * samples.length };
        const encoded = (weights: Tensors) => encodeModel(withParameters(options.model, weights));
        return retrainShard(retraining, planned.slice(from, to), { ...sizes, encoded, signal: job.signal, report });
      },
      async close() {
        await retraining.close();
        await runtime.close();
      },
    };
  },
};

interface Sizes {
  readonly rows: number;
  readonly queries: number;
  /** Rows that a training reads, each time that it does. */
  readonly passes: number;
  readonly signal: AbortSignal;
  readonly report: (done: number) => void;
  /** The model with the weights of a training. */
  readonly encoded: (weights: Tensors) => Uint8Array;
}

async function retrainShard(
  retraining: OpenRetraining,
  planned: readonly PlannedTraining[],
  { rows, queries, passes, signal, report, encoded }: Sizes,
): Promise<ShardResult> {
  const began = performance.now();
  const ofQueries = new Float64Array(planned.length * queries);
  const ofRows = new Float64Array(planned.length * rows);
  const right = new Float32Array(planned.length * queries);
  let knowsRight = false;
  const files: Record<string, Uint8Array> = {};
  for (const [t, one] of planned.entries()) {
    const values = await retraining.trainOn(undefined, one, signal);
    ofQueries.set(values.queries, t * queries);
    ofRows.set(values.rows, t * rows);
    if (values.right) right.set(values.right.queries, t * queries);
    knowsRight = values.right !== undefined;
    if (values.weights) files[keptModelFile] = encoded(values.weights);
    report(t + 1);
  }
  const tensors = new Map<string, Tensor>([
    ['queries', tensor('float64', [planned.length, queries], ofQueries)],
    ['rows', tensor('float64', [planned.length, rows], ofRows)],
  ]);
  if (knowsRight) tensors.set('right', tensor('float32', [planned.length, queries], right));
  const all = planned.length * passes;
  const seconds = (performance.now() - began) / 1000;
  return {
    files: { ...files, [retrainedFile]: writeSafetensors(tensors) },
    cost: { forward: all, backward: all, seconds },
  };
}

export interface RetrainWork {
  /** What `trainingFiles` gave. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly samples: Dataset;
  readonly queries: Dataset;
  readonly trainings: readonly PlannedTraining[];
  /** Trainings of a shard. Default 4. */
  readonly shardSize?: number;
}

/** Plans the trainings of a recipe as work that `runShards` computes. @throws WhereforeError `out-of-range` for rows too large to be sent */
export async function planRetraining(asked: RetrainWork): Promise<PlannedWork> {
  const { files, samples, queries, shardSize = 4 } = asked;
  const data = contract(asked.trainings);
  const blobs: Uint8Array[] = [];
  const hashOf = (content: Uint8Array) => {
    blobs.push(content);
    return sha256(content);
  };
  const file = (name: string) => hashOf(files.get(name) as Uint8Array);
  const work: Work = {
    program: 'retrain',
    version: retrainProgram.version,
    data: sha256(data),
    parameters: {
      manifest: file(trainingFileNames.manifest),
      initial: file(trainingFileNames.initial),
      rows: hashOf(await contentOf(samples)),
      queries: hashOf(await contentOf(queries)),
    },
    seed: 0,
    count: asked.trainings.length,
    shardSize,
  };
  return { work, data, blobs };
}

const inputPrefix = 'input/';

/** Bytes of rows that processes are sent at most. */
const mostBytes = 2 ** 31 - 2 ** 20;

async function contentOf(samples: Dataset): Promise<Uint8Array> {
  const one = await samples.read([0]);
  let bytes = 0;
  for (const { data } of Object.values(one.inputs)) bytes += (data as Uint8Array).byteLength ?? 0;
  if (bytes * samples.length > mostBytes)
    throw new WhereforeError('out-of-range', 'the rows are too large to be sent to the processes that train', {
      got: `${samples.length} rows of ${bytes} bytes`,
      expected: `at most ${mostBytes} bytes in all`,
      fix: 'retrain by a command of your own: --train',
    });
  const all = filled(new Uint32Array(samples.length), (row) => row);
  const { inputs, labels, weights } = await samples.read(all);
  const tensors = new Map(Object.entries(inputs).map(([name, value]) => [inputPrefix + name, value]));
  tensors.set('targets', labels as Tensor);
  if (weights) tensors.set('weights', tensor('float32', [samples.length], weights));
  return writeSafetensors(tensors);
}

async function samplesOf(job: ShardJob, hash: string): Promise<Dataset> {
  const { tensors } = readSafetensors(await job.blob(hash));
  const inputs = [...tensors].filter(([name]) => name.startsWith(inputPrefix));
  const named = Object.fromEntries(inputs.map(([name, value]) => [name.slice(inputPrefix.length), value]));
  const weights = tensors.get('weights')?.data as Float32Array | undefined;
  return datasetOf(named, { labels: tensors.get('targets') as Tensor, weights });
}
