import type { GraphBuilder } from '../onnx/builder.ts';
import { float32 } from '../tensor/tensor.ts';

/** Roundings to so fine a part are as good as none for masks, and stop the gradient. */
const fine = 2 ** 20;

/** Deviation of the standardised logits: how far around the threshold pixels are moved by the gradient. */
const spread = 2;

/**
 * `2·(ℓ − mean ℓ)/std ℓ` over each image `[N, 1, H, W]`: the order stays, and the slope of {@link bestPixels} no longer
 * depends on how decided the mask is. A decided mask would leave pixels near the threshold alone a gradient.
 */
export function standardised(builder: GraphBuilder, logits: string): string {
  const scale = builder.constant(float32([1], [spread]));
  return builder.op('InstanceNormalization', [logits, scale, builder.constant(float32([1], [0]))], {
    epsilon: { float: 1e-5 },
  });
}

/**
 * 1 for the pixels with the n largest values, 0 for the others, `[N, 1, H, W]`; the gradient is that of `σ(ℓ − ℓ_n)`
 * with ℓ_n, the largest value that is left out, held fixed (straight through, Bengio et al. 2013, arXiv 1308.3432).
 *
 * Soft pixels would not do: what many half-kept pixels let through, the same share of whole ones does not.
 * @param values ℓ `[N, 1, H, W]`
 * @param count n, int64 `[N, 1]`, below the number of pixels
 */
export function bestPixels(builder: GraphBuilder, values: string, count: string): string {
  const op = (name: string, inputs: readonly string[], attributes = {}) => builder.op(name, inputs, attributes);
  const fixed = (value: string) =>
    op('Div', [op('Round', [op('Mul', [value, builder.scalar(fine)])]), builder.scalar(fine)]);
  const flat = fixed(op('Flatten', [values], { axis: 1 }));
  const pixels = op('Slice', [op('Shape', [flat]), builder.ints([1]), builder.ints([2])]);
  const [sorted] = builder.ops('TopK', [flat, pixels], { axis: -1 }, { outputs: 2 });
  const after = op('GatherElements', [sorted, count], { axis: 1 });
  const shape = builder.ints([-1, 1, 1, 1]);
  const difference = op('Sub', [values, op('Reshape', [after, shape])]);
  const soft = op('Sigmoid', [difference]);
  const isBest = op('Greater', [fixed(difference), builder.scalar(0)]);
  return op('Add', [soft, fixed(op('Sub', [op('Cast', [isBest], { to: 1 }), soft]))]);
}
