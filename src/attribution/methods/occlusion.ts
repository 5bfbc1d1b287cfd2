import * as z from 'zod/mini';
import type { Method } from './method.ts';
import { windowStarts } from './window-starts.ts';

const parameters = z.strictObject({
  window: z
    .optional(z.int().check(z.minimum(1)))
    .check(z.describe('Rows and columns of the window that is hidden at once; default: an eighth of the shorter side')),
  stride: z.optional(z.int().check(z.minimum(1))).check(z.describe('Distance between windows; default: half a window')),
});

export type OcclusionParameters = z.infer<typeof parameters>;

/**
 * How much the target drops when a part of the layer is replaced by the baseline. Needs only outputs, so it works for
 * any model: trees, quantised and refused operators.
 *
 * Where the layer has space and no groups are named, the parts are overlapping windows; else they are the groups. An
 * element's attribution is the mean, over the parts that hold it, of the part's drop divided by its elements that
 * differ from the baseline.
 */
export const occlusion: Method<OcclusionParameters> = {
  title: 'Occlusion',
  source: 'Zeiler, Fergus 2014, arXiv 1311.2901',
  formula:
    'A_i = mean_{w ∋ i} (f(x) − f(x with w replaced by x0)) / |w|, |w| the elements of w that differ from x0; the last window of an axis is moved to end at the border',
  needs: 'outputs',
  layers: 'any',
  baseline: 'required',
  usesGroups: true,
  implicitBaseline: undefined,
  meaning: { kind: 'score', what: 'the mean effect of hiding what covers it' },
  completeness: 'none',
  zeroDifference: true,
  parameters: parameters as z.core.$ZodType<OcclusionParameters>,
  cost: (options, { elements, groups, spaces, hasSpaceless }) => {
    const windows = spaces.map((sides) =>
      windowStarts(sides, options).starts.reduce((product, starts) => product * starts.length, 1),
    );
    const others = hasSpaceless ? groups || elements : 0;
    return { forward: windows.reduce((sum, count) => sum + count, others), backward: 0 };
  },
  run: async (context, options) => (await import('./occluded.ts')).hidePartByPart(context, options),
};
