import { intAttribute } from '../../onnx/graph.ts';
import { fromNumbers } from '../../tensor/convert.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { type RuleTable, smooth } from './entry.ts';

// Complex numbers lie in pairs [..., 2]; a last axis of 1 (or none) holds reals.

/** One transform: Y_k = s·Σ_n X_n·e^{∓2πi·kn/N}, − forward, + and s = 1/N inverse. */
interface Transform {
  /** N. */
  readonly length: number;
  readonly inverse: boolean;
  /** How many k and n there are, and whether each is a pair (2) or a real (1). */
  readonly bins: number;
  readonly samples: number;
  readonly binParts: number;
  readonly sampleParts: number;
}

/**
 * The transform as a real matrix [bins·binParts, samples·sampleParts], in float64 before it is stored. The inverse of half
 * a spectrum to reals stands for the other half as well: every bin but the first, and the last of an even N, counts twice.
 */
function matrixOf({ length, inverse, bins, samples, binParts, sampleParts }: Transform): Float64Array {
  const width = samples * sampleParts;
  const matrix = new Float64Array(bins * binParts * width);
  const isHalf = inverse && binParts === 1;
  for (let k = 0; k < bins; k++) {
    for (let n = 0; n < Math.min(samples, length); n++) {
      const angle = (2 * Math.PI * ((k * n) % length)) / length;
      const scale = (inverse ? 1 / length : 1) * (isHalf && n > 0 && 2 * n !== length ? 2 : 1);
      const [c, s] = [scale * Math.cos(angle), scale * Math.sin(angle) * (inverse ? 1 : -1)];
      const at = k * binParts * width + n * sampleParts;
      matrix[at] = c;
      if (sampleParts === 2) matrix[at + 1] = -s;
      if (binParts === 2) matrix[at + width] = s;
      if (binParts === 2 && sampleParts === 2) matrix[at + width + 1] = c;
    }
  }
  return matrix;
}

/** From this many elements on the operator itself is used where it is exact; the matrix would be slower. */
const largestMatrix = 2 ** 16;

/** More elements than this (128 MiB) are not laid out. */
const mostElements = 2 ** 25;

const isPowerOfTwo = (value: number) => Number.isInteger(Math.log2(value));

/**
 * The adjoint of the transform: the gradient of the samples is Mᵀ times that of the bins. For a length that is a power of
 * two it is the transform in the other direction, N·DFT⁻¹ or DFT/N; for others the runtime adds up terms whose angles are
 * rounded (an error of 1e-4 at N = 1000), so that the matrix is both faster and more exact.
 */
const dft: VjpRule = (context, [g]) => {
  if (!g || !context.needs(0)) return [];
  const shape = context.inputShape(0);
  const small = context.outputShape();
  const inverse = intAttribute(context.node, 'inverse', 0) === 1;
  const hasParts = shape.length > 2;
  const rank = hasParts ? shape.length - 1 : shape.length;
  const named = context.numbers(2, 'axis')?.[0] ?? -2;
  const axis = named < 0 ? named + shape.length : named;
  const given = context.numbers(1, 'length')?.[0];
  const isHalf = inverse && intAttribute(context.node, 'onesided', 0) === 1;
  const transform: Transform = {
    length: given ?? (isHalf ? 2 * (shape[axis] - 1) : shape[axis]),
    inverse,
    bins: small[axis],
    samples: shape[axis],
    binParts: small[small.length - 1],
    sampleParts: hasParts ? shape[shape.length - 1] : 1,
  };
  const { length, bins, samples, binParts, sampleParts } = transform;
  const size = bins * binParts * samples * sampleParts;
  if (binParts === 2 && (size > mostElements || (isPowerOfTwo(length) && size > largestMatrix)))
    return [context.reshape(otherDirection(context, g, transform, axis), shape)];
  checkSize(context, size);

  // [..., bins, ..., parts] to [..., bins·parts], times the matrix, and back.
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis);
  const order = [...others, axis, rank];
  const sizes = others.map((i) => small[i]);
  const rows = context.reshape(context.transpose(g, order), [...sizes, bins * binParts]);
  const type = context.type(context.input(0));
  const matrix = context.constantTensor(
    fromNumbers(type, [bins * binParts, samples * sampleParts], matrixOf(transform)),
  );
  const product = context.reshape(context.op('MatMul', [rows, matrix]), [...sizes, samples, sampleParts]);
  const back = order.map((_, i) => order.indexOf(i));
  return [context.reshape(context.transpose(product, back), shape)];
};

function checkSize(context: RuleContext, size: number): void {
  if (size <= mostElements) return;
  throw context.refuse(
    'its transform is too long for a matrix',
    'transform shorter frames, or explain a layer behind this node',
  );
}

/** The adjoint by the operator itself; pairs of the other half of the bins are 0, samples beyond the length get none. */
function otherDirection(context: RuleContext, g: string, transform: Transform, axis: number): string {
  const { length, inverse, bins, samples, sampleParts } = transform;
  const rank = context.outputShape().length;
  const type = context.type(context.input(0));
  const resized = (value: string, along: number, from: number, to: number) => {
    if (from === to) return value;
    const pads = new Array<number>(2 * rank).fill(0);
    pads[rank + along] = to - from;
    return context.op('Pad', [value, context.ints(pads)]);
  };
  const full = resized(g, axis, bins, length);
  const turned = context.op('DFT', [full, '', context.builder.scalar(axis, 'int64')], { inverse: inverse ? 0 : 1 });
  const scaled = context.mul(turned, context.constantTensor(fromNumbers(type, [], [inverse ? 1 / length : length])));
  return resized(resized(scaled, axis, length, samples), rank - 1, 2, sampleParts);
}

/**
 * Every frame f of the signal, times the window w, is transformed: Y_{fk} = Σ_n x_{f·step+n}·w_n·e^{−2πi·kn/N}. The
 * gradient of the signal adds up those of its frames, which is a transposed convolution with the kernel w_n·e^{−2πi·kn/N}.
 */
const stft: VjpRule = (context, [g]) => {
  if (!g) return [];
  const shape = context.inputShape(0);
  const [batch, frames, bins] = context.outputShape();
  const step = (context.numbers(1, 'step between frames') as number[])[0];
  const hasWindow = context.hasInput(2);
  const length = hasWindow ? context.inputShape(2)[0] : (context.numbers(3, 'length of a frame') as number[])[0];
  if (shape.length > 2 && shape[2] !== 1)
    throw context.refuse(
      'ONNX Runtime does not compute the STFT of complex signals',
      'transform its two parts by themselves',
    );
  checkSize(context, 2 * bins * length);
  const type = context.type(context.input(0));
  const transform = { length, inverse: false, bins, samples: length, binParts: 2, sampleParts: 1 };
  const matrix = fromNumbers(type, [bins * 2, 1, length], matrixOf(transform));
  const kernel = context.constantTensor(matrix);
  const columns = context.transpose(context.reshape(g, [batch, frames, bins * 2]), [0, 2, 1]);
  const gradients: (string | undefined)[] = [];
  if (context.needs(0)) {
    const windowed = hasWindow ? context.mul(kernel, context.input(2)) : kernel;
    const added = context.op('ConvTranspose', [columns, windowed], { strides: [step] });
    const covered = (frames - 1) * step + length;
    const pads = context.ints([0, 0, 0, 0, 0, shape[1] - covered]);
    gradients[0] = context.reshape(context.op('Pad', [added, pads]), shape);
  }
  if (hasWindow && context.needs(2)) {
    // Σ over batch and frames of the frame's gradient times the frame.
    const flat = context.reshape(kernel, [bins * 2, length]);
    const ofFrames = context.op('MatMul', [context.transpose(columns, [0, 2, 1]), flat]);
    const positions = Array.from({ length: frames * length }, (_, i) => Math.floor(i / length) * step + (i % length));
    const picked = context.op('Gather', [context.input(0), context.ints(positions)], { axis: 1 });
    const products = context.mul(ofFrames, context.reshape(picked, [batch, frames, length]));
    gradients[2] = context.reduceSum(products, [0, 1], false);
  }
  return gradients;
};

/** Discrete Fourier transforms, of whole signals and of their frames. Linear, so that derivatives are exact. */
export const fourier = { DFT: smooth(dft), STFT: smooth(stft) } satisfies RuleTable;
