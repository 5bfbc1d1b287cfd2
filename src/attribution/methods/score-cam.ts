import type * as z from 'zod/mini';
import type { Tensor } from '../../tensor/tensor.ts';
import { mapResult, type SignedParameters, signedParameters, spatialLayer } from './class-activation.ts';
import { imageInput } from './mask-budget.ts';
import type { Masks } from './masks.ts';
import { type Method, onlyReference } from './method.ts';

/** Each channel weighs as much as the target gains when the image is shown only where that channel is active. */
export const scoreCam: Method<SignedParameters> = {
  title: 'Score-CAM',
  source: 'Wang et al. 2020, arXiv 1910.01279',
  formula:
    'A = ReLU(Σ_c w_c F_c),  w = softmax_c(f(x ⊙ M_c + x0 ⊙ (1 − M_c)) − f(x0)),  M_c = F_c enlarged to the image, scaled to [0, 1]',
  needs: 'features',
  layers: 'spatial',
  baseline: 'required',
  implicitBaseline: undefined,
  meaning: { kind: 'score', what: 'a mix of feature maps with weights that sum to 1' },
  completeness: 'none',
  zeroDifference: false,
  parameters: signedParameters as z.core.$ZodType<SignedParameters>,
  cost: (_, { channels }) => ({ forward: channels, backward: 0 }),
  check(_, conditions) {
    imageInput(conditions);
  },
  async run(context, { signed }) {
    const { maskedPoints, resizeBilinear, spatialMaskShape } = await import('./masks.ts');
    const layer = spatialLayer(context);
    const { features, channels, positions, space } = layer;
    const [height, width] = space;
    const { name, rows, columns, layout } = imageInput(context);
    const reference = onlyReference(context);
    const shape = spatialMaskShape((context.inputs.get(name) as Tensor).shape, layout);
    const masks: Masks = {
      count: channels,
      shape: () => shape,
      at: (c) =>
        scaledToOne(
          resizeBilinear(features.subarray(c * positions, (c + 1) * positions), height, width, rows, columns),
        ),
    };
    // The image is masked, so the reference's inputs stand for what is hidden.
    const hidden = { ...reference, features: reference.inputs };
    const { target } = await context.prepared.evaluate(maskedPoints(context.inputs, hidden, masks, [name]));
    const gains = target.map((value) => value - reference.value);
    const largest = gains.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const exponentials = gains.map((gain) => Math.exp(gain - largest));
    const total = exponentials.reduce((a, b) => a + b, 0);
    const map = new Float64Array(positions);
    for (let i = 0; i < channels * positions; i++)
      map[i % positions] += (exponentials[Math.floor(i / positions)] / total) * features[i];
    if (!signed) for (let i = 0; i < positions; i++) map[i] = Math.max(0, map[i]);
    return mapResult(layer, map);
  },
};

/** A channel from 0 at its smallest to 1 at its largest; 0 everywhere where it is constant. */
function scaledToOne(channel: Float32Array): Float32Array {
  const low = channel.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = channel.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return channel.map((value) => (high > low ? (value - low) / (high - low) : 0));
}
