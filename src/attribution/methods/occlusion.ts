import { z } from 'zod';
import { WhereforeError } from '../../errors.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import { concatRows, float32, sizeOf, stridesOf, type Tensor, tensor } from '../../tensor/tensor.ts';
import type { Points } from '../prepare.ts';
import { type Method, type MethodContext, sumOf } from './method.ts';

const parameters = z.strictObject({
  /** Rows and columns of the window that is hidden at once; default: an eighth of the shorter side. Images only. */
  window: z.int().min(1).optional(),
  /** Distance between windows; default: half a window. Images only. */
  stride: z.int().min(1).optional(),
});

export type OcclusionParameters = z.infer<typeof parameters>;

/**
 * How much the target drops when a part of the input is replaced by the baseline. Needs only outputs, so it works for
 * any model: trees, quantised and refused operators.
 *
 * An element's attribution is the mean, over the windows that hold it, of the window's drop divided by its size.
 */
export const occlusion: Method<OcclusionParameters> = {
  title: 'Occlusion',
  source: 'Zeiler, Fergus 2014, arXiv 1311.2901',
  formula: 'A_i = mean_{w ∋ i} (f(x) − f(x with w replaced by x0)) / |w|',
  needs: 'outputs',
  layers: 'input',
  baseline: 'required',
  implicitBaseline: undefined,
  parameters: parameters as z.ZodType<OcclusionParameters>,
  // Without the layout the count of windows is not known; every element alone is the most.
  cost: (_, elements) => ({ forward: elements, backward: 0 }),
  async run(context, options) {
    const { baselineInputs, inputs, prepared, value } = context;
    if (!baselineInputs) {
      throw new WhereforeError('invalid-argument', 'occlusion needs a baseline', { fix: 'state one with --baseline' });
    }
    const values = new Map<string, Tensor<'float32'>>();
    const sums: Float64Array[] = [];
    const chosen: Record<string, number> = {};
    for (const name of context.layer) {
      const input = inputs.get(name) as Tensor;
      const regions = regionsOf(input, context, options, chosen);
      const points = occluded(name, input, baselineInputs.get(name) as Tensor, regions);
      const { target } = await prepared.evaluate(points);
      const attribution = new Float64Array(sizeOf(input.shape));
      const covered = new Float64Array(attribution.length);
      regions.forEach((region, k) => {
        const share = (value - target[k]) / region.length;
        for (const element of region) {
          attribution[element] += share;
          covered[element]++;
        }
      });
      for (let i = 0; i < attribution.length; i++) attribution[i] /= Math.max(1, covered[i]);
      values.set(name, float32(input.shape, Float32Array.from(attribution)));
      sums.push(attribution);
    }
    return { values, sum: sumOf(sums), chosen };
  },
};

/** Elements that are hidden together: a window over all channels of an image, or a single element. */
function regionsOf(input: Tensor, { layout }: MethodContext, options: OcclusionParameters, chosen: Record<string, number>): Uint32Array[] {
  const axes = layout.spatialAxes ?? [];
  if (axes.length === 0) return Array.from({ length: sizeOf(input.shape) }, (_, i) => Uint32Array.of(i));
  const sides = axes.map((axis) => input.shape[axis]);
  const window = options.window ?? Math.max(1, Math.ceil(Math.min(...sides) / 8));
  const stride = options.stride ?? Math.max(1, Math.ceil(window / 2));
  chosen.window = window;
  chosen.stride = stride;
  const starts = sides.map((side) => {
    const last = Math.max(0, side - window);
    const positions = Array.from({ length: Math.ceil(last / stride) }, (_, i) => i * stride);
    return [...positions, last];
  });
  const corners = starts.reduce<number[][]>((list, positions) => list.flatMap((corner) => positions.map((at) => [...corner, at])), [[]]);
  return corners.map((corner) => windowElements(input.shape, axes, corner, window));
}

function windowElements(shape: readonly number[], axes: readonly number[], corner: readonly number[], window: number): Uint32Array {
  const strides = stridesOf(shape);
  let elements = [0];
  shape.forEach((size, axis) => {
    const spatial = axes.indexOf(axis);
    const start = spatial < 0 ? 0 : corner[spatial];
    const end = spatial < 0 ? size : Math.min(size, start + window);
    const next: number[] = [];
    for (const element of elements) for (let i = start; i < end; i++) next.push(element + i * strides[axis]);
    elements = next;
  });
  return Uint32Array.from(elements);
}

function occluded(name: string, input: Tensor, baseline: Tensor, regions: readonly Uint32Array[]): Points {
  return {
    cut: [name],
    count: regions.length,
    at(start, end): Tensors {
      const copies = regions.slice(start, end).map((region) => {
        const copy = tensor(input.type, input.shape, input.data.slice() as never);
        const [to, from] = [copy.data as Float32Array, baseline.data as Float32Array];
        for (const element of region) to[element] = from[element];
        return copy;
      });
      return new Map([[name, copies.length === 1 ? copies[0] : concatRows(copies)]]);
    },
  };
}
