import * as z from 'zod/mini';
import { WhereforeError } from '../../errors.ts';
import { float32, formatShape, type Tensor } from '../../tensor/tensor.ts';
import type { Target } from '../targets/kinds/index.ts';
import { type Method, sumOf } from './method.ts';

const parameters = z.strictObject({
  explainer: z
    .string({ error: 'the path of an explainer.onnx is needed; `wherefore adapt` makes one' })
    .check(z.describe('Path of the explainer.onnx that `wherefore adapt` wrote for this model')),
});

/** The mask of a learned explainer: what of the image suffices for a class, and is needed for it. */
export const lax: Method<z.infer<typeof parameters>> = {
  title: 'LAX (learned explainer)',
  source: 'Learning Quantifiable Visual Explanations Without Ground-Truth, arXiv 2605.18681',
  formula: 'A = m_θ(features of x, class), trained so that m·x suffices, (1 − m)·x does not, and m is small',
  needs: 'outputs',
  layers: 'input',
  meaning: { kind: 'mask', what: 'a learned mask' },
  baseline: 'unused',
  implicitBaseline: { kind: 'trained', text: 'the references that the explainer was trained with' },
  completeness: 'none',
  zeroDifference: false,
  parameters,
  files: ['explainer'],
  // What a default explainer takes; the file says how many gradients it computes.
  cost: () => ({ forward: 2, backward: 1 }),
  async run({ prepared, target, layer, inputs, loadExplainer }, { explainer: path }) {
    if (!loadExplainer) {
      throw new WhereforeError('invalid-argument', 'lax needs a way to open its explainer', {
        fix: 'give `loadExplainer` with the request; `explain` and the command have one of their own',
      });
    }
    const explainer = await loadExplainer(path, prepared.model);
    const { facts } = explainer;
    const [name, ...others] = layer;
    if (name !== facts.input || others.length) {
      throw new WhereforeError('invalid-argument', 'the explainer explains another input', {
        got: layer.join(' + '),
        expected: `"${facts.input}"`,
      });
    }
    const label = classOf(target);
    const mask = await explainer.masks(inputs.get(name) as Tensor, [label]);
    const { height, width, threshold, gradients } = facts;
    prepared.passes.forward += 1 + gradients.points.length;
    prepared.passes.backward += gradients.points.length;
    const shape = facts.channelAxis === 1 ? [1, 1, height, width] : [1, height, width, 1];
    const above = mask.data.reduce((count, value) => count + (value >= threshold ? 1 : 0), 0);
    return {
      values: new Map([[name, float32(shape, mask.data)]]),
      sum: sumOf([mask.data]),
      chosen: { class: label, threshold, area: above / mask.data.length, size: formatShape([height, width]) },
    };
  },
};

function classOf(target: Target): number {
  if (target.kind === 'classLogit' || target.kind === 'classProbability' || target.kind === 'classLogProbability')
    return target.class;
  throw new WhereforeError('invalid-argument', 'a learned explainer explains classes', {
    got: target.kind,
    fix: 'name a class as the target',
  });
}
