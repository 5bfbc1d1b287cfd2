import * as z from 'zod/mini';
import type { Tensors } from '../../runtime/runtime.ts';
import { minOf } from '../../tensor/extremes.ts';
import { concatRows, sizeOf, stridesOf, type Tensor, tensor } from '../../tensor/tensor.ts';
import type { InputLayout } from '../baseline.ts';
import type { Points } from '../points.ts';
import { differing } from './game.ts';
import { resultOf } from './gradient.ts';
import { type Method, type MethodContext, onlyReference } from './method.ts';

const parameters = z.strictObject({
  window: z
    .optional(z.int().check(z.minimum(1)))
    .check(z.describe('Rows and columns of the window that is hidden at once; default: an eighth of the shorter side')),
  stride: z.optional(z.int().check(z.minimum(1))).check(z.describe('Distance between windows; default: half a window')),
});

export type OcclusionParameters = z.infer<typeof parameters>;

/** Elements that are hidden together, by value name; a group may go on through several values. */
type Region = ReadonlyMap<string, Uint32Array>;

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
  async run(context, options) {
    const { features, prepared, value, layer } = context;
    const absent = onlyReference(context).features;
    const chosen: Record<string, number | string> = {};
    const differs = new Map(layer.map((name) => [name, differing(context, name)]));
    const regions = regionsOf(context, options, chosen)
      .map((region) => differingElements(region, differs))
      .filter((region) => region.size > 0);
    const { target } = await prepared.evaluate(occluded(context, absent, regions));
    const sums = new Map(layer.map((name) => [name, new Float64Array(sizeOf((features.get(name) as Tensor).shape))]));
    const covered = new Map([...sums].map(([name, list]) => [name, new Float64Array(list.length)]));
    regions.forEach((region, k) => {
      let size = 0;
      for (const elements of region.values()) size += elements.length;
      for (const [name, elements] of region) {
        const [sum, count] = [sums.get(name), covered.get(name)] as Float64Array[];
        for (const element of elements) {
          sum[element] += (value - target[k]) / size;
          count[element]++;
        }
      }
    });
    for (const [name, sum] of sums) {
      const count = covered.get(name) as Float64Array;
      for (let i = 0; i < sum.length; i++) sum[i] /= Math.max(1, count[i]);
    }
    return { ...resultOf(features, sums), chosen };
  },
};

function differingElements(region: Region, differs: ReadonlyMap<string, Uint8Array>): Region {
  const result = new Map<string, Uint32Array>();
  for (const [name, all] of region) {
    const elements = all.filter((i) => (differs.get(name) as Uint8Array)[i]);
    if (elements.length) result.set(name, elements);
  }
  return result;
}

function regionsOf(
  context: MethodContext,
  options: OcclusionParameters,
  chosen: Record<string, number | string>,
): Region[] {
  const { layer, features, layouts, partition, hasGroups } = context;
  const isWindowed = (name: string) => !hasGroups && layouts.get(name)?.spatialAxes?.length;
  const windows = layer
    .filter(isWindowed)
    .flatMap((name) =>
      windowsOf(name, features.get(name) as Tensor, layouts.get(name)?.spatialAxes ?? [], options, chosen),
    );
  const others = layer.filter((name) => !isWindowed(name));
  if (others.length === 0) return windows;
  chosen.groups = partition.description;
  const lists = Array.from({ length: partition.count }, () => new Map<string, number[]>());
  for (const name of others) {
    for (const [i, group] of (partition.of.get(name) as Int32Array).entries()) {
      if (group < 0) continue;
      const list = lists[group].get(name);
      if (list) list.push(i);
      else lists[group].set(name, [i]);
    }
  }
  const groups = lists.map((list) => new Map([...list].map(([name, found]) => [name, Uint32Array.from(found)])));
  return [...windows, ...groups];
}

function windowsOf(
  name: string,
  { shape }: Tensor,
  axes: NonNullable<InputLayout['spatialAxes']>,
  options: OcclusionParameters,
  chosen: Record<string, number | string>,
): Region[] {
  const { window, stride, starts } = windowStarts(
    axes.map((axis) => shape[axis]),
    options,
  );
  chosen.window = window;
  chosen.stride = stride;
  const corners = starts.reduce<number[][]>(
    (list, positions) => list.flatMap((corner) => positions.map((at) => [...corner, at])),
    [[]],
  );
  return corners.map((corner) => new Map([[name, windowElements(shape, axes, corner, window)]]));
}

/** Where windows begin along each axis of space; the last one ends at the border. */
function windowStarts(sides: readonly number[], options: OcclusionParameters) {
  const window = options.window ?? Math.max(1, Math.ceil(minOf(sides) / 8));
  const stride = options.stride ?? Math.max(1, Math.ceil(window / 2));
  const starts = sides.map((side) => {
    const last = Math.max(0, side - window);
    return [...Array.from({ length: Math.ceil(last / stride) }, (_, i) => i * stride), last];
  });
  return { window, stride, starts };
}

function windowElements(
  shape: readonly number[],
  axes: readonly number[],
  corner: readonly number[],
  window: number,
): Uint32Array {
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

/** The layer with one region replaced by the baseline in each point. */
function occluded({ layer, features }: MethodContext, absent: Tensors, regions: readonly Region[]): Points {
  return {
    cut: layer,
    count: regions.length,
    at(start, end): Tensors {
      return new Map(
        layer.map((name) => {
          const whole = features.get(name) as Tensor;
          const from = (absent.get(name) as Tensor).data as Float32Array;
          const copies = regions.slice(start, end).map((region) => {
            const elements = region.get(name);
            if (!elements) return whole;
            const copy = tensor(whole.type, whole.shape, whole.data.slice() as never);
            for (const element of elements) (copy.data as Float32Array)[element] = from[element];
            return copy;
          });
          return [name, copies.length === 1 ? copies[0] : concatRows(copies)] as const;
        }),
      );
    },
  };
}
