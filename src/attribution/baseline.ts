import { WhereforeError } from '../errors.ts';
import { toFloat32 } from '../tensor/convert.ts';
import { random } from '../tensor/random.ts';
import { float32, formatShape, int64, rows, sameShape, sizeOf, type Tensor } from '../tensor/tensor.ts';

/** What "absent" means: the input against which the output is explained. Always stated, never defaulted. */
export type Baseline =
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
      /** Ids that stay as they are, such as the marks of a text's beginning and end. Default none. */
      readonly keep?: readonly number[];
    }
  /** A given input; `description` says what it is ("black picture", "the mean of the training data"). */
  | { readonly kind: 'input'; readonly tensor: Tensor; readonly description: string }
  /** Several inputs, one a row, by input name: rows of a data set. Attributions are against their mean output. */
  | { readonly kind: 'sample'; readonly tensors: ReadonlyMap<string, Tensor>; readonly description: string };

/** How an input's axes are to be read. */
export interface InputLayout {
  /** Axis of the channels, where the input is an image. */
  readonly channelAxis?: number;
  /** Axes of space (rows and columns), where it has them. */
  readonly spatialAxes?: readonly number[];
}

type Resolve<K extends Baseline['kind']> = (
  input: Tensor,
  baseline: Extract<Baseline, { kind: K }>,
  layout: InputLayout,
) => Tensor;

const resolvers: { readonly [K in Baseline['kind']]: Resolve<K> } = {
  zero: (input) => float32(input.shape, new Float32Array(sizeOf(input.shape))),
  constant: (input, { value }) => float32(input.shape, new Float32Array(sizeOf(input.shape)).fill(value)),
  mean: (input, _, layout) => perGroupMean(input, layout),
  blur: (input, { sigma }, layout) => blurred(input, sigma, layout),
  noise: (input, { seed, draws = 1 }) => {
    if (draws !== 1) throw several('noise drawn several times');
    return noiseLike(input, seed, 0);
  },
  tokens: (input, { id, keep = [] }) => {
    if (input.type !== 'int64') {
      throw new WhereforeError('wrong-type', 'a token baseline needs an input of token ids', {
        got: input.type,
        expected: 'int64',
      });
    }
    if (!Number.isSafeInteger(id) || id < 0) {
      throw new WhereforeError('out-of-range', 'the token of the baseline', {
        got: String(id),
        expected: 'a whole number from 0 up',
      });
    }
    const kept = new Set(keep.map(BigInt));
    return int64(
      input.shape,
      (input.data as BigInt64Array).map((token) => (kept.has(token) ? token : BigInt(id))),
    );
  },
  input: (input, { tensor }) => {
    if (!sameShape(tensor.shape, input.shape) || tensor.type !== input.type) {
      throw new WhereforeError('wrong-shape', 'the baseline does not fit the input', {
        got: `${tensor.type} ${formatShape(tensor.shape)}`,
        expected: `${input.type} ${formatShape(input.shape)}`,
      });
    }
    return tensor;
  },
  sample: () => {
    throw several('a sample of several inputs');
  },
};

function several(what: string): WhereforeError {
  return new WhereforeError('invalid-argument', `${what} is not one baseline`, {
    fix: 'choose a single baseline here',
  });
}

/** Normal noise with an input's mean and standard deviation; draw 0, 1, … of a seed are independent. */
function noiseLike(input: Tensor, seed: number, draw: number): Tensor {
  const values = toFloat32(input).data;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  const source = random(seed, draw);
  return float32(
    input.shape,
    Float32Array.from(values, () => mean + deviation * source.normal()),
  );
}

/**
 * Every baseline input `x0` for an input `x`: one, each row of a sample, or each draw of noise.
 * @throws WhereforeError as {@link resolveBaseline}; `unknown-name` when a sample lacks an explained input
 */
export function resolveBaselines(
  inputs: ReadonlyMap<string, Tensor>,
  explained: readonly string[],
  baseline: Baseline,
  layout: InputLayout = {},
): Map<string, Tensor>[] {
  if (!Object.hasOwn(resolvers, baseline.kind ?? '')) {
    throw new WhereforeError('invalid-argument', 'there is no such kind of baseline', {
      got: JSON.stringify(baseline),
      expected: Object.keys(resolvers).join(', '),
      fix: "name its kind, e.g. { kind: 'zero' }",
    });
  }
  const absent = explained.find((name) => !inputs.has(name));
  if (absent !== undefined || explained.length === 0) {
    throw new WhereforeError('unknown-name', `the baseline is for an input that the model does not have`, {
      got: absent === undefined ? 'none' : `"${absent}"`,
      expected: [...inputs.keys()].map((name) => `"${name}"`).join(', '),
    });
  }
  if (baseline.kind === 'noise' && baseline.draws !== undefined) {
    const { seed, draws } = baseline;
    if (!Number.isInteger(draws) || draws < 1) {
      throw new WhereforeError('out-of-range', 'the draws of noise', {
        got: String(draws),
        expected: 'a positive integer',
      });
    }
    return Array.from({ length: draws }, (_, draw) => {
      const result = new Map(inputs);
      for (const name of explained) result.set(name, noiseLike(inputs.get(name) as Tensor, seed, draw));
      return result;
    });
  }
  if (baseline.kind !== 'sample') {
    const result = new Map(inputs);
    for (const name of explained) result.set(name, resolveBaseline(inputs.get(name) as Tensor, baseline, layout));
    return [result];
  }
  const counts = explained.map((name) => sampleOf(baseline.tensors, name, inputs.get(name) as Tensor).shape[0]);
  if (counts.some((count) => count !== counts[0]) || counts[0] === 0) {
    throw new WhereforeError('wrong-shape', 'the sample of baselines', {
      got: `${counts.join(', ')} rows`,
      expected: 'as many rows of every input, at least one',
    });
  }
  for (const name of explained) checkFinite(baseline.tensors.get(name) as Tensor);
  return Array.from({ length: counts[0] }, (_, k) => {
    const result = new Map(inputs);
    for (const name of explained) result.set(name, rows(baseline.tensors.get(name) as Tensor, k, k + 1));
    return result;
  });
}

function sampleOf(tensors: ReadonlyMap<string, Tensor>, name: string, input: Tensor): Tensor {
  const sample = tensors.get(name);
  if (sample && sample.type === input.type && sameShape(sample.shape.slice(1), input.shape.slice(1))) return sample;
  throw new WhereforeError('wrong-shape', `the sample of baselines for "${name}"`, {
    got: sample ? `${sample.type} ${formatShape(sample.shape)}` : 'none',
    expected: `${input.type} n×${formatShape(input.shape.slice(1))}`,
  });
}

/**
 * The baseline input `x0` for an input `x`.
 * @throws WhereforeError `wrong-type` for a float baseline of an integer input and the other way round, `wrong-shape`,
 *   `not-finite`, `out-of-range` for a token that cannot be one
 */
export function resolveBaseline(input: Tensor, baseline: Baseline, layout: InputLayout = {}): Tensor {
  if (
    baseline.kind !== 'tokens' &&
    baseline.kind !== 'input' &&
    baseline.kind !== 'sample' &&
    input.type !== 'float32'
  ) {
    throw new WhereforeError('wrong-type', `a ${baseline.kind} baseline needs a float32 input`, {
      got: input.type,
      fix:
        input.type === 'int64' ? 'use a token baseline and explain a layer of floats, e.g. the embedding' : undefined,
    });
  }
  const result = (resolvers[baseline.kind] as Resolve<Baseline['kind']>)(input, baseline as never, layout);
  checkFinite(result);
  return result;
}

function checkFinite({ type, data }: Tensor): void {
  if (type !== 'float32') return;
  const values = data as Float32Array;
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new WhereforeError('not-finite', 'the baseline holds a value that is not a finite number', {
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
  }
}

function perGroupMean(input: Tensor, { channelAxis }: InputLayout): Tensor {
  const values = toFloat32(input).data;
  const result = new Float32Array(values.length);
  const channels = channelAxis === undefined ? 1 : input.shape[channelAxis];
  const inner = channelAxis === undefined ? 1 : sizeOf(input.shape.slice(channelAxis + 1));
  const channelOf = (i: number) => (channelAxis === undefined ? 0 : Math.floor(i / inner) % channels);
  const sums = new Float64Array(channels);
  const counts = new Float64Array(channels);
  values.forEach((value, i) => {
    sums[channelOf(i)] += value;
    counts[channelOf(i)]++;
  });
  for (let i = 0; i < result.length; i++) result[i] = sums[channelOf(i)] / counts[channelOf(i)];
  return float32(input.shape, result);
}

function blurred(input: Tensor, sigma: number, { spatialAxes }: InputLayout): Tensor {
  if (!(sigma > 0))
    throw new WhereforeError('out-of-range', 'sigma of the blur', {
      got: String(sigma),
      expected: 'a positive number',
    });
  if (!spatialAxes?.length || spatialAxes.some((axis) => axis < 0 || axis >= input.shape.length)) {
    throw new WhereforeError('invalid-argument', 'a blur needs an input with axes of space', {
      got: formatShape(input.shape),
      fix: 'choose another baseline, or say which axes are rows and columns',
    });
  }
  const radius = Math.ceil(3 * sigma);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
  );
  let values: Float64Array = Float64Array.from(toFloat32(input).data);
  for (const axis of spatialAxes) values = convolveAxis(values, input.shape, axis, kernel);
  return float32(input.shape, Float32Array.from(values));
}

/** Convolves along one axis; at the border the kernel is cut off and renormalised. */
function convolveAxis(
  values: Float64Array,
  shape: readonly number[],
  axis: number,
  kernel: Float64Array,
): Float64Array {
  const size = shape[axis];
  const inner = sizeOf(shape.slice(axis + 1));
  const radius = (kernel.length - 1) / 2;
  const result = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const position = Math.floor(i / inner) % size;
    let sum = 0;
    let weight = 0;
    for (let offset = Math.max(-radius, -position); offset <= Math.min(radius, size - 1 - position); offset++) {
      sum += kernel[offset + radius] * values[i + offset * inner];
      weight += kernel[offset + radius];
    }
    result[i] = sum / weight;
  }
  return result;
}
