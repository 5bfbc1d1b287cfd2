import { join } from 'node:path';
import type { OpenedDataset } from '../data/datasets/open-dataset.ts';
import { removePath } from '../data/files/files.ts';
import { range } from '../dataset/pieces.ts';
import { WhereforeError } from '../errors.ts';
import { calibrate } from '../provenance/image/calibrate.ts';
import { readCalibration, writeCalibration } from '../provenance/image/calibration-file.ts';
import { closeAll, openEncoders } from '../provenance/image/encoder.ts';
import { type Encoder, embedAll } from '../provenance/image/image-encoder.ts';
import { changeImageIndex, type ImageIndex, openImageIndex } from '../provenance/image/image-index.ts';
import { imagesOf } from '../provenance/image/index-shard.ts';
import { segmentItems } from '../provenance/image/manifest.ts';
import { readShardFile } from '../run/compute.ts';
import { hashFile, type ListedFile } from '../run/files.ts';
import { sha256, type Work } from '../run/shard.ts';
import { type DriverOptions, smallDriverOf } from './driver-options.ts';
import { formatDuration, showProgress } from './progress.ts';
import { type ShardSession, shardedRun } from './sharded-run.ts';
import { print } from './terminal.ts';
import {
  type ImageDataOptions,
  indexFiles,
  type TraceIndexParameters,
  traceIndexProgram,
} from './trace-index-shards.ts';

/** Images of a shard, and of a segment of the index. */
const shardSize = 256;

/** An index that has grown or shrunk by more than this factor is calibrated again. */
const calibratedFactor = 1.5;

export interface IndexImagesOptions extends DriverOptions {
  readonly out: string;
  readonly data: ImageDataOptions;
  readonly encoder?: readonly string[];
  readonly layer?: readonly string[];
  readonly calibrate?: boolean;
  readonly preset: 'fitted' | 'equal';
  readonly seed: number;
  readonly threads?: number;
}

/** Adds the images of a data set to an index in shards, and calibrates it where it is new or has changed much. */
export async function indexImages(
  data: OpenedDataset,
  options: IndexImagesOptions,
  session: ShardSession,
): Promise<void> {
  const { out } = options;
  imagesOf(data);
  const choices = encoderChoices(options);
  const encoders = await openEncoders(choices, options.threads);
  try {
    const began = performance.now();
    const writer = await changeImageIndex(out, { name: data.name, encoders: encoders.map(({ entry }) => entry) });
    const rows = await missingRows(data, writer.hashOf, session);
    const change = { added: 0, replaced: 0, kept: data.length - rows.length };
    for (const { id } of rows) change[writer.hashOf(id) === undefined ? 'added' : 'replaced']++;
    if (rows.length > 0) {
      const parameters: TraceIndexParameters = {
        data: options.data,
        encoders: choices.map((choice, e) => ({ ...choice, hash: encoders[e].entry.model })),
      };
      const text = JSON.stringify(rows);
      const work: Work = {
        program: 'trace-index',
        version: traceIndexProgram.version,
        data: sha256(text),
        parameters,
        seed: 0,
        count: rows.length,
        shardSize,
      };
      const run = await shardedRun(
        {
          work,
          data: text,
          items: 'images',
          files: await filesOf(data, options),
          driver: smallDriverOf(Math.ceil(rows.length / shardSize), options, session.say),
          options: { ...options, out: join(out, 'runs') },
        },
        session,
      );
      for (const shard of run.finished.shards) {
        const listed = await readShardFile(run.storage, shard, indexFiles.items);
        const items = segmentItems.parse(JSON.parse(new TextDecoder().decode(listed)));
        await writer.add(items, await readShardFile(run.storage, shard, indexFiles.features));
      }
      await removePath(run.folder);
    }
    const index = await openImageIndex(out);
    session.progress.clear();
    const seconds = (performance.now() - began) / 1000;
    print(
      `${change.added} images added, ${change.replaced} replaced, ${change.kept} there already, in ${formatDuration(seconds)}; the index holds ${index.items.length.toLocaleString('en')}`,
    );
    await calibrateWhereNeeded(data, index, encoders, options, session);
    print(`next: wherefore trace image.png --index ${out}`);
  } finally {
    await closeAll(encoders);
  }
}

/** `--encoder a.onnx --layer x --encoder b.onnx`: a layer for each encoder in turn, or none at all. */
function encoderChoices({ encoder = [], layer = [] }: Pick<IndexImagesOptions, 'encoder' | 'layer'>) {
  if (layer.length > encoder.length)
    throw new WhereforeError('invalid-argument', 'more layers than encoders', {
      got: `${layer.length} layers, ${encoder.length} encoders`,
      fix: 'give --encoder MODEL.onnx once for each --layer',
    });
  return encoder.map((model, e) => ({ model, layer: layer[e] }));
}

/** The rows that the index does not hold as they are now. */
async function missingRows(
  data: OpenedDataset,
  hashOf: (id: string) => string | undefined,
  { signal, progress }: ShardSession,
) {
  const rows: { index: number; id: string; hash: string }[] = [];
  for (let at = 0; at < data.length; at += shardSize) {
    signal.throwIfAborted();
    const indices = range(at, Math.min(data.length, at + shardSize));
    const [ids, hashes] = [await data.ids(indices), await data.hashes(indices)];
    for (const [i, index] of indices.entries())
      if (hashOf(ids[i]) !== hashes[i]) rows.push({ index, id: ids[i], hash: hashes[i] });
    progress.update(at / data.length, () => `hashed ${at} of ${data.length} images`);
  }
  progress.clear();
  return rows;
}

/** Files that workers elsewhere need; only listed where a queue may reach them. */
async function filesOf(
  data: OpenedDataset,
  { queue, encoder = [], data: { metadata } }: IndexImagesOptions,
): Promise<ListedFile[]> {
  if (queue === undefined) return [];
  const files: ListedFile[] = [];
  for (const path of [...encoder, ...(metadata ? [metadata] : [])])
    files.push({ path, hash: await hashFile(path), shared: true });
  const places = new Set(Array.from({ length: data.length }, (_, index) => data.describe(index)));
  for (const path of places) files.push({ path, hash: await hashFile(path), shared: true });
  return files;
}

async function calibrateWhereNeeded(
  data: OpenedDataset,
  index: ImageIndex,
  encoders: readonly Encoder[],
  { out, seed, preset, calibrate: wanted = false }: IndexImagesOptions,
  { signal }: ShardSession,
): Promise<void> {
  const before = await readCalibration(out);
  const ratio = before ? index.items.length / before.images : Number.POSITIVE_INFINITY;
  if (!wanted && ratio < calibratedFactor && ratio > 1 / calibratedFactor) return;
  const images = imagesOf(data);
  const ids = await data.ids(range(0, data.length));
  const places = new Map(ids.map((id, row) => [id, row]));
  const missing = index.items.find(({ id }) => !places.has(id));
  if (missing !== undefined) {
    // Pixels are not kept in the index: only a data set that has them all can be calibrated on.
    print(
      `support was not calibrated: the data given holds not all images of the index ("${missing.id}", say). Give all of it once with --calibrate`,
    );
    return;
  }
  // A progress of its own: that of the images has told its ten lines.
  const progress = showProgress(process.stderr);
  const began = performance.now();
  const calibration = await calibrate(
    index.features,
    index.items.map(({ content }) => content),
    {
      read: async (image) => (await images.read(Uint32Array.of(places.get(index.items[image].id) as number)))[0],
      embed: (pixels) => embedAll(encoders, pixels),
    },
    {
      seed,
      preset,
      signal,
      onProgress: (done, total) =>
        progress.update(done / total, () => `calibrating: ${done} of ${total} images traced`),
    },
  );
  progress.clear();
  await writeCalibration(out, calibration);
  const { whole } = calibration.weights;
  const { first, count } = calibration.planted;
  print(
    `calibrated on ${calibration.background.whole.count} images against the others in ${formatDuration((performance.now() - began) / 1000)}` +
      (count > 0
        ? `; weights fitted on ${count} changed images, ${first} of which have their source first: ${Object.entries(
            whole,
          )
            .map(([name, weight]) => `${name} ${weight.toFixed(2)}`)
            .join(', ')}`
        : '; all signals weigh alike'),
  );
}
