import { z } from 'zod';
import { readSafetensors, writeSafetensors } from '../data/formats/safetensors.ts';
import { type OpenRetraining, openRetraining, type PlannedTraining } from '../influence/retraining/retraining.ts';
import type { ShardJob, ShardProgram, ShardResult, Work } from '../run/shard.ts';
import { putBlob, type RunStorage } from '../run/storage.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';
import { openTraining, type Samples, samplesInMemory, trainingFileNames } from '../train/index.ts';

/** Hashes of what all trainings share. */
const parameters = z.strictObject({ manifest: z.string(), initial: z.string(), rows: z.string(), queries: z.string() });

/** Rows that a training leaves out or uses more than once, and its seed. */
const trainings = z.array(z.strictObject({ seed: z.number(), counts: z.record(z.string(), z.int().min(0)) }));

/** File of a shard: what was measured after each of its trainings. */
export const retrainedFile = 'retrained.safetensors';

/** Retrains a recipe once for every item: f of every query and of every training row, for a range of the trainings. */
export const retrainProgram: ShardProgram = {
  version: 1,
  async open(job) {
    const { rows, queries, ...files } = parameters.parse(job.work.parameters);
    const content = new TextDecoder().decode(await job.blob(job.work.data as string));
    const planned = trainings.parse(JSON.parse(content));
    const runtime = createNodeRuntime({ threads: job.threads });
    const [samples, asked] = [await samplesOf(job, rows), await samplesOf(job, queries)];
    const read = (name: string) => job.blob(name === trainingFileNames.manifest ? files.manifest : files.initial);
    const { options } = await openTraining(read, { samples, runtime });
    const retraining = await openRetraining({ recipe: options, queries: asked });
    return {
      async compute({ from, to }, report) {
        const expanded = planned
          .slice(from, to)
          .map(({ seed, counts }) => ({ seed, counts: expand(counts, samples.count) }));
        const sizes = { rows: samples.count, queries: asked.count, passes: options.epochs * samples.count };
        return retrainShard(retraining, expanded, { ...sizes, signal: job.signal, report });
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
}

async function retrainShard(
  retraining: OpenRetraining,
  planned: readonly PlannedTraining[],
  { rows, queries, passes, signal, report }: Sizes,
): Promise<ShardResult> {
  const began = performance.now();
  const ofQueries = new Float64Array(planned.length * queries);
  const ofRows = new Float64Array(planned.length * rows);
  for (const [t, { counts, seed }] of planned.entries()) {
    const values = await retraining.train(counts, seed, signal);
    ofQueries.set(values.queries, t * queries);
    ofRows.set(values.rows, t * rows);
    report(t + 1);
  }
  const tensors = new Map<string, Tensor>([
    ['queries', tensor('float64', [planned.length, queries], ofQueries)],
    ['rows', tensor('float64', [planned.length, rows], ofRows)],
  ]);
  const all = planned.length * passes;
  const seconds = (performance.now() - began) / 1000;
  return {
    files: { [retrainedFile]: writeSafetensors(tensors) },
    cost: { forward: all, backward: all, seconds },
  };
}

export interface RetrainWork {
  /** What `trainingFiles` gave. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly samples: Samples;
  readonly queries: Samples;
  readonly trainings: readonly PlannedTraining[];
  /** Trainings of a shard. Default 4. */
  readonly shardSize?: number;
}

/** Puts a recipe and its rows into the storage and plans the trainings as work that `runShards` computes. */
export async function planRetraining(storage: RunStorage, asked: RetrainWork): Promise<Work> {
  const { files, samples, queries, shardSize = 4 } = asked;
  const planned = asked.trainings.map(({ counts, seed }) => ({ seed, counts: contract(counts) }));
  const file = (name: string) => putBlob(storage, files.get(name) as Uint8Array);
  return {
    program: 'retrain',
    version: retrainProgram.version,
    data: await putBlob(storage, JSON.stringify(planned)),
    parameters: {
      manifest: await file(trainingFileNames.manifest),
      initial: await file(trainingFileNames.initial),
      rows: await putBlob(storage, await contentOf(samples)),
      queries: await putBlob(storage, await contentOf(queries)),
    },
    seed: 0,
    count: planned.length,
    shardSize,
  };
}

const inputPrefix = 'input/';

async function contentOf(samples: Samples): Promise<Uint8Array> {
  const all = Uint32Array.from({ length: samples.count }, (_, row) => row);
  const { inputs, targets, weights } = await samples.batch(all, 0);
  const tensors = new Map<string, Tensor>([...inputs].map(([name, value]) => [inputPrefix + name, value]));
  tensors.set('targets', targets);
  if (weights) tensors.set('weights', tensor('float32', [samples.count], weights));
  return writeSafetensors(tensors);
}

async function samplesOf(job: ShardJob, hash: string): Promise<Samples> {
  const { tensors } = readSafetensors(await job.blob(hash));
  const inputs = [...tensors].filter(([name]) => name.startsWith(inputPrefix));
  const named = new Map(inputs.map(([name, value]) => [name.slice(inputPrefix.length), value]));
  const weights = tensors.get('weights')?.data as Float32Array | undefined;
  return samplesInMemory(named, tensors.get('targets') as Tensor, weights);
}

/** The counts that are not 1, by row. */
function contract(counts: Uint32Array): Record<string, number> {
  const others: Record<string, number> = {};
  for (const [row, count] of counts.entries()) if (count !== 1) others[row] = count;
  return others;
}

function expand(others: Readonly<Record<string, number>>, rows: number): Uint32Array {
  const counts = new Uint32Array(rows).fill(1);
  for (const [row, count] of Object.entries(others)) counts[Number(row)] = count;
  return counts;
}
