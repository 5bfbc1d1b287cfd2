import { dirname, join } from 'node:path';
import { type OpenedDataset, openDataset } from '../data/datasets/open-dataset.ts';
import { isFile } from '../data/files/folders.ts';
import { readBytes } from '../data/files/read-file.ts';
import { readNpy } from '../data/formats/npy.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { WhereforeError } from '../errors.ts';
import { versionsOf } from '../explain/run-record.ts';
import type { AuditDocument } from '../influence/audit/document.ts';
import type { RowViews } from '../page/audit/row-view.ts';
import { auditData, type GivenProbabilities } from '../report/audit/audit-data.ts';
import { selfTest } from '../report/audit/self-test.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { convert } from '../tensor/convert.ts';
import { formatShape, type Tensor } from '../tensor/tensor.ts';
import { trainingFileNames } from '../train/index.ts';
import { recordAsked } from './asked.ts';
import { openDecided } from './decided.ts';
import { type RuntimeOptions, runtimeOf } from './options.ts';
import { describedRows, type RowsDescribed } from './row-options.ts';

/** What `wherefore audit` is asked. */
export interface AuditOptions extends RuntimeOptions, Readonly<RowsDescribed> {
  readonly data: string;
  readonly model?: string;
  readonly preprocessing?: string;
  readonly heldOut?: string;
  readonly heldOutLabels?: string;
  readonly probabilities?: string;
  readonly inSample?: boolean;
  readonly outOfSample?: boolean;
  readonly redact?: boolean;
  readonly decisions?: string;
  readonly selfTest?: boolean;
  readonly training?: string;
  readonly layer?: string;
  readonly near?: number;
  readonly out: string;
  readonly seed: number;
  readonly json?: boolean;
}

/** Where an audit says what it does. */
export interface AuditSession {
  readonly signal: AbortSignal;
  /** As it could be typed again. */
  readonly command: string;
  readonly onProgress: (share: number, text: () => string) => void;
  /** Told what was opened, before long work. */
  readonly check?: (opened: { readonly model: LoadedModel | undefined; readonly data: Dataset }) => Promise<void>;
}

/** What an audit found, how its rows are shown, and what was noticed while they were read. */
export interface ComputedAudit {
  readonly document: AuditDocument;
  readonly views: RowViews;
  readonly notes: readonly string[];
  readonly name: string;
}

/** Computes what `wherefore audit` asks. @throws WhereforeError as `auditData`, and where something named is not there */
export async function computeAudit(options: AuditOptions, session: AuditSession): Promise<ComputedAudit> {
  const { signal, command, onProgress } = session;
  const model = options.model
    ? await loadModel(options.model, { ...runtimeOf(options), preprocessing: options.preprocessing })
    : undefined;
  const runtime = createNodeRuntime({ threads: options.threads });
  try {
    const open = (path: string, labels: string | undefined, preprocessing?: OpenedDataset['preprocessing']) =>
      openDataset(path, {
        model,
        preprocessing,
        ...describedRows(options),
        labels,
      });
    const opened = await open(options.data, options.labels);
    const { data, views, settled, notes } = await openDecided(opened, options.decisions, model?.labels);
    await session.check?.({ model, data });
    const heldOut =
      options.heldOut === undefined
        ? undefined
        : await open(
            options.heldOut,
            options.heldOutLabels ?? (options.labels ? 'none' : undefined),
            opened.preprocessing,
          );
    if (options.selfTest && !model)
      throw new WhereforeError('invalid-argument', '--self-test asks a model', { fix: 'add --model' });
    const probabilities = await givenProbabilities(options, data);
    const training = options.selfTest ? await trainingOf(options) : undefined;
    if (training) onProgress(0, () => `self-test: trains twice, as ${training} says`);
    const tested =
      options.selfTest && model
        ? await selfTest({ model, data, training, layer: options.layer, seed: options.seed, runtime, signal })
        : undefined;
    const found = await auditData({
      model,
      data,
      heldOut,
      probabilities,
      outOfSample: options.outOfSample,
      settled,
      redact: options.redact,
      layer: options.layer,
      near: options.near,
      seed: options.seed,
      runtime,
      signal,
      command,
      onProgress: (stage, done, total) => onProgress(done / total, () => `${stage}: ${done} of ${total} rows`),
    });
    const asked = await recordAsked({ ...options }, model ? versionsOf(model) : {});
    const document: AuditDocument = { ...found, ...(tested && { selfTest: tested }), asked };
    return { document, views, notes, name: data.name };
  } finally {
    await model?.close();
    await runtime.close();
  }
}

/** The folder of a training: the one that was named, or the model's where it holds a manifest. */
async function trainingOf({ training, model }: AuditOptions): Promise<string | undefined> {
  if (training !== undefined) return training;
  const folder = dirname(model as string);
  return (await isFile(join(folder, trainingFileNames.manifest))) ? folder : undefined;
}

/** How far the sum of a row may lie from 1: rounding of three digits in each of some hundred classes. */
const sumTolerance = 0.02;

/** The first row of numbers that are no probabilities; −1 where all are. */
function notProbabilities(values: Float32Array, columns: number): number {
  for (let row = 0; row * columns < values.length; row++) {
    let sum = 0;
    for (let k = 0; k < columns; k++) {
      const value = values[row * columns + k];
      if (!(value >= 0 && value <= 1)) return row;
      sum += value;
    }
    if (Math.abs(sum - 1) > sumTolerance) return row;
  }
  return -1;
}

async function givenProbabilities(
  { probabilities: from, inSample }: AuditOptions,
  data: Dataset,
): Promise<GivenProbabilities | undefined> {
  if (from === undefined) return undefined;
  const array = readNpy(await readBytes(from, 'tensors'), from);
  const [rows, columns] = array.shape;
  if (array.shape.length !== 2 || rows !== data.length)
    throw new WhereforeError('wrong-shape', 'the probabilities do not belong to the rows', {
      where: from,
      got: formatShape(array.shape),
      expected: `${data.length}×classes`,
    });
  const values = (convert(array, 'float32') as Tensor<'float32'>).data;
  const bad = notProbabilities(values, columns);
  if (bad >= 0)
    throw new WhereforeError('out-of-range', 'these are no probabilities', {
      where: `${from}, row ${bad}`,
      got: Array.from(values.slice(bad * columns, bad * columns + 4), (value) => value.toPrecision(3)).join(', '),
      expected: 'numbers from 0 to 1 that add up to 1',
      fix: 'give probabilities, not scores: the softmax of logits',
    });
  return { values: { rows, columns, data: values }, from, outOfSample: !inSample };
}
