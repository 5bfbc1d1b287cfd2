import { type InputLayout, layoutFor } from '../attribution/baseline.ts';
import { type Groups, partition } from '../attribution/groups.ts';
import { WhereforeError } from '../errors.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { formatShape, sizeOf, stridesOf, type Tensor } from '../tensor/tensor.ts';

/** What is kept or removed as one: a pixel with all its channels, a column, a token, a time step. */
export interface FeatureGroups {
  readonly count: number;
  /** Shape of a mask: [rows, columns] of an image, [columns], [tokens], [steps]; [count] over several inputs. */
  readonly shape: readonly number[];
  /** Group of each element, by input name; −1 for elements that stay as they are (the special tokens around a text). */
  readonly groupOf: ReadonlyMap<string, Int32Array>;
  /** The single positions behind regions: their shape and the region of each. */
  readonly positions?: { readonly shape: readonly number[]; readonly regionOf: Int32Array };
  /** Whether groups next to each other are neighbours in space or time. */
  readonly spatial: boolean;
}

/** How elements are grouped where neither the positions of space nor single elements are right. */
export interface Grouping {
  /** Axes that tell groups apart, e.g. `[1]` for the steps of [batch, step, channel]. */
  readonly axes?: readonly number[];
  /** Named columns, words, or any other groups of the methods that perturb. */
  readonly groups?: Groups;
  /** Side of the square tiles of an image (steps of a series) that are moved as one. Default 1: every position by itself. */
  readonly regions?: number;
}

/**
 * The feature groups of the explained inputs: the positions of space where the layout names its axes, else every element.
 * @throws WhereforeError `out-of-range` for an axis that the input lacks; as `partition` for groups
 */
export function groupsOf(
  inputs: Tensors,
  explained: readonly string[],
  layout: InputLayout = {},
  { axes, groups, regions = 1 }: Grouping = {},
): FeatureGroups {
  if (!(Number.isInteger(regions) && regions > 0)) {
    throw new WhereforeError('out-of-range', 'the side of a region', {
      got: String(regions),
      expected: 'a whole number from 1 up',
    });
  }
  if (groups) {
    const values = new Map(explained.map((name) => [name, inputs.get(name) as Tensor]));
    const { count, of } = partition(values, new Map(explained.map((name) => [name, layout])), groups);
    return { count, shape: [count], groupOf: of, spatial: false };
  }
  const groupOf = new Map<string, Int32Array>();
  const shapes: number[][] = [];
  let positions: FeatureGroups['positions'];
  let offset = 0;
  for (const name of explained) {
    const input = inputs.get(name) as Tensor;
    const { spatialAxes } = layoutFor(layout, input.shape.length);
    const kept = axes ?? spatialAxes ?? input.shape.map((_, axis) => axis).slice(1);
    for (const axis of kept) {
      if (axis > 0 && axis < input.shape.length) continue;
      throw new WhereforeError('out-of-range', `axis ${axis} cannot tell groups of "${name}" apart`, {
        got: formatShape(input.shape),
        expected: `an axis from 1 to ${input.shape.length - 1}`,
      });
    }
    // Places of space lie together in regions; other elements have no neighbours.
    const side = axes || spatialAxes?.length ? regions : 1;
    groupOf.set(name, groupIndices(input.shape, kept, offset, side));
    const shape = kept.map((axis) => Math.ceil(input.shape[axis] / side));
    shapes.push(shape);
    if (side > 1) {
      const sizes = kept.map((axis) => input.shape[axis]);
      const axesOfPositions = sizes.map((_, k) => k);
      positions = { shape: sizes, regionOf: groupIndices(sizes, axesOfPositions, offset, side) };
    }
    offset += sizeOf(shape);
  }
  const shape = shapes.length === 1 ? shapes[0] : [offset];
  const ordered = axes !== undefined || (layout.spatialAxes?.length ?? 0) > 0;
  const single = shapes.length === 1;
  return { count: offset, shape, groupOf, positions: single ? positions : undefined, spatial: ordered && single };
}

function groupIndices(shape: readonly number[], axes: readonly number[], offset: number, side: number): Int32Array {
  const strides = stridesOf(shape);
  const groupStrides = stridesOf(axes.map((axis) => Math.ceil(shape[axis] / side)));
  const groups = new Int32Array(sizeOf(shape));
  for (let i = 0; i < groups.length; i++) {
    let group = offset;
    for (let k = 0; k < axes.length; k++) {
      group += Math.floor((Math.floor(i / strides[axes[k]]) % shape[axes[k]]) / side) * groupStrides[k];
    }
    groups[i] = group;
  }
  return groups;
}
