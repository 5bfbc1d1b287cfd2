import { z } from 'zod';
import { WhereforeError } from '../../errors.ts';
import { float32, formatShape, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { gradientAtInput } from './gradient.ts';
import { type Method, type MethodContext, type MethodResult, sumOf } from './method.ts';

/**
 * A map over space from features and gradients of one convolutional layer.
 * @param combine fills `map` (one number a position) from `features` and `gradients`, both [channel][position]
 */
async function overSpace(
  context: MethodContext,
  combine: (map: Float64Array, features: Float32Array, gradients: Float64Array, channels: number, positions: number) => void,
): Promise<MethodResult> {
  const [name, ...others] = context.layer;
  const feature = context.features.get(name) as Tensor<'float32'>;
  if (others.length || feature.shape.length < 3) {
    throw new WhereforeError('wrong-shape', 'this method needs one convolutional layer', {
      where: `layer ${context.layer.map((value) => `"${value}"`).join(' + ')}`,
      got: formatShape(feature.shape),
      expected: 'batch × channels × rows × columns',
      fix: 'choose the output of a convolution, or --method integrated-gradients, which works at any layer',
    });
  }
  const [, channels, ...space] = feature.shape;
  const { sums, notes } = await gradientAtInput(context);
  const map = new Float64Array(sizeOf(space));
  combine(map, feature.data, sums.get(name) as Float64Array, channels, map.length);
  for (let i = 0; i < map.length; i++) map[i] = Math.max(0, map[i]);
  const values = new Map([[name, float32([1, 1, ...space], Float32Array.from(map))]]);
  return { values, sum: sumOf([map]), gradientNotes: notes };
}

const shared = {
  needs: 'gradient',
  layers: 'spatial',
  baseline: 'unused',
  implicitBaseline: 'a zero feature, to first order',
  parameters: z.strictObject({}),
  cost: () => ({ forward: 1, backward: 1 }),
} as const;

/** One weight a channel (its mean gradient); what speaks against the target is cut off. */
export const gradCam: Method<Record<string, never>> = {
  ...shared,
  title: 'Grad-CAM',
  source: 'Selvaraju et al. 2017, arXiv 1610.02391',
  formula: 'A = ReLU(Σ_c mean_ij(∂f/∂F_c) · F_c)',
  run: (context) =>
    overSpace(context, (map, features, gradients, channels, positions) => {
      for (let c = 0; c < channels; c++) {
        let weight = 0;
        for (let p = 0; p < positions; p++) weight += gradients[c * positions + p];
        weight /= positions;
        for (let p = 0; p < positions; p++) map[p] += weight * features[c * positions + p];
      }
    }),
};

/** One weight an element, positive gradients only. */
export const layerCam: Method<Record<string, never>> = {
  ...shared,
  title: 'LayerCAM',
  source: 'Jiang et al. 2021, IEEE Transactions on Image Processing 30',
  formula: 'A = ReLU(Σ_c ReLU(∂f/∂F_c) ⊙ F_c)',
  run: (context) =>
    overSpace(context, (map, features, gradients, channels, positions) => {
      for (let c = 0; c < channels; c++) {
        for (let p = 0; p < positions; p++) {
          map[p] += Math.max(0, gradients[c * positions + p]) * features[c * positions + p];
        }
      }
    }),
};
