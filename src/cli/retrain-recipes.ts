import { join } from 'node:path';
import type { OpenedDataset } from '../data/datasets/open-dataset.ts';
import { isFile } from '../data/files/folders.ts';
import { readBytes, readText } from '../data/files/read-file.ts';
import { readSafetensors } from '../data/formats/safetensors.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { range } from '../dataset/pieces.ts';
import { WhereforeError } from '../errors.ts';
import { classNumbers } from '../influence/decided-dataset.ts';
import type { Quantity } from '../influence/retraining/judge-experiment.ts';
import type { RetrainDocument } from '../influence/retraining/retrain-document.ts';
import type { PlannedTraining } from '../influence/retraining/retraining.ts';
import { readShardFile, type ShardRecord } from '../run/compute.ts';
import type { RunStorage } from '../run/storage.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { openTraining, type RowIdentity, readManifest, trainingFileNames } from '../train/index.ts';
import { measuredFile, planCommands } from './command-shards.ts';
import type { PlannedWork } from './planned-trainings.ts';
import { planRetraining, retrainedFile } from './retrain-shards.ts';
import { type CommandRows, checkCommands, type TrainCommand } from './train-command.ts';

/** What trainings gave. */
export interface Measurements {
  readonly quantities: readonly Quantity[];
  /** The first quantity of every measured row, training by training; absent where one number is all there is. */
  readonly perRow?: Float64Array;
}

/** A way to train again. */
export interface TrainingRecipe {
  readonly about: RetrainDocument['recipe'];
  /** Whether a seed changes anything. */
  readonly readsSeed: boolean;
  /** The seed of the training that was. */
  readonly seed: number;
  /** What a number of trainings costs, in words. */
  cost(trainings: readonly PlannedTraining[]): string;
  plan(trainings: readonly PlannedTraining[], measured: Dataset | undefined): Promise<PlannedWork>;
  read(storage: RunStorage, shards: readonly ShardRecord[]): Promise<Measurements>;
}

const isHash = (text: string | undefined): text is string => /^[0-9a-f]{64}$/.test(text ?? '');

/** Which rows a training read. @throws WhereforeError `invalid-argument` without a manifest */
export async function trainedRows(folder: string): Promise<RowIdentity> {
  const path = join(folder, trainingFileNames.manifest);
  if (!(await isFile(path)))
    throw new WhereforeError('invalid-argument', 'it is not known how the model was trained', {
      where: folder,
      got: `no ${trainingFileNames.manifest}`,
      fix: 'name the folder that trainingFiles wrote (--training), or a command that trains (--train)',
    });
  const { key, ids } = readManifest(await readText(path, 'document'), path).data;
  // Other keys than hashes are names that a person gave.
  return { ...(isHash(key) && { key }), ...(ids && { ids }) };
}

/**
 * The recipe of a training of this package, from the files that it left.
 * @throws WhereforeError as `trainedRows`; `invalid-data` where model or rows are of another training
 */
export async function manifestRecipe(folder: string, data: OpenedDataset): Promise<TrainingRecipe> {
  const { manifest: name } = trainingFileNames;
  const files = new Map<string, Uint8Array>();
  for (const file of [trainingFileNames.manifest, trainingFileNames.initial])
    files.set(file, await readBytes(join(folder, file), file === name ? 'document' : 'model'));
  const stated = await trainedRows(folder);
  const runtime = createNodeRuntime({ threads: 1 });
  const { options } = await openTraining(async (file) => files.get(file) as Uint8Array, {
    samples: data,
    runtime,
    ...(stated.key && { key: await data.key() }),
    ...(stated.ids && { ids: await data.ids(range(0, data.length)) }),
  }).finally(() => runtime.close());
  const { loss, optimizer, epochs, seed } = options;
  return {
    about: { kind: 'manifest', epochs, loss: loss.kind, optimizer: optimizer.kind },
    readsSeed: true,
    seed,
    cost: (trainings) => {
      let rows = 0;
      for (const { counts } of trainings) for (const count of counts) rows += Math.min(1, count);
      return `${epochs} epochs each, ${(rows * epochs).toLocaleString('en')} gradients of rows in all`;
    },
    plan: (trainings, measured) => {
      const shardSize = Math.ceil(trainings.length / 400);
      return planRetraining({ files, samples: data, queries: measured as Dataset, trainings, shardSize });
    },
    read: (storage, shards) => readRetrained(storage, shards, loss.kind),
  };
}

async function readRetrained(storage: RunStorage, shards: readonly ShardRecord[], loss: string): Promise<Measurements> {
  const [values, right, perRow]: [number[], number[], number[]] = [[], [], []];
  for (const shard of shards) {
    const { tensors } = readSafetensors(await readShardFile(storage, shard, retrainedFile));
    const queries = tensors.get('queries') as Tensor;
    for (const mean of meansOf(queries)) values.push(mean);
    for (const mean of meansOf(tensors.get('right'))) right.push(mean);
    for (const value of queries.data) perRow.push(Number(value));
  }
  const title = loss === 'cross-entropy' ? 'mean log-probability of the label' : 'minus the mean loss';
  return {
    quantities: [
      { title, unit: loss === 'mean-squared-error' ? '' : 'nats', values },
      ...(right.length > 0 ? [{ title: 'accuracy', unit: 'points', values: right.map((share) => 100 * share) }] : []),
    ],
    perRow: Float64Array.from(perRow),
  };
}

/** The mean of every row of a matrix. */
function meansOf(tensor: Tensor | undefined): number[] {
  if (!tensor) return [];
  const [trainings, columns] = tensor.shape;
  return Array.from({ length: trainings }, (_, t) => {
    let sum = 0;
    for (let i = 0; i < columns; i++) sum += Number(tensor.data[t * columns + i]);
    return sum / columns;
  });
}

/** The recipe of a command of the user. @throws WhereforeError as `checkCommands` */
export async function commandRecipe(commands: TrainCommand, data: OpenedDataset): Promise<TrainingRecipe> {
  const rows = await commandRows(data);
  const named = checkCommands(commands, rows.table !== undefined);
  const { train, evaluate } = commands;
  return {
    about: { kind: 'command', train, ...(evaluate !== undefined && { evaluate }) },
    readsSeed: named.has('seed'),
    seed: 0,
    cost: () => 'each a run of the command',
    plan: async (trainings) =>
      planCommands(commands, named.has('data') ? rows : { ...rows, table: undefined }, trainings),
    async read(storage, shards) {
      const values: number[] = [];
      for (const shard of shards) {
        const text = new TextDecoder().decode(await readShardFile(storage, shard, measuredFile));
        for (const value of JSON.parse(text) as number[]) values.push(value);
      }
      const title = commands.lowerIsBetter ? 'minus what the command measured' : 'what the command measured';
      return { quantities: [{ title, unit: '', values }] };
    },
  };
}

async function commandRows(data: OpenedDataset): Promise<CommandRows> {
  const all = range(0, data.length);
  const classes = data.classes ?? [];
  const { contents, labels } = data;
  const text = (value: string | number | undefined) => (value === undefined ? '' : String(value));
  const cells: string[][] = Array.from(all, () => []);
  const columns = contents.kind === 'table' ? contents.table.columns.map(({ name }) => name) : [];
  if (contents.kind === 'table')
    for (const name of columns)
      for (const [row, value] of (await contents.table.values(name, all)).entries()) cells[row].push(text(value));
  return {
    ids: await data.ids(all),
    classes,
    ...(labels && {
      labels:
        labels.type === 'int64'
          ? Array.from(classNumbers(labels), (k) => classes[k] ?? String(k))
          : Array.from(labels.data as Float32Array, String),
    }),
    ...(contents.kind === 'table' && { table: { columns, cells } }),
  };
}
