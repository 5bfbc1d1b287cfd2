import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { openDataset } from '../data/datasets/open-dataset.ts';
import { isFile } from '../data/files/folders.ts';
import { readBytes } from '../data/files/read-file.ts';
import { readNpy } from '../data/formats/npy.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { WhereforeError } from '../errors.ts';
import type { AuditDocument, SelfTest } from '../influence/audit/document.ts';
import { type ProblemKind, problemKinds } from '../influence/audit/problems.ts';
import { auditData, type GivenProbabilities } from '../report/audit/audit-data.ts';
import { selfTest } from '../report/audit/self-test.ts';
import { auditFolder, writeAudit } from '../report/audit/write-audit.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { convert } from '../tensor/convert.ts';
import { formatShape, type Tensor } from '../tensor/tensor.ts';
import { trainingFileNames } from '../train/index.ts';
import { openDecided } from './decided.ts';
import { interruptible } from './failure.ts';
import { commandLine, list, type RuntimeOptions, runtimeOf, share, withPreprocessing, withRuntime } from './options.ts';
import { checkWritable } from './out-folder.ts';
import { showProgress } from './progress.ts';
import { formatTable } from './table-text.ts';
import { print, printJson, tell } from './terminal.ts';

interface Options extends RuntimeOptions {
  readonly data: string;
  readonly model?: string;
  readonly preprocessing?: string;
  readonly label?: string;
  readonly labels?: string;
  readonly id?: string;
  readonly metadata?: string[];
  readonly heldOut?: string;
  readonly heldOutLabels?: string;
  readonly probabilities?: string;
  readonly inSample?: boolean;
  readonly outOfSample?: boolean;
  readonly decisions?: string;
  readonly selfTest?: boolean;
  readonly training?: string;
  readonly layer?: string;
  readonly near?: number;
  readonly out: string;
  readonly seed: number;
  readonly json?: boolean;
}

export function defineAudit(program: Command): void {
  const command = program
    .command('audit')
    .description(
      'what is wrong in training data: labels, copies, outliers, leaks, groups; one ranked list and a review',
    )
    .requiredOption('--data <path>', 'training rows: a folder, a table, arrays, a text file, or wherefore.yaml#name')
    .option('--model <file>', 'an .onnx file that predicts the labels; trees too')
    .option('--label <column>', 'the column of the labels; default: sub-folders, or what wherefore.yaml says')
    .option('--labels <file>', 'a file with the labels, one for each row')
    .option('--id <column>', 'the column that names the rows; decisions are kept by it')
    .option('--metadata <columns>', 'columns that are no features: annotator, source, date', list)
    .option('--held-out <path>', 'rows that were not trained on: leaks and undersampled regions are looked for')
    .option('--held-out-labels <file>', 'a file with their labels; default none where --labels names a file')
    .option(
      '--probabilities <file>',
      'rows × classes (.npy) of any predictor, in place of those of the model; best of cross-validation',
    )
    .option('--decisions <file>', 'decisions of an earlier review: they are applied, and their rows not listed again')
    .option(
      '--self-test',
      'plants wrong labels in the rows and says how well each order finds them here; with a training.json the model is trained on them, twice',
    )
    .option(
      '--training <folder>',
      'what a training left, for --self-test; default: the folder of --model, where it has one',
    )
    .option('--in-sample', 'the predictor of --probabilities was trained on the rows')
    .option('--out-of-sample', 'the model was not trained on the rows')
    .option('--layer <name>', 'where neighbours are looked for; default: what the last layer of weights reads')
    .option(
      '--near <share>',
      'of the median distance to the nearest row, below which rows are near copies; default 0.15',
      share,
    )
    .option('--seed <number>', 'of everything that is drawn', Number, 0)
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print the document');
  withRuntime(withPreprocessing(command)).action((options: Options, own: Command) =>
    interruptible((signal) => run(options, signal, commandLine(own)), 'stopped; nothing was written'),
  );
}

async function run(options: Options, signal: AbortSignal, command: string): Promise<void> {
  const started = new Date();
  await checkWritable(options.out);
  const progress = showProgress(process.stderr, !options.json);
  const model = options.model
    ? await loadModel(options.model, { ...runtimeOf(options), preprocessing: options.preprocessing })
    : undefined;
  const runtime = createNodeRuntime({ threads: options.threads });
  try {
    const open = (path: string, labels: string | undefined) =>
      openDataset(path, {
        model,
        label: options.label,
        labels,
        id: options.id,
        metadata: options.metadata,
      });
    const opened = await open(options.data, options.labels);
    const { data, views, settled, notes } = await openDecided(opened, options.decisions, model?.labels);
    const heldOut =
      options.heldOut === undefined
        ? undefined
        : await open(options.heldOut, options.heldOutLabels ?? (options.labels ? 'none' : undefined));
    if (options.selfTest && !model)
      throw new WhereforeError('invalid-argument', '--self-test asks a model', { fix: 'add --model' });
    const training = options.selfTest ? await trainingOf(options) : undefined;
    if (training) progress.update(0, () => `self-test: trains twice, as ${training} says`);
    const tested =
      options.selfTest && model
        ? await selfTest({ model, data, training, layer: options.layer, seed: options.seed, runtime, signal })
        : undefined;
    const found = await auditData({
      model,
      data,
      heldOut,
      probabilities: await givenProbabilities(options, data),
      outOfSample: options.outOfSample,
      settled,
      layer: options.layer,
      near: options.near,
      seed: options.seed,
      runtime,
      signal,
      command,
      onProgress: (stage, done, total) => progress.update(done / total, () => `${stage}: ${done} of ${total} rows`),
    });
    const document: AuditDocument = { ...found, ...(tested && { selfTest: tested }) };
    progress.clear();
    for (const note of notes) tell(note);
    const folder = auditFolder(options.out, started, data.name);
    await writeAudit(folder, document, views);
    if (options.json) printJson(document);
    else print(auditText(document, join(folder, 'index.html')));
  } finally {
    progress.clear();
    await model?.close();
    await runtime.close();
  }
}

/** The folder of a training: the one that was named, or the model's where it holds a manifest. */
async function trainingOf({ training, model }: Options): Promise<string | undefined> {
  if (training !== undefined) return training;
  const folder = dirname(model as string);
  return (await isFile(join(folder, trainingFileNames.manifest))) ? folder : undefined;
}

async function givenProbabilities(
  { probabilities: from, inSample }: Options,
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
  return { values: { rows, columns, data: values }, from, outOfSample: !inSample };
}

/** Rows of the list that the terminal shows. */
const shown = 10;

function auditText(document: AuditDocument, page: string): string {
  const { counts, rows, classes, dataSet, notes, data } = document;
  const found = (Object.entries(counts) as [ProblemKind, number][]).filter(([, count]) => count > 0);
  const name = (k: number) => classes[k] ?? String(k);
  const list = rows
    .slice(0, shown)
    .map(({ from, problems, label }) => [
      `  ${from}`,
      [...new Set(problems.map(({ kind }) => problemKinds[kind].title))].join(', '),
      label && problems.some(({ kind }) => kind === 'label')
        ? `${name(label.given)} (${label.probability.toFixed(2)}) → ${name(label.suggested)} (${label.suggestedProbability.toFixed(2)})`
        : '',
      label?.agreement === undefined ? '' : `${Math.round(100 * label.agreement)} % of neighbours agree`,
      label ? `loss place ${label.lossRank}, confident learning ${label.confidentRank}` : '',
    ]);
  const whole = [
    ...(dataSet.leaks.exact + dataSet.leaks.near > 0
      ? [
          `  ${dataSet.leaks.exact} of ${dataSet.leaks.heldOut} held-out rows are in the training data, ${dataSet.leaks.near} nearly`,
        ]
      : []),
    ...dataSet.groups.map(
      ({ column, value, rows: count, share: part, elsewhere }) =>
        `  ${column} ${value}: ${(100 * part).toFixed(0)} % of ${count} labels suspect, elsewhere ${(100 * elsewhere).toFixed(0)} %`,
    ),
    ...dataSet.undersampled
      .slice(0, 5)
      .map(
        ({ column, value, rows: count, heldOut, ratio }) =>
          `  ${column} ${value}: ${count} training rows for ${heldOut} held-out ones, ${ratio.toFixed(2)} of its share`,
      ),
    ...dataSet.confused
      .slice(0, 3)
      .map(({ given, suggested, rows: count }) => `  ${name(given)} → ${name(suggested)}: ${count} rows`),
  ];
  return [
    `${rows.length} of ${data.rows} rows show a problem`,
    formatTable(found.map(([kind, count]) => [`  ${count}`, problemKinds[kind].title, problemKinds[kind].advice])),
    ...(list.length ? ['\nMost severe first', formatTable(list)] : []),
    ...(whole.length ? ['\nThe data set', ...whole] : []),
    ...(document.selfTest ? ['', selfTestText(document.selfTest)] : []),
    ...(notes.length ? ['', ...notes.map((note) => `note: ${note}`)] : []),
    `\n${page}`,
  ].join('\n');
}

/** Planted errors that each order finds in its first tenth. */
function selfTestText({ retrained, share, kinds }: SelfTest): string {
  const percent = (value: number | undefined) => (value === undefined ? '–' : (100 * value).toFixed(0));
  const table = kinds.flatMap(({ kind, planted, methods }) => [
    [`  ${planted} wrong labels, ${kind}`, ''],
    ...methods.map(({ method, found }) => [
      `    ${method}`,
      `${percent(found.mean)} % [${percent(found.low)}, ${percent(found.high)}]`,
    ]),
  ]);
  const how = retrained
    ? 'the model was trained again on them'
    : 'the model was not trained on them, so that they are easier to find than real ones: name a --training';
  return [
    `Self-test: ${percent(share)} % of the labels were made wrong (${how}); found in the first tenth of each order`,
    formatTable(table),
  ].join('\n');
}
