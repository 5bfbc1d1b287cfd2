import { basename, dirname, extname, join } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import { folderEntries } from '../files/folders.ts';
import type { ReadOptions } from '../files/open-file.ts';
import { readText } from '../files/read-file.ts';
import type { Table } from '../formats/table.ts';
import { readTable } from '../formats/table-file.ts';
import { readYaml } from '../formats/yaml.ts';
import { guessPreprocessing } from '../guess/guess.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { Preprocessing, PreprocessingText } from '../model/preprocessing.ts';
import { completePreprocessing, type LoadedPreprocessing } from '../model/preprocessing-text.ts';
import { formatPreprocessing } from '../model/preprocessing-yaml.ts';
import { type DescribedTable, describeTable } from './describe-table.ts';
import { rowInputOf } from './row-model.ts';

/** A `wherefore.yaml` for a model of rows, written from a table. */
export interface DescribedRows extends Omit<DescribedTable, 'input'> {
  readonly preprocessing: PreprocessingText;
  /** The file, with what is not known as comments at its beginning. */
  readonly text: string;
}

/**
 * Describes how the rows of a table become the input of a model.
 * @throws WhereforeError `invalid-argument` for a model that takes no rows of numbers; as {@link describeTable} and
 *   {@link readTable}
 */
export async function describeRows(model: LoadedModel, path: string): Promise<DescribedRows> {
  const input = rowInputOf(model.source);
  if (!input) {
    throw new WhereforeError('invalid-argument', 'the model does not take rows of numbers as its only input', {
      where: path,
      got: model.source.graph.inputs.map(({ name, type }) => `"${name}" ${type}`).join(', '),
      fix: 'describe its inputs in a wherefore.yaml by hand (docs/preprocessing.md)',
    });
  }
  const { table, note } = await readRows(path);
  const { input: columns, target, found, unknown } = describeTable(table, input, path);
  const { preprocessing: guessed } = guessPreprocessing(model.source);
  const named = target === undefined ? undefined : classNames(model, table, target);
  const preprocessing: PreprocessingText = {
    ...guessed,
    inputs: { [input.name]: columns },
    labels: guessed.labels ?? named,
  };
  const all = [
    ...(note ? [note] : []),
    ...found,
    ...(named && !guessed.labels ? [`the classes are called as in "${target}", sorted`] : []),
  ];
  const stated = await statedText(model);
  const kept = new Set(Object.keys(stated?.values ?? {}));
  const comments = [
    `How a row of ${basename(path)} becomes the input of ${model.name}, concluded from the values of the file.`,
    ...all.map((text) => `Concluded: ${text}.`),
    ...unknown.map((text) => `To be checked: ${text}.`),
  ];
  const text = `${comments.map((line) => `# ${line.replace(/\s+/g, ' ')}\n`).join('')}${stated?.text ?? ''}${formatPreprocessing(
    Object.fromEntries(Object.entries(preprocessing).filter(([key]) => !kept.has(key))),
  )}`;
  return { preprocessing, target, found: all, unknown, text };
}

/** What a `wherefore.yaml` that leaves the inputs open says already. */
async function statedText({
  preprocessing,
}: LoadedModel): Promise<{ readonly text: string; readonly values: object } | undefined> {
  if (!preprocessing || !leavesInputsOpen(preprocessing)) return undefined;
  const text = await readText(preprocessing.path, 'settings');
  return { text: `${text.trimEnd()}\n`, values: Object(readYaml(text, preprocessing.path).value) };
}

/** Whether a `wherefore.yaml` says nothing of the inputs, so that a description may be added to it. */
export const leavesInputsOpen = ({ preprocessing }: LoadedPreprocessing) =>
  Object.keys(preprocessing.inputs).length === 0;

/** A table, whose first line is taken for data where it holds a number: no column is called `39`. */
async function readRows(path: string, options: ReadOptions = {}): Promise<{ table: Table; note: string | undefined }> {
  const table = await readTable(path, options);
  const isData = table.columns.some(({ name }) => name.trim() !== '' && Number.isFinite(Number(name)));
  if (!isData) return { table, note: undefined };
  return {
    table: await readTable(path, { ...options, header: false }),
    note: 'the first line holds numbers, so it is data, and the columns have no names',
  };
}

/** The classes of a model by the values of its target, where there are as many. */
function classNames({ source }: LoadedModel, table: Table, target: string): string[] | undefined {
  const column = table.columns.find(({ name }) => name === target);
  if (!column || column.kind === 'number') return undefined;
  const names = [...new Set(column.values.filter((value) => value !== undefined))].sort();
  return source.graph.outputs.some(({ shape }) => shape?.at(-1) === names.length && names.length > 1)
    ? names
    : undefined;
}

/**
 * Where the description of a model belongs: `wherefore.yaml` beside it, or `<model>.wherefore.yaml` where other models
 * lie in the same folder.
 */
export async function descriptionPath(modelPath: string): Promise<string> {
  const folder = dirname(modelPath);
  const models = (await folderEntries(folder)).filter(({ name }) => extname(name) === '.onnx');
  const stem = basename(modelPath, extname(modelPath));
  return join(folder, models.length > 1 ? `${stem}.wherefore.yaml` : 'wherefore.yaml');
}

/**
 * The preprocessing with an input of rows described by the table itself, where nobody described it and its columns are
 * numbers that fit.
 * @throws WhereforeError `invalid-argument` where the columns need a description
 */
export async function withRows(
  model: LoadedModel,
  path: string,
  preprocessing: Preprocessing,
  options: ReadOptions = {},
): Promise<{ preprocessing: Preprocessing; notes: readonly string[] }> {
  const inputs = Object.values(preprocessing.inputs);
  const row = rowInputOf(model.source);
  if (!row || inputs.some(({ kind }) => kind === 'table' || kind === 'text')) return { preprocessing, notes: [] };
  const fix = `wherefore inspect ${basename(model.path ?? model.name)} --data ${basename(path)} writes a description of the columns`;
  if (row.width === undefined) {
    throw new WhereforeError('invalid-argument', 'the model does not say how a row becomes its input', {
      where: path,
      fix,
    });
  }
  const { table } = await readRows(path, options);
  const { input, found, unknown } = describeTable(table, row, path);
  if (input.columns.some(({ encode }) => encode !== 'number')) {
    throw new WhereforeError(
      'invalid-argument',
      'the table holds categories, and nothing says how they become numbers',
      {
        where: path,
        got: input.columns.flatMap(({ name, encode }) => (encode === 'number' ? [] : [name])).join(', '),
        fix,
      },
    );
  }
  const described = completePreprocessing({ ...preprocessing, inputs: { [row.name]: input } });
  const names = input.columns.map(({ name }) => name).join(', ');
  return {
    preprocessing: described,
    notes: [
      `no wherefore.yaml describes the columns: ${found.join('; ')}: ${names}`,
      ...unknown.map((text) => `not known: ${text}`),
    ],
  };
}
