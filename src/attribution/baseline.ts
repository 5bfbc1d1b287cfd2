import { WhereforeError } from '../errors.ts';
import { convert, toNumbers } from '../tensor/convert.ts';
import { formatShape, int64, rows, sameShape, sizeOf, type Tensor, tensor as tensorOf } from '../tensor/tensor.ts';
import { sameNumbers, wholeNumbers } from '../tensor/whole-numbers.ts';
import { blurred, noiseLike, perGroupMean } from './baseline-values.ts';

/** What "absent" means: the input against which the output is explained. Always stated, never defaulted. */
export type Baseline =
  | InputBaseline
  /** A baseline of its own for each of several inputs, by input name; the inputs that it does not name stay as they are. */
  | { readonly kind: 'each'; readonly baselines: ReadonlyMap<string, InputBaseline> };

/** What "absent" means for one input, or in the same words for every explained input. */
export type InputBaseline =
  /** Zeros in the model's input space (for an image: whatever colour preprocessing maps to zero). */
  | { readonly kind: 'zero' }
  /** One number everywhere, in the model's input space. */
  | { readonly kind: 'constant'; readonly value: number }
  /** The input's own mean, channel by channel where it is an image. */
  | { readonly kind: 'mean' }
  /** The input blurred by a Gaussian of `sigma` pixels; its details are absent, its colours are not. */
  | { readonly kind: 'blur'; readonly sigma: number }
  /** Normal noise with the input's own mean and standard deviation; attributions are against the mean of the draws. Default 1. */
  | { readonly kind: 'noise'; readonly seed: number; readonly draws?: number }
  /** Every token replaced by one: padding, mask or unknown. */
  | {
      readonly kind: 'tokens';
      readonly id: number;
      /** How the tokenizer writes it. */
      readonly token?: string;
      /** Ids that stay as they are, such as the special tokens of a text. Default none. */
      readonly keep?: readonly number[];
    }
  /** A given input; `description` says what it is ("black image", "the mean of the training data"). */
  | GivenBaseline
  /** Several inputs, one a row, by input name: rows of a data set. Attributions are against their mean output. */
  | { readonly kind: 'sample'; readonly tensors: ReadonlyMap<string, Tensor>; readonly description: string };

/** A given input: one tensor where one input is explained, else a tensor for each by input name. */
export interface GivenBaseline {
  readonly kind: 'input';
  readonly description: string;
  /** For the only explained input. */
  readonly tensor?: Tensor;
  /** By input name; these are the explained inputs. Either this or `tensor`. */
  readonly tensors?: ReadonlyMap<string, Tensor>;
}

/** How an input's axes are to be read. */
export interface InputLayout {
  /** Axis of the channels, where the input is an image. */
  readonly channelAxis?: number;
  /** Axes of space (rows and columns), where it has them. */
  readonly spatialAxes?: readonly number[];
}

/** An explained input that a baseline stands for. */
interface Explained {
  readonly name: string;
  readonly input: Tensor;
  readonly layout: InputLayout;
  /** Whether it is the only one. */
  readonly alone: boolean;
  /** Whether it may lack values, because the model says what becomes of them. */
  readonly mayMiss: boolean;
}

/** Every baseline of one input, one after the other. */
type Resolve<K extends InputBaseline['kind']> = (
  explained: Explained,
  baseline: Extract<InputBaseline, { kind: K }>,
) => Tensor[];

const resolvers: { readonly [K in InputBaseline['kind']]: Resolve<K> } = {
  zero: (at, { kind }) => [numbersLike(at, kind, tensorOf('float32', at.input.shape))],
  constant: (at, { kind, value }) => {
    const values = new Float32Array(sizeOf(at.input.shape)).fill(value);
    return [numbersLike(at, kind, tensorOf('float32', at.input.shape, values))];
  },
  mean: (at, { kind }) => [numbersLike(at, kind, perGroupMean(at.input, at.layout))],
  blur: (at, { kind, sigma }) => [numbersLike(at, kind, blurred(at.input, sigma, at.layout))],
  noise: (at, { kind, seed, draws = 1 }) => {
    if (!Number.isInteger(draws) || draws < 1) {
      throw new WhereforeError('out-of-range', 'the draws of noise', {
        got: String(draws),
        expected: 'a positive integer',
      });
    }
    return Array.from({ length: draws }, (_, draw) => numbersLike(at, kind, noiseLike(at.input, seed, draw)));
  },
  tokens: ({ input, name }, { id, keep = [] }) => {
    if (input.type !== 'int64' && input.type !== 'int32') {
      throw new WhereforeError('wrong-type', 'a token baseline needs an input of token ids', {
        where: `input "${name}"`,
        got: input.type,
        expected: 'int64 or int32',
      });
    }
    if (!Number.isSafeInteger(id) || id < 0) {
      throw new WhereforeError('out-of-range', 'the token of the baseline', {
        got: String(id),
        expected: 'a whole number from 0 up',
      });
    }
    const kept = new Set(keep);
    const ids = toNumbers(input).map((token) => (kept.has(token) ? token : id));
    return [input.type === 'int64' ? int64(input.shape, ids) : tensorOf('int32', input.shape, Int32Array.from(ids))];
  },
  input: (at, baseline) => [givenFor(at, baseline)],
  sample: ({ name, input }, { tensors }) => {
    const sample = inTypeOf(input, tensors.get(name));
    const height = input.shape[0] ?? 1;
    const fits = sample?.type === input.type && sameShape(sample.shape.slice(1), input.shape.slice(1));
    if (!sample || !fits || sample.shape[0] === 0 || sample.shape[0] % height !== 0) {
      throw new WhereforeError('wrong-shape', `the sample of baselines for "${name}"`, {
        got: sample ? `${sample.type} ${formatShape(sample.shape)}` : 'none',
        expected: `${input.type} n×${formatShape(input.shape.slice(1))}, n at least ${height}`,
      });
    }
    return Array.from({ length: sample.shape[0] / height }, (_, k) => rows(sample, k * height, (k + 1) * height));
  },
};

/** The same numbers in the type of an input, where it has them; anything else as it is. */
function inTypeOf({ type }: Tensor, given: Tensor | undefined): Tensor | undefined {
  return given && (sameNumbers(given, type) ?? given);
}

/** The tensor that is given for one input. */
function givenFor({ name, input, alone }: Explained, { tensor, tensors }: GivenBaseline): Tensor {
  if (tensor && !alone) {
    throw new WhereforeError('invalid-argument', 'the baseline is one tensor, but several inputs are explained', {
      where: `input "${name}"`,
      got: `${tensor.type} ${formatShape(tensor.shape)}`,
      expected: 'a tensor for each explained input, by its name',
      fix: "give { kind: 'input', tensors: new Map([[name, tensor], …]) }, or a file with all of them",
    });
  }
  const given = inTypeOf(input, tensor ?? tensors?.get(name));
  if (!given || !sameShape(given.shape, input.shape) || given.type !== input.type) {
    throw new WhereforeError('wrong-shape', `the baseline does not fit the input "${name}"`, {
      got: given ? `${given.type} ${formatShape(given.shape)}` : 'no tensor of that name',
      expected: `${input.type} ${formatShape(input.shape)}`,
    });
  }
  return given;
}

/** Numbers in the element type of an input. */
function numbersLike({ name, input }: Explained, kind: string, values: Tensor<'float32'>): Tensor {
  if (input.type === 'float32') return values;
  if (input.type === 'float64') return convert(values, 'float64');
  const range = wholeNumbers[input.type];
  if (!range) {
    throw new WhereforeError('wrong-type', `a ${kind} baseline needs an input of numbers`, {
      where: `input "${name}"`,
      got: input.type,
      fix: 'give the baseline as a tensor of the same type, or as a sample',
    });
  }
  checkFinite(values, `input "${name}"`);
  const whole = values.data.map(Math.round);
  const beyond = whole.findIndex((value) => value < range[0] || value > range[1]);
  if (beyond >= 0) {
    throw new WhereforeError('out-of-range', `the ${kind} baseline does not fit the type of input "${name}"`, {
      got: String(whole[beyond]),
      expected: `${range[0]} to ${range[1]} (${input.type})`,
    });
  }
  return convert(tensorOf('float32', input.shape, whole), input.type);
}

/** A layout where it can be that of an input with so many axes. */
export function layoutFor(layout: InputLayout, rank: number): InputLayout {
  const axes = [layout.channelAxis ?? 0, ...(layout.spatialAxes ?? [])];
  return axes.every((axis) => axis < rank) ? layout : {};
}

/**
 * Every baseline input `x0` for an input `x`: one, each row of a sample, or each draw of noise. Where several inputs have
 * samples of their own, row k of one belongs to row k of the others; a single baseline stands beside every row.
 * @param mayMiss whether a given baseline of an input may lack values (NaN); default: none may
 * @throws WhereforeError `wrong-type` for a baseline of numbers where an input has none and the other way round,
 *   `wrong-shape`, `not-finite`, `out-of-range`; `unknown-name` for an explained input that does not exist
 */
export function resolveBaselines(
  inputs: ReadonlyMap<string, Tensor>,
  explained: readonly string[],
  baseline: Baseline,
  layout: InputLayout = {},
  mayMiss: (name: string) => boolean = () => false,
): Map<string, Tensor>[] {
  const absent = explained.find((name) => !inputs.has(name));
  if (absent !== undefined || explained.length === 0) {
    throw new WhereforeError('unknown-name', `the baseline is for an input that the model does not have`, {
      got: absent === undefined ? 'none' : `"${absent}"`,
      expected: [...inputs.keys()].map((name) => `"${name}"`).join(', '),
    });
  }
  const lists = explained.map((name) => {
    const input = inputs.get(name) as Tensor;
    const own = baseline.kind === 'each' ? baseline.baselines.get(name) : baseline;
    if (!own) {
      throw new WhereforeError('unknown-name', `the baseline says nothing of the explained input "${name}"`, {
        got: baseline.kind === 'each' ? [...baseline.baselines.keys()].map((key) => `"${key}"`).join(', ') : undefined,
      });
    }
    const alone = explained.length === 1 || baseline.kind === 'each';
    const shared = layoutFor(layout, input.shape.length);
    return resolveOne({ name, input, layout: shared, alone, mayMiss: mayMiss(name) }, own);
  });
  let count = 1;
  for (const { length } of lists) count = Math.max(count, length);
  if (lists.some(({ length }) => length !== count && length !== 1)) {
    throw new WhereforeError('wrong-shape', 'the sample of baselines', {
      got: `${lists.map(({ length }) => length).join(', ')} rows`,
      expected: 'as many rows of every input, at least one',
    });
  }
  return Array.from({ length: count }, (_, k) => {
    const result = new Map(inputs);
    for (const [i, name] of explained.entries()) result.set(name, lists[i][lists[i].length === 1 ? 0 : k]);
    return result;
  });
}

function resolveOne(explained: Explained, baseline: InputBaseline): Tensor[] {
  const resolve = Object.hasOwn(resolvers, baseline.kind ?? '') ? resolvers[baseline.kind] : undefined;
  if (!resolve) {
    throw new WhereforeError('invalid-argument', 'there is no such kind of baseline', {
      got: JSON.stringify(baseline),
      expected: Object.keys(resolvers).join(', '),
      fix: "name its kind, e.g. { kind: 'zero' }",
    });
  }
  const found = (resolve as Resolve<InputBaseline['kind']>)(explained, baseline as never);
  const where = `input "${explained.name}"`;
  found.forEach((tensor, k) => {
    checkFinite(tensor, found.length > 1 ? `${where}, row ${k}` : where, explained.mayMiss);
  });
  return found;
}

/**
 * The only baseline input of a baseline that is one.
 * @throws WhereforeError as {@link resolveBaselines}; `invalid-argument` for a sample or several draws of noise
 */
export function resolveSingle(
  inputs: ReadonlyMap<string, Tensor>,
  explained: readonly string[],
  baseline: Baseline,
  layout: InputLayout = {},
): Map<string, Tensor> {
  const [first, ...others] = resolveBaselines(inputs, explained, baseline, layout);
  if (others.length === 0) return first;
  throw new WhereforeError('invalid-argument', `${describeBaseline(baseline)}: not one baseline but several`, {
    got: String(others.length + 1),
    fix: 'choose a single baseline here',
  });
}

/**
 * The baseline input `x0` for the only explained input `x`.
 * @throws WhereforeError as {@link resolveSingle}
 */
export function resolveBaseline(input: Tensor, baseline: Baseline, layout: InputLayout = {}): Tensor {
  return resolveSingle(new Map([['x', input]]), ['x'], baseline, layout).get('x') as Tensor;
}

function checkFinite({ type, data }: Tensor, where: string, mayMiss = false): void {
  if (type !== 'float32') return;
  const values = data as Float32Array;
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i]) || (mayMiss && Number.isNaN(values[i]))) continue;
    throw new WhereforeError('not-finite', 'the baseline holds a value that is not a finite number', {
      where,
      got: `${values[i]} at element ${i}`,
      fix: 'state a baseline of finite numbers',
    });
  }
}

/** A baseline in words, as it is printed and recorded. */
export function describeBaseline(baseline: Baseline): string {
  switch (baseline.kind) {
    case 'zero':
      return 'zero input';
    case 'constant':
      return `constant ${baseline.value}`;
    case 'mean':
      return 'mean of the input';
    case 'blur':
      return `input blurred with sigma ${baseline.sigma}`;
    case 'noise':
      return `noise, seed ${baseline.seed}${baseline.draws === undefined ? '' : `, ${baseline.draws} draws`}`;
    case 'tokens':
      return `every ${baseline.keep?.length ? 'ordinary ' : ''}token replaced by ${baseline.token ?? baseline.id}`;
    case 'input':
    case 'sample':
      return baseline.description;
    case 'each':
      return [...baseline.baselines].map(([name, own]) => `${name}: ${describeBaseline(own)}`).join('; ');
  }
}
