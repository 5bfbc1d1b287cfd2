import { WhereforeError } from '../errors.ts';
import type { MsiByAlphaMin } from './comparison.ts';
import { type AttributionMap, maskOf } from './map.ts';
import { curvesOf, type MsiParameters } from './metrics/msi.ts';
import { type MsiCurves, msiCurves, msiPresets, msiProfile } from './msi.ts';
import { type Question, towardsInput } from './question.ts';
import type { ReadyMetric } from './score.ts';

/** Distance of the α_min below that of the metric. */
const lowerStep = 1 / 16;

/**
 * MSI of one map against α_min: at the thresholds of the metric itself, which cost nothing more, and in sixteenths
 * below them, two passes each.
 * @returns undefined where no MSI metric is asked for, or where the map is no mask (the metric tells why)
 */
export async function profileOf(
  question: Question,
  map: AttributionMap,
  metrics: readonly ReadyMetric[],
): Promise<MsiByAlphaMin | undefined> {
  const asked = metrics.find(({ name }) => name === 'msi-literal' || name === 'msi-tolerant');
  if (!asked) return undefined;
  const { alphaMin, steps } = asked.parameters as unknown as MsiParameters;
  const lower = Array.from({ length: Math.ceil(alphaMin / lowerStep - 1e-9) }, (_, k) => k * lowerStep).slice(1);
  try {
    const [below, above] = await Promise.all([
      msiCurves(question, maskOf(towardsInput(question, map)), Float64Array.from(lower)),
      curvesOf(question, map, alphaMin, steps),
    ]);
    const curves = joined(below, above);
    const literal = msiProfile(curves, msiPresets.literal);
    const tolerant = msiProfile(curves, msiPresets.tolerant);
    return {
      alphaMin: literal.map((score) => score.alphaMin),
      literal: literal.map(({ msi }) => msi),
      tolerant: tolerant.map(({ msi }) => msi),
    };
  } catch (error) {
    if (error instanceof WhereforeError && error.code !== 'cancelled' && error.code !== 'internal') return undefined;
    throw error;
  }
}

function joined(below: MsiCurves, above: MsiCurves): MsiCurves {
  const join = (of: (curves: MsiCurves) => Float64Array) => Float64Array.from([...of(below), ...of(above)]);
  return {
    thresholds: join(({ thresholds }) => thresholds),
    insertion: join(({ insertion }) => insertion),
    deletion: join(({ deletion }) => deletion),
    area: join(({ area }) => area),
  };
}
