import * as z from 'zod/mini';
import { WhereforeError } from '../../errors.ts';
import { float32, formatShape, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { timesDifference } from './difference.ts';
import { gradientAtInput } from './gradient.ts';
import { type Method, type MethodContext, type MethodResult, onlyReference, sumOf } from './method.ts';

/** One convolutional layer: features (and what belongs to them) as [channel][position]. */
export interface SpatialLayer {
  readonly name: string;
  readonly features: Float32Array;
  readonly channels: number;
  readonly space: readonly number[];
  readonly positions: number;
}

/** @throws WhereforeError `wrong-shape` when the layer is not one value of shape [1, channel, …space] */
export function spatialLayer(context: MethodContext): SpatialLayer {
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
  return { name, features: feature.data, channels, space, positions: sizeOf(space) };
}

/** A result of one number a position, shape [1, 1, …space]. */
export function mapResult({ name, space }: SpatialLayer, map: Float64Array): Pick<MethodResult, 'values' | 'sum'> {
  return { values: new Map([[name, float32([1, 1, ...space], map)]]), sum: sumOf([map]) };
}

/** Parameters of methods whose authors cut their map off at 0. */
export const signedParameters = z.strictObject({
  signed: z
    ._default(z.boolean(), false)
    .check(z.describe('Keeps negative attribution instead of cutting it off at 0 as the authors of the method do')),
});

export type SignedParameters = z.infer<typeof signedParameters>;

/** Fills `map` (one number a position) from features and gradients, both [channel][position]. */
type Combine = (map: Float64Array, gradients: Float64Array, layer: SpatialLayer) => void;

function overSpace(combine: Combine): Method<SignedParameters>['run'] {
  return async (context, { signed }) => {
    const layer = spatialLayer(context);
    const { sums, notes } = await gradientAtInput(context);
    const map = new Float64Array(layer.positions);
    combine(map, sums.get(layer.name) as Float64Array, layer);
    if (!signed) for (let i = 0; i < map.length; i++) map[i] = Math.max(0, map[i]);
    return { ...mapResult(layer, map), gradientNotes: notes };
  };
}

const shared = {
  needs: 'gradient',
  layers: 'spatial',
  baseline: 'unused',
  implicitBaseline: { kind: 'zero-feature', text: 'a zero feature, to first order' },
  completeness: 'none',
  zeroDifference: false,
  parameters: signedParameters as z.core.$ZodType<SignedParameters>,
  gradientAtInput: () => undefined,
  cost: () => ({ forward: 0, backward: 1 }),
} as const;

/** `map += Σ_c weight_c · F_c` */
function addWeighted(
  map: Float64Array,
  { features, channels, positions }: SpatialLayer,
  weightOf: (channel: number) => number,
): void {
  for (let c = 0; c < channels; c++) {
    const weight = weightOf(c);
    for (let p = 0; p < positions; p++) map[p] += weight * features[c * positions + p];
  }
}

/** One weight a channel (its mean gradient); negative attribution is cut off. */
export const gradCam: Method<SignedParameters> = {
  ...shared,
  title: 'Grad-CAM',
  meaning: { kind: 'score', what: 'a weighted sum of feature maps' },
  source: 'Selvaraju et al. 2017, arXiv 1610.02391',
  formula: 'A = ReLU(Σ_c mean_ij(∂f/∂F_c) · F_c)',
  run: overSpace((map, gradients, layer) =>
    addWeighted(map, layer, (c) => {
      let weight = 0;
      for (let p = 0; p < layer.positions; p++) weight += gradients[c * layer.positions + p];
      return weight / layer.positions;
    }),
  ),
};

/** Weights by the third-order expansion of exp(f): positions with a positive gradient count, each as much as it bends. */
export const gradCamPlusPlus: Method<SignedParameters> = {
  ...shared,
  title: 'Grad-CAM++',
  meaning: { kind: 'score', what: 'a weighted sum of feature maps' },
  source: 'Chattopadhay et al. 2018, arXiv 1710.11063',
  formula: 'A = ReLU(Σ_c w_c F_c),  w_c = Σ_p α_p ReLU(g_p),  α_p = g_p² / (2 g_p² + Σ_q F_q g_p³),  g = ∂f/∂F_c',
  run: overSpace((map, gradients, layer) => {
    const { features, positions } = layer;
    addWeighted(map, layer, (c) => {
      let total = 0;
      for (let p = 0; p < positions; p++) total += features[c * positions + p];
      let weight = 0;
      for (let p = 0; p < positions; p++) {
        const g = gradients[c * positions + p];
        const denominator = 2 * g ** 2 + total * g ** 3;
        // g > 0 here, so the denominator is 0 only where features are negative: the authors take 1 there.
        if (g > 0) weight += (g ** 2 / (denominator === 0 ? 1 : denominator)) * g;
      }
      return weight;
    });
  }),
};

/** One weight an element, positive gradients only. */
export const layerCam: Method<SignedParameters> = {
  ...shared,
  title: 'LayerCAM',
  meaning: { kind: 'score', what: 'a sum of what is positive' },
  source: 'Jiang et al. 2021, IEEE Transactions on Image Processing 30',
  formula: 'A = ReLU(Σ_c ReLU(∂f/∂F_c) ⊙ F_c)',
  run: overSpace((map, gradients, { features, channels, positions }) => {
    for (let i = 0; i < channels * positions; i++) map[i % positions] += Math.max(0, gradients[i]) * features[i];
  }),
};

/** One weight an element, both signs: made for one detection among several. */
export const odam: Method<SignedParameters> = {
  ...shared,
  title: 'ODAM',
  meaning: { kind: 'score', what: 'a share cut off at 0' },
  source:
    'Zhao, Chan 2023, "ODAM: Gradient-based Instance-Specific Visual Explanations for Object Detection", arXiv 2304.06354',
  formula: 'A = ReLU(Σ_c ∂f/∂F_c ⊙ F_c), without the final scaling to [0, 1]',
  run: overSpace((map, gradients, { features, channels, positions }) => {
    for (let i = 0; i < channels * positions; i++) map[i % positions] += gradients[i] * features[i];
  }),
};

/** The first-order difference to the stated baseline, summed over channels; signs stay. */
export const differenceMap: Method<Record<string, never>> = {
  title: 'Difference Map (reconstruction)',
  source:
    'after arXiv 2605.22417; the published formula was not available, so this is a reconstruction from its principles',
  formula: 'A = Σ_c ∂f/∂F_c ⊙ (F_c − φ(x0)_c)',
  needs: 'gradient',
  layers: 'spatial',
  baseline: 'required',
  implicitBaseline: undefined,
  meaning: { kind: 'share', what: 'a share of the difference' },
  completeness: 'none',
  zeroDifference: true,
  parameters: z.strictObject({}),
  gradientAtInput: () => undefined,
  cost: () => ({ forward: 0, backward: 1 }),
  async run(context) {
    const layer = spatialLayer(context);
    const { sums, notes } = await gradientAtInput(context);
    const gradients = sums.get(layer.name) as Float64Array;
    const absent = onlyReference(context).features.get(layer.name)?.data as Float32Array;
    const map = new Float64Array(layer.positions);
    for (let i = 0; i < gradients.length; i++)
      map[i % layer.positions] += timesDifference(gradients[i], layer.features[i] - absent[i]);
    return { ...mapResult(layer, map), gradientNotes: notes };
  },
};
