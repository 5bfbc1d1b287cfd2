import { join } from 'node:path';
import type { OpenedDataset } from '../data/datasets/open-dataset.ts';
import { formatBytes } from '../data/files/file-kinds.ts';
import { readSafetensors, writeSafetensors } from '../data/formats/safetensors.ts';
import type { EigenPair } from '../influence/gradient-material.ts';
import type { Passes } from '../influence/gradient-passes.ts';
import type { ProjectedRows } from '../influence/projected-rows.ts';
import { describeProjected, gradientFile, projectedPiece } from '../influence/projected-store.ts';
import { dividedBy, factorPass, unflattened, widthsOf } from '../influence/row-passes.ts';
import { factorArrays, type StoredFactors } from '../influence/stored-factors.ts';
import type { GradientStore } from '../influence/stored-gradients.ts';
import { adoptShards, readShardFile, type ShardRecord } from '../run/compute.ts';
import type { Driver } from '../run/driver.ts';
import { type ListedFile, publishFiles, withdrawFiles } from '../run/files.ts';
import { openStorage } from '../run/open-storage.ts';
import { runShards } from '../run/run.ts';
import { canonicalJson, keyOf, sha256, shardsOf, type Work } from '../run/shard.ts';
import { putBlob, type RunStorage, removeBlobs } from '../run/storage.ts';
import type { EigenThread } from '../runtime/eigen-thread.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';
import {
  addSums,
  type GradientParameters,
  gradientProgram,
  type Made,
  rowDigests,
  writeMatrices,
} from './gradient-shards.ts';

export interface GradientStoreOptions {
  /** A folder, or what `openStorage` takes. */
  readonly place: string;
  /** SHA-256 of the model. */
  readonly model: string;
  readonly data: OpenedDataset;
  readonly passes: Passes;
  readonly parameters: Omit<GradientParameters, 'made'>;
  readonly driver: Driver;
  readonly eigenThread: EigenThread;
  /** Files that workers on other machines need; absent where all workers are here. */
  readonly files?: readonly ListedFile[];
  /** Bytes that the factors of all rows may take. */
  readonly mostBytes: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (stage: string, done: number, total: number) => void;
  readonly onNote: (text: string) => void;
}

/** Bytes of a shard of rows, about; rows of it at most; rows of a shard of sums, which are as large whatever the rows. */
const shard = { bytes: 32 * 2 ** 20, mostRows: 1024, leastRows: 64, sumRows: 4096 };

/**
 * What is made of the gradients of all rows, kept in shards below `place`: one folder for each model and thing made, so
 * that rows that are added later cost their own shards alone. A shard is found again by what it was made of.
 */
export function openGradientStore(options: GradientStoreOptions): GradientStore {
  const { passes, data, eigenThread, place } = options;
  const rows = data.length;
  const sums = async (made: Made, seed: number, blobs: readonly Uint8Array[] = []) => {
    const { storage, records } = await shardsFor(options, { made, seed, size: shard.sumRows, blobs });
    const total: Float64Array[] = [];
    for (const record of records) addSums(await readShardFile(storage, record, gradientFile), total);
    return dividedBy(total, rows);
  };
  return {
    covariances: async (labels, seed) => unflattened(await sums({ kind: 'covariances', labels }, seed)),
    squares(rotations, labels, seed) {
      const bytes = writeMatrices(rotations);
      return sums({ kind: 'squares', labels, matrices: sha256(bytes) }, seed, [bytes]);
    },
    async projected(projections) {
      const bytes = writeMatrices(projections);
      const widths = widthsOf(projections);
      const size = rowsFor(widths.reduce((sum, width) => sum + width, 0));
      const made: Made = { kind: 'projections', matrices: sha256(bytes) };
      const found = await shardsFor(options, { made, seed: 0, size, blobs: [bytes] });
      const told = { model: options.model, rows, widths, shards: found.records.length };
      await describeProjected(found.storage, projections, told);
      return projectedRows(found, rows, widths);
    },
    async factors() {
      const { forms } = factorPass(passes);
      const width = factorArrays(passes.blocks, forms).reduce((sum, array) => sum + array.width, 0);
      if (4 * width * rows > options.mostBytes) {
        options.onNote(
          `factors of all gradients would take ${formatBytes(4 * width * rows)}: they are computed anew for each query`,
        );
        return undefined;
      }
      const found = await shardsFor(options, { made: { kind: 'factors' }, seed: 0, size: rowsFor(width), blobs: [] });
      return storedFactors(found, rows, forms);
    },
    eigen: async (matrix, size) => keptEigen(await openStorage(join(place, 'eigenvectors')), matrix, size, eigenThread),
  };
}

/** A power of two, so that batches fill a shard. */
function rowsFor(width: number): number {
  const fitting = 2 ** Math.floor(Math.log2(shard.bytes / (4 * width)));
  return Math.min(shard.mostRows, Math.max(shard.leastRows, fitting));
}

interface Asked {
  readonly made: Made;
  readonly seed: number;
  /** Rows of a shard. */
  readonly size: number;
  readonly blobs: readonly Uint8Array[];
}

interface Found {
  readonly storage: RunStorage;
  readonly records: readonly ShardRecord[];
  readonly key: string;
}

/** Computes the shards that are not there yet. */
async function shardsFor(options: GradientStoreOptions, { made, seed, size, blobs }: Asked): Promise<Found> {
  const { data, place, driver, files, signal, onProgress } = options;
  const { output, classes, batch } = options.parameters;
  const of = {
    program: 'gradients',
    version: gradientProgram.version,
    model: options.model,
    output,
    classes,
    batch,
    made,
    seed,
    size,
  };
  const storage = await openStorage(`${place}/${made.kind}-${sha256(canonicalJson(of)).slice(0, 12)}`);
  const digests = await rowDigests(data, shardsOf({ count: data.length, shardSize: size }));
  const content = JSON.stringify(digests);
  const work: Work = {
    ...{ program: 'gradients', version: gradientProgram.version, model: options.model, data: sha256(content) },
    ...{ parameters: { ...options.parameters, made }, seed, count: data.length, shardSize: size },
  };
  const isSame = ({ index }: { readonly index: number }, measured: unknown) =>
    (measured as { readonly rows?: string } | undefined)?.rows === digests[index];
  await adoptShards(storage, work, isSame);
  for (const blob of [content, ...blobs]) await putBlob(storage, blob);
  if (files) await publishFiles(storage, files);
  const finished = await runShards(work, {
    ...{ storage, driver, signal },
    onProgress: ({ done, total }) => onProgress?.(made.kind, done, total),
  });
  await removeBlobs(storage);
  if (files) await withdrawFiles(storage);
  return { storage, records: finished.shards, key: keyOf(work) };
}

function projectedRows({ storage, records, key }: Found, rows: number, widths: readonly number[]): ProjectedRows {
  return {
    rows,
    widths,
    async *pieces() {
      for (const record of records) {
        yield projectedPiece(await readShardFile(storage, record, gradientFile), record);
      }
    },
    async remembered(what, compute) {
      const name = `of-all/${sha256(`${key} ${what}`)}.safetensors`;
      const found = await storage.read(name);
      if (found) return [...readSafetensors(found, name).tensors.values()].map((one) => one.data as Float64Array);
      const made = await compute();
      await storage.write(
        name,
        writeSafetensors(new Map(made.map((values, k) => [String(k).padStart(6, '0'), float64(values)]))),
      );
      return made;
    },
  };
}

const float64 = (values: Float64Array): Tensor =>
  tensor('float64', [values.length], values as Float64Array<ArrayBuffer>);

function storedFactors({ storage, records }: Found, rows: number, forms: StoredFactors['forms']): StoredFactors {
  return {
    rows,
    forms,
    async *pieces() {
      for (const record of records) {
        const { tensors } = readSafetensors(await readShardFile(storage, record, gradientFile));
        const arrays = new Map([...tensors].map(([name, one]) => [name, one.data as Float32Array]));
        yield { first: record.from, rows: record.to - record.from, arrays };
      }
    },
  };
}

/** Eigenvectors by the matrix that they are of. */
async function keptEigen(
  storage: RunStorage,
  matrix: Float64Array,
  size: number,
  thread: EigenThread,
): Promise<EigenPair> {
  const name = `${sha256(new Uint8Array(matrix.buffer, matrix.byteOffset, matrix.byteLength))}.safetensors`;
  const found = await storage.read(name);
  if (found) {
    const { tensors } = readSafetensors(found, name);
    const of = (key: string) => (tensors.get(key) as Tensor<'float64'>).data;
    return { values: of('values'), vectors: of('vectors') };
  }
  const pair = await thread.decompose(matrix, size);
  await storage.write(
    name,
    writeSafetensors(
      new Map([
        ['values', float64(pair.values)],
        ['vectors', float64(pair.vectors)],
      ]),
    ),
  );
  return pair;
}
