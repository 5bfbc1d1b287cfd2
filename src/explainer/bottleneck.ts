import type { GraphBuilder } from '../onnx/builder.ts';
import { float32 } from '../tensor/tensor.ts';
import type { Classifier } from './classifier.ts';
import type { PixelStatistics } from './references.ts';

/** `|m_i − m_{i−1}|` along an axis of a mask. */
export function slope(builder: GraphBuilder, mask: string, axis: number): string {
  const axes = builder.ints([axis]);
  const last = builder.ints([Number.MAX_SAFE_INTEGER]);
  const behind = builder.op('Slice', [mask, builder.ints([1]), last, axes]);
  const before = builder.op('Slice', [mask, builder.ints([0]), builder.ints([-1]), axes]);
  return builder.op('Abs', [builder.op('Sub', [behind, before])]);
}

/** A mask this near to 1 lets everything through; its price is then 1. */
const open = 1e-3;

/**
 * What passes the bottleneck `z = m·x + (1−m)·ε`, `ε ~ N(μ, σ²)` per channel: the mean over pixels and channels of
 * `KL(z | x ‖ ε) = ½((m·(x−μ)/σ)² + (1−m)² − 1) − log(1−m)` nats, as a share of the price of an open mask, `[N]`.
 */
export function information(
  builder: GraphBuilder,
  mask: string,
  { input, layout }: Classifier,
  { mean, deviation }: PixelStatistics,
): string {
  const { channels, height, width, channelAxis } = layout;
  const perChannel = (values: ArrayLike<number>) =>
    builder.constant(float32(channelAxis === 1 ? [1, channels, 1, 1] : [1, 1, 1, channels], Float32Array.from(values)));
  const centred = builder.op('Sub', [input, perChannel(mean)]);
  const standard = builder.op('Div', [centred, perChannel(deviation)]);
  const energy = builder.op('ReduceMean', [builder.op('Mul', [standard, standard]), builder.ints([channelAxis])]);
  const square = builder.op('Reshape', [energy, builder.ints([0, 1, height, width])]);
  const closed = builder.op('Sub', [builder.scalar(1 + open), mask]);
  const passed = builder.op('Mul', [builder.op('Mul', [mask, mask]), square]);
  const spread = builder.op('Sub', [builder.op('Mul', [closed, closed]), builder.scalar(1)]);
  const half = builder.op('Mul', [builder.scalar(0.5), builder.op('Add', [passed, spread])]);
  const nats = builder.op('Sub', [half, builder.op('Log', [closed])]);
  const mean_ = builder.op('ReduceMean', [builder.op('Flatten', [nats], { axis: 1 }), builder.ints([-1])], {
    keepdims: 0,
  });
  return builder.op('Mul', [mean_, builder.scalar(1 / -Math.log(open))]);
}
