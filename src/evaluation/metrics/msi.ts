import * as z from 'zod/mini';
import { memo, namedMemo } from '../../tensor/memo.ts';
import type { AttributionMap } from '../map.ts';
import { maskOf } from '../map.ts';
import {
  defaultAlphaMin,
  type MsiCurves,
  type MsiPreset,
  type MsiWeights,
  msiCurves,
  msiPresets,
  msiScore,
  msiSteps,
  thresholdsFrom,
} from '../msi.ts';
import { type Question, towardsInput } from '../question.ts';
import type { Metric } from './metric.ts';

const parameters = z.strictObject({
  /** Lowest mask value that counts as chosen: fixed, or tuned on a calibration split and shared by all methods. */
  alphaMin: z._default(z.number().check(z.minimum(0), z.lt(1)), defaultAlphaMin),
  /** Thresholds above α_min. */
  steps: z._default(z.int().check(z.minimum(1), z.maximum(1000)), msiSteps),
  /** Weights other than the preset's. */
  weights: z._default(
    z.partial(
      z.strictObject({
        separation: z.number(),
        insertion: z.number(),
        deletion: z.number(),
        penalty: z.number(),
      }),
    ),
    {},
  ),
});

export type MsiParameters = z.infer<typeof parameters>;

/** Both presets read the same curves of a map; several maps may be asked about at the same time. */
const known = memo((_: Question) => namedMemo<AttributionMap, Promise<MsiCurves>>());

/** The curves behind both presets, computed once for each map. */
export function curvesOf(question: Question, map: AttributionMap, alphaMin: number, steps: number): Promise<MsiCurves> {
  return known(question)(map, `${alphaMin}:${steps}`, () =>
    msiCurves(question, maskOf(towardsInput(question, map)), thresholdsFrom(alphaMin, steps)),
  );
}

function msiMetric(preset: MsiPreset): Metric<MsiParameters, 'higher'> {
  const { separation, insertion, deletion, penalty } = msiPresets[preset];
  return {
    title: `MSI (${preset})`,
    family: 'faithfulness',
    judgedBy: 'consensus',
    formula: `MSI = ${separation}·Sep + ${insertion}·AUC_I − ${deletion}·AUC_D − ${penalty}·mean[m ≥ α_min], Sep = I(α_min) − D(α_min)`,
    source: 'arXiv 2605.18681; the weights are a reconstruction',
    range: [-separation - deletion - penalty, separation + insertion],
    direction: 'higher',
    assumes:
      preset === 'literal'
        ? 'one explanation holds everything that suffices; of two equal objects both must be marked'
        : 'one of several valid explanations is enough',
    sensitivity:
      'alphaMin: sensitive, look at the curve; the reference must leave the class near chance; steps: little beyond 16',
    needs: 'map',
    parameters: parameters as z.core.$ZodType<MsiParameters>,
    cost: ({ steps }) => ({ forward: 2 * (steps + 1), backward: 0 }),
    async run(question, { map }, { alphaMin, steps, weights }) {
      const curves = await curvesOf(question, map, alphaMin, steps);
      const { msi, ...parts } = msiScore(curves, { ...(msiPresets[preset] as MsiWeights), ...weights });
      return { score: msi, parts };
    },
  };
}

export const msiLiteral = msiMetric('literal');
export const msiTolerant = msiMetric('tolerant');
