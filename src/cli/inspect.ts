import { relative, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { contentKinds } from '../data/datasets/dataset-description.ts';
import { writeAtomically } from '../data/files/files.ts';
import { describeRows, descriptionPath, leavesInputsOpen } from '../data/inputs/describe-rows.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { formatPreprocessing } from '../data/model/preprocessing-yaml.ts';
import { WhereforeError } from '../errors.ts';
import { type Inspection, inspect } from '../explain/inspect.ts';
import type { ValueInfo } from '../onnx/graph.ts';
import { withoutGradients } from '../page/judgement.ts';
import { formatShape } from '../tensor/tensor.ts';
import { interruptible } from './failure.ts';
import { type InspectDataOptions, inspectData, isData } from './inspect-data.ts';
import { list, type RuntimeOptions, runtimeOf, shellWord, wholeNumber, withRuntime } from './options.ts';
import { formatTable } from './table-text.ts';
import { print, printJson, visibleAll } from './terminal.ts';

interface Options extends RuntimeOptions, InspectDataOptions {
  readonly all?: boolean;
  readonly data?: string;
  readonly out?: string;
  readonly json?: boolean;
}

export function defineInspect(program: Command): void {
  const command = program
    .command('inspect')
    .description(
      'of a model: inputs and outputs, what blocks gradients, which layers are worth explaining; of a data set: columns, classes, broken rows, duplicates',
    )
    .argument('<model or data>', 'an .onnx file; a folder, a table, arrays, texts, or wherefore.yaml#NAME')
    .option('--all', 'list every layer, not only those worth explaining')
    .option('--data <table>', 'a table of its rows: writes the wherefore.yaml that says how a row becomes the input')
    .option('--out <file>', 'where --data writes; default beside the model')
    .option('--label <column>', 'of data: the column or array of labels')
    .option('--labels <file>', 'of data: a file of labels, or none')
    .option('--id <column>', 'of data: the column that names the rows')
    .option('--metadata <columns>', 'of data: columns that are no features, separated by commas', list)
    .option('--text <column>', 'of data: the column of a table that holds texts')
    .option('--image <column>', 'of data: the column of a table that names files of images')
    .addOption(new Option('--kind <kind>', 'of data: what its rows are').choices(contentKinds))
    .option('--rows <count>', 'of data: rows that are read at most; default 100000', wholeNumber)
    .option('--json', 'print JSON');
  withRuntime(command).action(async (path: string, options: Options) => {
    if (await isData(path)) {
      refuseOptions(path, options, ['all', 'data', 'out'], 'models');
      const { label, labels, id, metadata, text, image, kind, rows, json } = options;
      await interruptible((signal) =>
        inspectData(path, { label, labels, id, metadata, text, image, kind, rows, json }, signal),
      );
      return;
    }
    refuseOptions(path, options, ['label', 'labels', 'id', 'metadata', 'text', 'image', 'kind', 'rows'], 'data sets');
    const model = await loadModel(path, runtimeOf(options));
    try {
      if (options.data !== undefined) {
        print((await writeDescription(model, options.data, options.out)).join('\n'));
        return;
      }
      const inspection = await inspect(model);
      if (options.json) printJson({ ...inspection, opsets: Object.fromEntries(inspection.opsets) });
      else print(describe(visibleAll(inspection), options.all === true));
    } finally {
      await model.close();
    }
  });
}

/** @throws WhereforeError `invalid-argument` for an option of the other kind of thing that is inspected */
function refuseOptions(path: string, options: Options, names: readonly (keyof Options)[], of: string): void {
  const given = names.find((name) => options[name] !== undefined);
  if (given === undefined) return;
  throw new WhereforeError('invalid-argument', `--${given} is an option for ${of}`, {
    where: path,
    fix: 'leave it out',
  });
}

/** Writes a `wherefore.yaml` from a table, and says what it concluded and what it could not know. */
async function writeDescription(model: LoadedModel, data: string, out: string | undefined): Promise<string[]> {
  const { text, target } = await describeRows(model, data);
  const stated = model.preprocessing;
  const path = out ?? stated?.path ?? (await descriptionPath(model.path ?? model.name));
  if (out === undefined && stated && !leavesInputsOpen(stated)) {
    throw new WhereforeError('file-unwritable', 'the model is described already', {
      where: stated.path,
      fix: 'move that file away, or write to another one: --out FILE',
    });
  }
  await writeAtomically(path, text);
  return [
    ...text.split('\n'),
    ...(target === undefined ? ['no column looks like the target', ''] : []),
    `written: ${fromHere(path)}`,
    `next:    wherefore explain ${shellWord(data)} --row 0 --model ${shellWord(fromHere(model.path ?? model.name))}${out === undefined ? '' : ` --preprocessing ${shellWord(out)}`}`,
  ];
}

/** A path as a person in this folder would write it. */
function fromHere(path: string): string {
  const below = relative(process.cwd(), resolve(path));
  return below.startsWith('..') ? path : below;
}

const shapeOf = ({ type, shape }: ValueInfo) =>
  type === undefined ? 'not a tensor' : `${type} ${shape ? formatShape(shape) : 'of unknown shape'}`;

function describe(inspection: Inspection, all: boolean): string {
  const { layers } = inspection;
  const blocks: string[] = [];
  const opsets = [...inspection.opsets].map(([domain, version]) => `${domain || 'standard'} ${version}`).join(', ');
  blocks.push(
    [
      `${inspection.name}: ${inspection.nodes} nodes, ${inspection.parameters.toLocaleString('en')} parameters (${megabytes(inspection.weightBytes)})`,
      `from ${inspection.producer || 'an unnamed producer'}, operators: ${opsets}`,
      ...inspection.notes,
    ].join('\n'),
    ['Inputs', ...inspection.inputs.map((input) => `  ${input.name}: ${shapeOf(input)}`)].join('\n'),
    ['Outputs', ...inspection.outputs.map((output) => `  ${output.name}: ${shapeOf(output)}`)].join('\n'),
  );
  const blocking = inspection.operators.filter(({ gradient }) => gradient === 'refused' || gradient === 'missing');
  const counts = inspection.operators.map(({ operator, count }) => `${operator} ${count}`).join(', ');
  blocks.push(
    [
      'Operators',
      `  ${counts}`,
      ...inspection.operators
        .filter(({ gradient }) => gradient === 'estimate')
        .map(({ operator, why }) => `  ${operator}: gradient by ${why}`),
      ...(blocking.length
        ? blocking.map(
            ({ operator, why }) =>
              `  ${operator} blocks gradients: ${why}. Methods that need only outputs work: --method kernel-shap or occlusion`,
          )
        : inspection.cuts?.length
          ? [`  no operator blocks gradients, but part of them is cut off: ${withoutGradients}`]
          : ['  nothing blocks gradients']),
      ...(inspection.cuts ?? []).map((text) => `  ${text}`),
    ].join('\n'),
  );
  if (layers) {
    const rows = all
      ? layers.all.map(({ name, operator, shape, isCut }) => [
          `  ${name}`,
          operator,
          formatShape(shape),
          isCut ? 'yes' : 'no, bypassed',
        ])
      : layers.worth.map(({ names, operators, shapes }) => [
          `  ${names.join('+')}`,
          [...new Set(operators)].join(' + '),
          shapes.map((shape) => formatShape(shape)).join(' + '),
          names.length > 1 ? 'yes, together' : 'yes',
        ]);
    blocks.push(
      [
        all ? 'Layers' : `Layers worth explaining (of ${layers.all.length}; --all lists them)`,
        rows.length ? formatTable([['  name', 'operator', 'shape', 'cut'], ...rows]) : '  none besides the input',
      ].join('\n'),
    );
  } else blocks.push(`Layers\n  cannot be told: ${inspection.layersMissing}`);
  const uncertain = inspection.preprocessing.guesses.map(
    ({ path, value, confidence, reason }) =>
      `  ${path}: ${value === undefined ? 'not known' : shortValue(value)} (${confidence}: ${reason})`,
  );
  blocks.push(
    [
      inspection.described
        ? 'Preprocessing: described in wherefore.yaml beside the model, which counts. Guessed without it:'
        : 'Preprocessing, guessed from the graph',
      ...uncertain,
      '  as wherefore.yaml beside the model:',
      ...writable(inspection.preprocessing)
        .trimEnd()
        .split('\n')
        .map((line) => `    ${line}`),
    ].join('\n'),
  );
  return blocks.join('\n\n');
}

/** Names that are shown of a list of them. */
const mostNames = 10;

/** A value of a guess; of a long list its first entries and how many there are. */
function shortValue(value: unknown): string {
  if (!Array.isArray(value) || value.length <= mostNames) return JSON.stringify(value);
  return `${JSON.stringify(value.slice(0, 3)).slice(0, -1)}, … ${value.length} in all]`;
}

/** The guess as a person would write it down; a long list of labels is found where it was found now. */
function writable({ preprocessing }: Inspection['preprocessing']): string {
  const { labels, ...rest } = preprocessing;
  if (!Array.isArray(labels) || labels.length <= mostNames) return formatPreprocessing(preprocessing);
  return `${formatPreprocessing(rest)}# labels: the ${labels.length} names that are found without this file too\n`;
}

function megabytes(bytes: number): string {
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e3).toFixed(1)} kB`;
}
