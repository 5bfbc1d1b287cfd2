import { WhereforeError } from '../../errors.ts';
import { requiredInputs } from '../../onnx/graph.ts';
import { concatRows, formatShape, type Tensor, tensor } from '../../tensor/tensor.ts';
import { describedImage, preprocessImage } from '../inputs/image-input.ts';
import { tableTensor } from '../inputs/table-input.ts';
import { asTaken, tensorInput } from '../inputs/tensor-input.ts';
import { textInputs } from '../inputs/text-input.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { Preprocessing, TableInput } from '../model/preprocessing.ts';
import type { Contents } from './contents.ts';

type Inputs = Readonly<Record<string, Tensor>>;

/** How contents become inputs. */
export interface Prepared {
  inputs(indices: Uint32Array): Promise<Inputs>;
  /** All that it depends on besides the contents. */
  readonly recipe: string;
}

export interface PrepareOptions {
  readonly preprocessing?: Preprocessing;
  readonly model?: LoadedModel;
  readonly where: string;
  describe(index: number): string;
}

/**
 * Inputs out of contents: as the preprocessing says, else as they are — images H×W×3 under `image`, texts under `text`,
 * each column of a table as n×1 (numbers float64, others strings), arrays under their names.
 */
export function prepare(contents: Contents, options: PrepareOptions): Prepared {
  const { preprocessing, model, where } = options;
  const make: (indices: Uint32Array) => Promise<Inputs> = (preparers[contents.kind] as Prepare)(contents, options);
  const taken = async (indices: Uint32Array): Promise<Inputs> => {
    const inputs = await make(indices);
    return model ? Object.fromEntries(asTaken(model, new Map(Object.entries(inputs)), where)) : inputs;
  };
  const recipe = { kind: contents.kind, inputs: preprocessing?.inputs, model: model?.hash };
  return { inputs: taken, recipe: JSON.stringify(recipe) };
}

type Prepare = (contents: Contents, options: PrepareOptions) => (indices: Uint32Array) => Promise<Inputs>;
type Of<Kind> = Extract<Contents, { readonly kind: Kind }>;

const preparers: {
  readonly [Kind in Contents['kind']]: (
    contents: Of<Kind>,
    options: PrepareOptions,
  ) => (indices: Uint32Array) => Promise<Inputs>;
} = { image: images, text: texts, table: columns, tensor: arrays };

function images({ images: rows, array }: Of<'image'>, { preprocessing, model, where, describe }: PrepareOptions) {
  const taken = model && requiredInputs(model.graph);
  if (array && taken?.length === 1 && taken[0].type === array.type)
    return async (indices: Uint32Array) => ({ [taken[0].name]: await array.read(indices) });
  const isDescribed = Object.values(preprocessing?.inputs ?? {}).some(({ kind }) => kind === 'image');
  // A model that does not say what it does with an image is an error there.
  if (preprocessing && (isDescribed || model)) {
    const { name, preprocessing: input } = describedImage(preprocessing, where);
    return async (indices: Uint32Array) => {
      const made: Tensor<'float32'>[] = [];
      // One after the other: the images of a large batch need not all be in memory.
      for (let i = 0; i < indices.length; i += atOnce) {
        for (const pixels of await rows.read(indices.subarray(i, i + atOnce), input.background))
          made.push((await preprocessImage(pixels, input)).tensor);
      }
      return { [name]: concatRows(made) };
    };
  }
  if (array) return async (indices: Uint32Array) => ({ image: await array.read(indices) });
  return async (indices: Uint32Array) => ({ image: stacked(await rows.read(indices), indices, describe) });
}

const atOnce = 16;

/** Images of one size as a batch. @throws WhereforeError `wrong-shape` where they differ */
function stacked(found: readonly Tensor[], indices: Uint32Array, describe: (index: number) => string): Tensor {
  const [first] = found;
  const other = found.findIndex(({ shape }) => shape.some((size, axis) => size !== first.shape[axis]));
  if (other >= 0) {
    throw new WhereforeError('wrong-shape', 'images of different sizes cannot be read together', {
      where: describe(indices[other]),
      got: formatShape(found[other].shape),
      expected: `${formatShape(first.shape)}, as ${describe(indices[0])}`,
      fix: 'say how they become inputs of one size (preprocessing: inputs: image: { kind: image, size: […] })',
    });
  }
  return concatRows(found.map(({ type, shape, data }) => tensor(type, [1, ...shape], data)));
}

function texts({ texts: read }: Of<'text'>, { preprocessing, model, describe }: PrepareOptions) {
  if (!model || !preprocessing) {
    return async (indices: Uint32Array) => ({ text: tensor('string', [indices.length], await read(indices)) });
  }
  return async (indices: Uint32Array) => {
    const found = new Map<string, Tensor[]>();
    for (const [i, text] of (await read(indices)).entries()) {
      const source = describe(indices[i]);
      const complete = (tensors: ReadonlyMap<string, Tensor>) =>
        tensorInput(model, tensors, source, undefined, preprocessing);
      const [part, ...more] = await textInputs(model, text, source, preprocessing, complete);
      if (more.length > 0) {
        throw new WhereforeError('out-of-range', 'a text that is read in several windows is no single row', {
          where: source,
          got: `${more.length + 1} windows`,
          fix: 'leave out the overlap, so that it is cut',
        });
      }
      for (const [name, one] of part.tensors) found.set(name, [...(found.get(name) ?? []), one]);
    }
    return Object.fromEntries([...found].map(([name, parts]) => [name, joinedTexts(parts, indices, describe)]));
  };
}

function joinedTexts(parts: readonly Tensor[], indices: Uint32Array, describe: (index: number) => string): Tensor {
  const other = parts.findIndex(({ shape }) => shape[1] !== parts[0].shape[1]);
  if (other < 0) return concatRows(parts);
  const longest = parts.reduce((most, { shape }) => Math.max(most, shape[1]), 0);
  throw new WhereforeError('wrong-shape', 'texts of different lengths cannot be read together', {
    where: describe(indices[other]),
    got: `${parts[other].shape[1]} tokens`,
    expected: `${parts[0].shape[1]}, as ${describe(indices[0])}`,
    fix: `state one length for all in wherefore.yaml (inputs: input_ids: { kind: text, length: ${longest} }): shorter texts are filled up to it, longer ones cut; the longest of these ${parts.length} has ${longest} tokens. Name a mask among the inputs where the model takes one; or read the texts one at a time`,
  });
}

function columns({ table, features }: Of<'table'>, { preprocessing, where }: PrepareOptions) {
  const described = Object.entries(preprocessing?.inputs ?? {}).filter(
    (pair): pair is [string, TableInput] => pair[1].kind === 'table',
  );
  if (described.length > 1) {
    throw new WhereforeError('invalid-argument', 'rows of one table for several inputs of tables', {
      where,
      got: described.map(([name]) => name).join(', '),
    });
  }
  const [first] = described;
  if (first) {
    const [name, input] = first;
    return async (indices: Uint32Array) => ({ [name]: tableTensor(await table.read(features, indices), input) });
  }
  return async (indices: Uint32Array) => {
    const found = (await table.read(features, indices)).columns;
    const shape = [indices.length, 1];
    return Object.fromEntries(
      found.map((column) => [
        column.name,
        column.kind === 'number'
          ? tensor('float64', shape, column.values as Float64Array<ArrayBuffer>)
          : tensor('string', shape, filled(column.values)),
      ]),
    );
  };
}

/** Texts, with an empty one where a value is missing. */
function filled(values: readonly (string | undefined)[]): string[] {
  const texts = new Array<string>(values.length);
  for (let i = 0; i < texts.length; i++) texts[i] = values[i] ?? '';
  return texts;
}

function arrays({ arrays: rows }: Of<'tensor'>, { model, where }: PrepareOptions) {
  const named = model ? forModel([...rows], model, where) : [...rows];
  return async (indices: Uint32Array) => {
    const found: [string, Tensor][] = [];
    for (const [name, array] of named) found.push([name, await array.read(indices)]);
    return Object.fromEntries(found);
  };
}

/** Arrays under the names of inputs; a single one goes to the only input. */
function forModel<T extends { readonly shape: readonly number[] }>(
  rows: readonly (readonly [string, T])[],
  model: LoadedModel,
  where: string,
): (readonly [string, T])[] {
  const inputs = requiredInputs(model.graph).map(({ name }) => name);
  if (inputs.length === 1 && rows.length === 1) return [[inputs[0], rows[0][1]]];
  const known = rows.filter(([name]) => inputs.includes(name));
  if (known.length === inputs.length) return known;
  throw new WhereforeError('invalid-data', 'the arrays are not the inputs of the model', {
    where,
    got: rows.map(([name, { shape }]) => `"${name}" ${formatShape(shape)}`).join(', '),
    expected: inputs.map((name) => `"${name}"`).join(', '),
  });
}
