import { WhereforeError } from '../../errors.ts';
import { requiredInputs } from '../../onnx/graph.ts';
import { checkInputNumbers } from '../../runtime/missing-values.ts';
import { convert } from '../../tensor/convert.ts';
import { type DataType, formatShape, int64, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { sameNumbers } from '../../tensor/whole-numbers.ts';
import { tensorReaders } from '../formats/tensor-file.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { Preprocessing } from '../model/preprocessing.ts';
import type { ModelInput } from './model-input.ts';

/** Tensors under input names; a single one without a name goes to the model's only input. */
export function tensorInput(
  model: LoadedModel,
  given: ReadonlyMap<string, Tensor>,
  source: string,
  hash: string | undefined,
  preprocessing: Preprocessing,
  { anyBatch = false }: { readonly anyBatch?: boolean } = {},
): ModelInput {
  const wanted = requiredInputs(model.graph);
  const names = wanted.map(({ name }) => name);
  const tensors = new Map<string, Tensor>();
  const notes: string[] = [];
  for (const [key, tensor] of given) {
    const name = key === '' || (given.size === 1 && names.length === 1 && !names.includes(key)) ? names[0] : key;
    if (key !== '' && key !== name) notes.push(`"${key}" is taken for the model's only input, "${name}"`);
    if (key === '' && names.length > 1) {
      throw new WhereforeError('invalid-argument', 'one tensor for several inputs', {
        where: source,
        expected: names.map((input) => `"${input}"`).join(', '),
        fix: 'give an .npz or .safetensors file with these names',
      });
    }
    if (model.source.graph.initializers.has(name)) {
      throw new WhereforeError('invalid-argument', `input "${name}" has a value in the model, which is used`, {
        where: source,
        expected: names.map((input) => `"${input}"`).join(', '),
        fix: 'leave it out, or export the model without this value',
      });
    }
    if (!names.includes(name)) {
      throw new WhereforeError('unknown-name', `the model has no input "${name}"`, {
        where: source,
        expected: names.map((input) => `"${input}"`).join(', '),
      });
    }
    tensors.set(name, fitted(model, tensor, name, source, notes));
  }
  const first = [...tensors.values()][0];
  for (const { name, type } of wanted) {
    if (tensors.has(name)) continue;
    const filled = first && companion(name, type, first, preprocessing);
    if (!filled) {
      throw new WhereforeError('unknown-name', `input "${name}" is missing`, {
        where: source,
        got: [...tensors.keys()].map((key) => `"${key}"`).join(', ') || 'nothing',
      });
    }
    notes.push(`input "${name}" was not given: ${filled.text}`);
    tensors.set(name, filled.tensor);
  }
  if (!anyBatch) checkOneItem(model, tensors, source);
  const isImage = ([name]: readonly [string, Tensor]) => preprocessing.inputs[name]?.kind === 'image';
  const explained = [...tensors].find(([, { type }]) => type === 'float32') ?? [...tensors].find(isImage);
  return { source, hash, tensors, layout: explained ? layoutOf(explained[0], explained[1], preprocessing) : {}, notes };
}

/**
 * A tensor as one input of the model takes it: of its element type, with a batch axis.
 * @throws WhereforeError `wrong-type`, `wrong-shape`, `not-finite`
 */
export function fittedInput(model: LoadedModel, name: string, tensor: Tensor, where: string): Tensor {
  return fitted(model, tensor, name, where, []);
}

/** Numbers that were made for a model, in the types of its inputs: bytes of an image, columns of whole numbers. */
export function asTaken<T extends ReadonlyMap<string, Tensor>>(model: LoadedModel, tensors: T, where: string): T {
  const taken = [...tensors].map(([name, tensor]) => {
    const type = model.types.get(name);
    const same = type === undefined ? tensor : sameNumbers(tensor, type);
    if (same || tensor.type === 'string') return [name, same ?? tensor] as const;
    throw new WhereforeError('wrong-type', `input "${name}" holds numbers that are not of its type`, {
      where,
      got: tensor.type,
      expected: type,
      fix: 'describe in wherefore.yaml how they become whole numbers (for bytes: range [0, 255], mean 0, std 1)',
    });
  });
  return new Map(taken) as ReadonlyMap<string, Tensor> as T;
}

/** The tensor in the input's element type, with the batch axis that a single item may lack. */
function fitted({ graph }: LoadedModel, tensor: Tensor, name: string, where: string, notes: string[]): Tensor {
  const { type, shape } = graph.inputs.find((input) => input.name === name) ?? {};
  let result = tensor;
  if (type && tensor.type !== type) {
    const convertible =
      tensor.type !== 'string' && type !== 'string' && !(type === 'int64' && tensor.type.startsWith('float'));
    if (!convertible) {
      throw new WhereforeError('wrong-type', `input "${name}" has the wrong element type`, {
        where,
        got: tensor.type,
        expected: type,
      });
    }
    result = convert(result, type);
    notes.push(`input "${name}": ${tensor.type} converted to ${type}`);
  }
  if (shape && result.shape.length === shape.length - 1) {
    result = { ...result, shape: [1, ...result.shape] };
    notes.push(`input "${name}": a batch axis of 1 was added to ${formatShape(tensor.shape)}`);
  }
  checkInputNumbers(graph, name, result, where);
  return result;
}

/**
 * Refuses a batch: several rows of every input. Rows of one input beside a single row of another belong to one item (the
 * texts that an image is compared with), and so does a first axis that the model itself declares to be longer than 1.
 */
function checkOneItem(model: LoadedModel, tensors: ReadonlyMap<string, Tensor>, where: string): void {
  const batched = [...tensors].filter(([, { shape }]) => shape.length > 0);
  const several = batched.filter(([name, { shape }]) => {
    const declared = model.graph.inputs.find((input) => input.name === name)?.shape;
    return shape[0] !== 1 && (typeof declared?.[0] !== 'number' || declared[0] === 1);
  });
  if (several.length === 0 || several.length < batched.length) return;
  const [[name, { shape }]] = several;
  const isFile = Object.keys(tensorReaders).some((ending) => where.toLowerCase().endsWith(ending));
  throw new WhereforeError('wrong-shape', `input "${name}" holds several items`, {
    where,
    got: formatShape(shape),
    expected: `one: 1×${formatShape(shape.slice(1))}`,
    fix: isFile
      ? `name one or several: ${where}#0 or ${where}#0-9 (in a command also --row 3)`
      : 'explain one item at a time',
  });
}

/** Masks, token types and positions, which follow from the ids where nobody says otherwise. */
function companion(
  name: string,
  type: DataType | undefined,
  ids: Tensor,
  preprocessing: Preprocessing,
): { tensor: Tensor; text: string } | undefined {
  const described = preprocessing.inputs[name];
  if (described?.kind !== 'text' || type !== 'int64') return undefined;
  const size = sizeOf(ids.shape);
  const length = ids.shape.at(-1) ?? 1;
  if (described.part === 'mask')
    return { tensor: int64(ids.shape, new BigInt64Array(size).fill(1n)), text: 'a mask of ones' };
  if (described.part === 'types') return { tensor: int64(ids.shape, new BigInt64Array(size)), text: 'token types 0' };
  if (described.part === 'positions')
    return {
      tensor: int64(
        ids.shape,
        Array.from({ length: size }, (_, i) => i % length),
      ),
      text: 'positions 0, 1, 2, …',
    };
  return undefined;
}

/** Which axes of an input are channels and which are space or time, as far as it is described. */
export function layoutOf(name: string, tensor: Tensor, preprocessing: Preprocessing): ModelInput['layout'] {
  const described = preprocessing.inputs[name];
  if (described?.kind === 'tensor' && described.axes?.length === tensor.shape.length) return namedAxes(described.axes);
  if (described?.kind !== 'image' || tensor.shape.length !== 4) return {};
  return described.layout === 'NCHW'
    ? { channelAxis: 1, spatialAxes: [2, 3] }
    : { channelAxis: 3, spatialAxes: [1, 2] };
}

/** Axes by their names: those of channels, and those of time or space. */
function namedAxes(axes: readonly string[]): ModelInput['layout'] {
  const channel = axes.findIndex((name) => /^(channel|feature|variable)s?$/i.test(name));
  const spatialAxes = axes.flatMap((name, i) =>
    /^(time|steps?|positions?|samples?|rows?|columns?|height|width)$/i.test(name) ? [i] : [],
  );
  return {
    channelAxis: channel > 0 ? channel : undefined,
    spatialAxes: spatialAxes.length > 0 ? spatialAxes : undefined,
  };
}

/** Numbers as a person writes them, in the element type of the input. */
export function writtenTensor(model: LoadedModel, name: string, text: string): Tensor {
  const refuse = (what: string, cause?: unknown) =>
    new WhereforeError('invalid-argument', `the numbers of input "${name}" ${what}`, {
      got: text.length > 60 ? `${text.slice(0, 60)}…` : text,
      expected: 'nested lists of equal length, e.g. [[1,2,3]]',
      cause,
    });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw refuse('cannot be read', cause);
  }
  const shape: number[] = [];
  for (let level: unknown = content; Array.isArray(level); level = level[0]) shape.push(level.length);
  const values: number[] = [];
  const collect = (part: unknown, depth: number): void => {
    if (depth === shape.length ? typeof part !== 'number' : !Array.isArray(part) || part.length !== shape[depth]) {
      throw refuse('do not form a tensor');
    }
    if (Array.isArray(part)) for (const inner of part) collect(inner, depth + 1);
    else values.push(part as number);
  };
  collect(content, 0);
  return model.types.get(name) === 'int64' && values.every(Number.isInteger)
    ? int64(shape, values)
    : { type: 'float32', shape, data: Float32Array.from(values) };
}

/** Whether a source is numbers without the name of an input: `[[1,2]]`. A text may well begin with a bracket. */
export const isBare = (source: string) => /^\s*\[[\s[\]\d.,eE+-]*\d[\s[\]\d.,eE+-]*\]\s*$/.test(source);

/** Whether a source names an input, or is numbers: `name=x.npy`, `name=[[1,2]]`, `name=1,2`, `name=3`, `[[1,2]]`. */
export function isNamed(source: string): boolean {
  const [, value] = /^[^=/\\]+=(.*)$/s.exec(source) ?? [];
  return (
    isBare(source) ||
    (value !== undefined && (/^\s*(\[.*|-?[\d.]+|.*\.(npy|npz|safetensors))$/is.test(value) || numberRow.test(value)))
  );
}

const number = String.raw`[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?`;
const numberRow = new RegExp(`^\\s*${number}(?:\\s*,\\s*${number})+\\s*$`, 'i');

/** Numbers as people write a row of them, `5.1, 3.5, -2e-3`, as a list; undefined for anything else. */
export function bareRow(source: string): string | undefined {
  return numberRow.test(source) ? JSON.stringify(source.split(',').map(Number)) : undefined;
}
