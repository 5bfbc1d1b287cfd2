import type { Tensors } from '../../runtime/runtime.ts';
import { concatRows, sizeOf, stridesOf, type Tensor, tensor } from '../../tensor/tensor.ts';
import type { InputLayout } from '../baseline.ts';
import type { Points } from '../points.ts';
import { differing } from './game.ts';
import { resultOf } from './gradient.ts';
import { type MethodContext, type MethodResult, onlyReference } from './method.ts';
import { type WindowSizes, windowStarts } from './window-starts.ts';

/** Elements that are hidden together, by value name; a group may go on through several values. */
type Region = ReadonlyMap<string, Uint32Array>;

/** The mean drop of the target over the parts of the layer that hold an element, for each element. */
export async function hidePartByPart(context: MethodContext, options: WindowSizes): Promise<MethodResult> {
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
}

function differingElements(region: Region, differs: ReadonlyMap<string, Uint8Array>): Region {
  const result = new Map<string, Uint32Array>();
  for (const [name, all] of region) {
    const elements = all.filter((i) => (differs.get(name) as Uint8Array)[i]);
    if (elements.length) result.set(name, elements);
  }
  return result;
}

function regionsOf(context: MethodContext, options: WindowSizes, chosen: Record<string, number | string>): Region[] {
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
  options: WindowSizes,
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
