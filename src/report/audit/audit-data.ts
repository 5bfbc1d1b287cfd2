import type { LoadedModel } from '../../data/model/loaded-model.ts';
import { batches } from '../../dataset/batches.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import { range } from '../../dataset/pieces.ts';
import { WhereforeError } from '../../errors.ts';
import { packageVersion } from '../../explain/version.ts';
import { type AuditedRows, type AuditOptions, audit } from '../../influence/audit/audit.ts';
import type { AuditDocument } from '../../influence/audit/document.ts';
import { contentOf } from '../../influence/content.ts';
import type { Matrix } from '../../influence/matrix.ts';
import { redactAudit } from '../../influence/redact.ts';
import { represent } from '../../influence/represent.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import { mapped } from '../../tensor/filled.ts';
import { formatShape, sameShape } from '../../tensor/tensor.ts';
import { checkRows } from './check-rows.ts';
import { type ClassReader, classNames, classReader } from './class-reader.ts';

/** Probabilities that somebody else computed: of an ensemble of trees, of cross-validation, of any predictor. */
export interface GivenProbabilities {
  /** rows × classes. */
  readonly values: Matrix;
  /** The file, for the document. */
  readonly from: string;
  /** Whether no row was predicted by a model that was trained on it. */
  readonly outOfSample: boolean;
}

export interface AuditDataOptions
  extends Pick<AuditOptions, 'near' | 'neighbours' | 'settled' | 'seed' | 'runtime' | 'signal' | 'onProgress'> {
  /** Default: none; then `probabilities` are needed for labels to be checked. */
  readonly model?: LoadedModel;
  readonly data: Dataset;
  readonly heldOut?: Dataset;
  readonly probabilities?: GivenProbabilities;
  /** Where neighbours are looked for; default: what the last layer of weights reads. */
  readonly layer?: string;
  /** Output of the model; default: the first of floats. */
  readonly output?: string;
  /** Whether the model was not trained on the data. Default false. */
  readonly outOfSample?: boolean;
  /** Whether single rows are held back, so that counts alone are told. Default false. */
  readonly redact?: boolean;
  readonly command?: string;
}

/**
 * Audits a data set with a model that predicts its classes, with probabilities from elsewhere, or with both: then the
 * probabilities judge the labels and the model gives the representations.
 * @throws WhereforeError as {@link audit}; `wrong-type` where the labels are values
 */
export async function auditData(options: AuditDataOptions): Promise<AuditDocument> {
  const { model, data, heldOut, probabilities, command } = options;
  checkClasses(options);
  if (data.length === 0) throw new WhereforeError('invalid-data', 'there are no rows', { where: data.name });
  const example = new Map(Object.entries((await data.read([0])).inputs));
  const classes = await classNames(data, model, example, { ...options, columns: probabilities?.values.columns });
  await checkRows(data, classes);
  if (heldOut) await checkInputs(example, heldOut);
  const reader = model && (await classReader(model, example, classes, options));
  const rows = await auditedRows(options, data, reader, 'rows');
  const held = heldOut && (await auditedRows(options, heldOut, reader, 'held-out rows'));
  const outOfSample = probabilities ? probabilities.outOfSample : (options.outOfSample ?? false);
  const findings = await audit({
    ...options,
    rows: probabilities ? { ...rows, probabilities: probabilities.values } : rows,
    heldOut: held,
    classes,
    outOfSample,
  });
  const document: AuditDocument = {
    format: 'wherefore-audit',
    version: 1,
    wherefore: packageVersion,
    ...(command && { command }),
    ...(model && { model: { name: model.name, hash: model.hash } }),
    data: { name: data.name, key: await data.key(), rows: data.length, ...(heldOut && { heldOut: heldOut.name }) },
    classes,
    ...((probabilities || reader) && {
      predictions: { from: probabilities?.from ?? (model as LoadedModel).name, outOfSample },
    }),
    spaces: {
      ...(reader?.layer && { neighbours: reader.layer }),
      content: rows.content === rows.embeddings ? `values of ${reader?.layer}` : 'the rows themselves',
    },
    ...findings,
    notes: [
      ...findings.notes,
      ...(rows.content === rows.embeddings
        ? ['the rows are too large to compare as they are: copies and outliers were looked for among representations']
        : []),
    ],
  };
  return options.redact ? redactAudit(document, rows.columns ?? new Map()) : document;
}

/** @throws WhereforeError `wrong-shape` where held-out rows are of another size than the training rows */
async function checkInputs(example: Tensors, heldOut: Dataset): Promise<void> {
  if (heldOut.length === 0) throw new WhereforeError('invalid-data', 'there are no rows', { where: heldOut.name });
  for (const [name, { shape }] of Object.entries((await heldOut.read([0])).inputs)) {
    const expected = example.get(name)?.shape;
    if (expected && !sameShape(expected.slice(1), shape.slice(1)))
      throw new WhereforeError('wrong-shape', 'the held-out rows are of another size than the training rows', {
        where: heldOut.describe(0),
        got: formatShape(shape.slice(1)),
        expected: formatShape(expected.slice(1)),
        fix: 'give rows of the same kind',
      });
  }
}

function checkClasses({ data }: AuditDataOptions): void {
  const { labels } = data;
  if (labels && labels.type !== 'int64')
    throw new WhereforeError('wrong-type', 'the labels are values, not classes', {
      where: data.name,
      got: labels.type,
      fix: 'name a column of classes, or none: copies and outliers are found without (--metadata takes the column out of the features)',
    });
}

async function auditedRows(
  { signal, onProgress }: AuditDataOptions,
  data: Dataset,
  reader: ClassReader | undefined,
  stage: string,
): Promise<AuditedRows> {
  const all = range(0, data.length);
  const seen = reader
    ? await represent(reader.model, data, {
        ...reader,
        signal,
        onProgress: (done, total) => onProgress?.(`predictions of ${stage}`, done, total),
      })
    : { content: await contentsOf(data) };
  const content = seen.content ?? ('embeddings' in seen ? seen.embeddings : undefined);
  if (!content)
    throw new WhereforeError('out-of-range', 'the rows are too large to compare with each other', {
      where: data.name,
      fix: 'name a layer of the model whose values stand for them',
    });
  const columns = new Map<string, readonly string[]>();
  for (const name of data.columns) {
    const values = await data.column(name, all);
    const texts = values.map((value) => (value === undefined ? '' : String(value)));
    if (isGrouping(texts)) columns.set(name, texts);
  }
  return {
    ids: await data.ids(all),
    hashes: await data.hashes(all),
    from: Array.from(all, (i) => data.describe(i)),
    content,
    columns,
    ...('embeddings' in seen && seen.embeddings && { embeddings: seen.embeddings }),
    ...('probabilities' in seen && { probabilities: seen.probabilities }),
    ...(data.labels && { labels: mapped(Int32Array, data.labels.data as BigInt64Array, Number) }),
  };
}

/** Whether a column divides the rows into groups: at most two values, or five rows for each; one that names each row does not. */
export const isGrouping = (texts: readonly string[]): boolean => new Set(texts).size <= Math.max(2, texts.length / 5);

/** The contents of all rows, without a model. */
async function contentsOf(data: Dataset): Promise<Matrix> {
  let all: { matrix: Matrix; data: Float32Array } | undefined;
  for await (const { indices, inputs } of batches(data, { size: 256 })) {
    const { columns, data: numbers } = contentOf(new Map(Object.entries(inputs)));
    if (!all) {
      const values = new Float32Array(data.length * columns);
      all = { matrix: { rows: data.length, columns, data: values }, data: values };
    }
    if (all.matrix.columns !== columns)
      throw new WhereforeError('wrong-shape', 'rows differ in size', {
        where: data.describe(indices[0]),
        got: `${columns} numbers`,
        expected: `${all.matrix.columns}`,
        fix: 'give a model, which says how inputs are made',
      });
    for (let i = 0; i < indices.length; i++)
      all.data.set(numbers.subarray(i * columns, (i + 1) * columns), indices[i] * columns);
  }
  if (!all) throw new WhereforeError('invalid-data', 'there are no rows', { where: data.name });
  return all.matrix;
}
