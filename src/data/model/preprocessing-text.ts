import type * as z from 'zod/mini';
import { checked } from '../../checked.ts';
import { WhereforeError } from '../../errors.ts';
import { nearest, unknownName } from '../../nearest.ts';
import type { Dimension, ValueInfo } from '../../onnx/graph.ts';
import { formatShape } from '../../tensor/tensor.ts';
import { portablePath } from '../files/portable-path.ts';
import { knownKeys, type Preprocessing, type PreprocessingText, preprocessingSchema } from './preprocessing.ts';

/**
 * Checks a preprocessing that was put together otherwise, from flags or a guess, and fills in its defaults.
 * @throws WhereforeError `invalid-data` with every mistake.
 */
export function completePreprocessing(content: PreprocessingText, where = 'preprocessing'): Preprocessing {
  return checkedPreprocessing(content, where, () => undefined);
}

/**
 * Checks what a file or a program says of inputs and outputs, and fills in its defaults.
 * @param lineOfIssue where in the text of a file a mistake stands
 * @throws WhereforeError `invalid-data` with every mistake
 */
export function checkedPreprocessing(
  content: unknown,
  where: string,
  lineOfIssue: (issue: z.core.$ZodIssue) => number | undefined,
): Preprocessing {
  const result = checked(preprocessingSchema, content);
  if (result.success) return result.data;
  const { issues } = result.error;
  const mistakes = issues.slice(0, mostMistakes).map((issue) => {
    const place = issue.path.join('.');
    const line = lineOfIssue(issue);
    return `${line ? `line ${line}: ` : ''}${place ? `${place}: ` : ''}${explain(issue, valueAt(content, issue.path))}`;
  });
  if (issues.length > mostMistakes) mistakes.push(`and ${issues.length - mostMistakes} more mistakes`);
  throw new WhereforeError('invalid-data', mistakes.join('; '), {
    where,
    ...(issues.some((issue) => valueAt(content, issue.path) === undefined) && {
      fix: 'write what is missing: wherefore inspect MODEL prints a whole wherefore.yaml, as far as the graph tells',
    }),
  });
}

/** Mistakes that one message tells of. */
const mostMistakes = 20;
const mostUnknown = 5;

/** How a file's reader would call a type. */
const typeWords: Readonly<Record<string, string>> = {
  tuple: 'a list of fixed length, as [224, 224]',
  array: 'a list',
  record: 'keys with values',
  object: 'keys with values',
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
};

function valueAt(content: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], content);
}

function explain(issue: z.core.$ZodIssue, found: unknown): string {
  const shown = shortJson(found);
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownKeys(issue.keys, knownKeys(issue.path, found));
    case 'invalid_value': {
      const values = issue.values.map(String);
      if (found === undefined) return `missing, expected ${values.join(', ')}`;
      return `got ${shown}, expected ${values.join(', ')}${suggestion(found, values)}`;
    }
    case 'invalid_union':
      if (issue.discriminator) {
        const known =
          issue.discriminator === 'kind'
            ? ['image', 'table', 'tensor', 'text', 'audio']
            : ['number', 'ordinal', 'onehot', 'text'];
        return found === undefined
          ? `missing, expected ${known.join(', ')}`
          : `got ${shown}, expected ${known.join(', ')}${suggestion(found, known)}`;
      }
      return `got ${shown}, which is of none of the forms that are allowed here`;
    case 'invalid_type':
      return `${found === undefined ? 'missing' : `got ${shown}`}, expected ${typeWords[issue.expected] ?? issue.expected}`;
    case 'custom':
      return issue.message;
    default:
      return `got ${shown}: ${issue.message.toLowerCase()}`;
  }
}

function shortJson(found: unknown): string | undefined {
  const text = JSON.stringify(found);
  return text !== undefined && text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function unknownKeys(keys: readonly string[], known: readonly string[]): string {
  const told = keys.slice(0, mostUnknown).map((key) => `unknown key "${key}"${suggestion(key, known)}`);
  return [...told, ...(keys.length > told.length ? [`and ${keys.length - told.length} more`] : [])].join(', ');
}

/** @param found a name, or whatever stands in its place: only a text can have been meant for another */
function suggestion(found: unknown, known: readonly string[]): string {
  const guess = typeof found === 'string' ? nearest(found, known) : undefined;
  if (guess) return `: did you mean "${guess}"?`;
  return known.length ? `, known here: ${known.join(', ')}` : '';
}

/** A preprocessing with its labels read and the file that it came from. */
export interface LoadedPreprocessing {
  readonly preprocessing: Preprocessing;
  /** Class names by index, where the file has any. */
  readonly labels?: readonly string[];
  readonly path: string;
}

/** A preprocessing as it may be handed on: files that it names by absolute paths are told from the folder that they lie below. */
export function portablePreprocessing(
  preprocessing: Preprocessing,
  {
    path,
    preprocessing: loaded,
    edge,
  }: {
    readonly path: string | undefined;
    readonly preprocessing?: { readonly path: string };
    readonly edge: { readonly folder: string | undefined; absolute(path: string): string };
  },
): Preprocessing {
  const beside = loaded?.path ?? path;
  const folder = beside === undefined ? edge.folder : edge.absolute(beside).replace(/[\\/][^\\/]*$/, '');
  const { labels } = preprocessing;
  const inputs = Object.entries(preprocessing.inputs).map(([name, input]) => [
    name,
    input.kind === 'text' && input.tokenizer !== undefined
      ? { ...input, tokenizer: portablePath(input.tokenizer, folder) }
      : input,
  ]);
  return {
    ...preprocessing,
    inputs: Object.fromEntries(inputs),
    ...(typeof labels === 'string' && { labels: portablePath(labels, folder) }),
  };
}

/**
 * Checks a preprocessing against the inputs and outputs of a model.
 * @throws WhereforeError `unknown-name` for a name that the model lacks, `wrong-shape` where sizes differ.
 */
export function checkPreprocessing(
  { preprocessing, labels, path }: LoadedPreprocessing,
  model: { readonly inputs: readonly ValueInfo[]; readonly outputs: readonly ValueInfo[] },
): void {
  for (const [what, given, known] of [
    ['input', preprocessing.inputs, model.inputs],
    ['output', preprocessing.outputs, model.outputs],
  ] as const) {
    for (const name of Object.keys(given)) checkName(what, name, known, path);
  }
  if (preprocessing.detection?.output) checkName('output', preprocessing.detection.output, model.outputs, path);
  for (const [name, input] of Object.entries(preprocessing.inputs)) {
    if (input.kind !== 'image') continue;
    const shape = model.inputs.find((value) => value.name === name)?.shape;
    const channels = input.colour === 'grey' ? 1 : 3;
    const [height, width] = input.size;
    const wanted =
      input.layout === 'NCHW' ? [undefined, channels, height, width] : [undefined, height, width, channels];
    if (shape && !fits(shape, wanted)) {
      throw new WhereforeError('wrong-shape', `the image described for input "${name}" does not fit it`, {
        where: path,
        got: `${input.layout} ${wanted.map((size) => size ?? 'N').join('×')}`,
        expected: formatShape(shape),
        fix: 'change size, layout or colour',
      });
    }
  }
  const [first] = model.outputs;
  if (labels && preprocessing.task === 'classification' && first?.shape) {
    const axis = preprocessing.outputs[first.name]?.axis ?? 1;
    const classes = first.shape.at(axis);
    if (typeof classes === 'number' && classes !== labels.length) {
      throw new WhereforeError('wrong-shape', 'the model has another number of classes than there are labels', {
        where: path,
        got: `${labels.length} labels`,
        expected: `${classes}`,
      });
    }
  }
}

function checkName(what: string, name: string, known: readonly ValueInfo[], where: string): void {
  const names = known.map((value) => value.name);
  if (names.includes(name)) return;
  throw unknownName(`the model has no ${what}`, name, names, { where });
}

function fits(shape: readonly Dimension[], wanted: readonly (number | undefined)[]): boolean {
  return (
    shape.length === wanted.length &&
    shape.every((size, i) => typeof size !== 'number' || wanted[i] === undefined || size === wanted[i])
  );
}
