import type { Tensors } from '../../runtime/runtime.ts';
import { concatRows, type Tensor, tensor } from '../../tensor/tensor.ts';
import { type PointSource, type Points, selectable } from '../points.ts';
import { maskLayout } from './mask-layout.ts';

/** A value whose feature groups are masked. */
export interface MaskedValue {
  readonly name: string;
  /** The value at the input, one row. */
  readonly input: Tensor;
  /** The value at every sample of the baseline, of the input's shape and type. */
  readonly baseline: readonly Tensor[];
  /** The group of each element, −1 for elements that are never masked. */
  readonly groupOf: Int32Array;
}

/** What is masked: some values, whose elements belong to feature groups 0 … `groups` − 1. */
export interface Masking {
  readonly values: readonly MaskedValue[];
  readonly groups: number;
  /** Samples of the baseline. */
  readonly samples: number;
}

/** Writes 1 for each group that mask `mask` keeps as in the input; `keep` comes zeroed. */
export type FillMask = (mask: number, keep: Uint8Array) => void;

/**
 * Points at which the groups that a mask keeps are as in the input and the others as in a sample of the baseline:
 * `mask · x + (1 − mask) · b_s`, mask by mask, sample by sample. They are made when they are asked for, so that memory does not
 * grow with their number: by the graph from one byte a group, or here.
 */
export function maskedPoints(masking: Masking, masks: number, fill: FillMask): Points {
  return {
    cut: masking.values.map(({ name }) => name),
    count: masks * masking.samples,
    at: (start, end) => rowsHere(masking, fill, start, end),
    source: rowsInGraph(masking, masks, fill),
  };
}

function rowsHere({ values, groups, samples }: Masking, fill: FillMask, start: number, end: number): Tensors {
  // Entry 0 is for elements that belong to no group (−1): they stay.
  const keep = new Uint8Array(1 + groups).fill(1);
  const chosen = keep.subarray(1);
  const made = values.map(({ name, input, baseline, groupOf }) => ({
    name,
    groupOf,
    // Samples and input one after the other: taken by index, because a branch on random sets costs more.
    all: concatRows([...baseline, input]).data as Float32Array,
    rows: tensor(input.type, [(end - start) * (input.shape[0] ?? 1), ...input.shape.slice(1)]),
  }));
  let filled = -1;
  for (let point = start; point < end; point++) {
    const mask = Math.floor(point / samples);
    if (mask !== filled) {
      chosen.fill(0);
      fill(mask, chosen);
      filled = mask;
    }
    for (const { groupOf, all, rows } of made) {
      takeRow(all, groupOf, keep, [point % samples, samples], rows.data as Float32Array, point - start);
    }
  }
  return new Map(made.map(({ name, rows }) => [name, rows]));
}

/** Row `row` of `to`: element i of row `input` where its group is kept, else of row `sample`. */
function takeRow(
  all: Float32Array,
  groupOf: Int32Array,
  keep: Uint8Array,
  [sample, input]: readonly [number, number],
  to: Float32Array,
  row: number,
): void {
  const size = groupOf.length;
  const offset = row * size;
  const [masked, step] = [sample * size, (input - sample) * size];
  for (let i = 0; i < size; i++) to[offset + i] = all[masked + keep[groupOf[i] + 1] * step + i];
}

/**
 * The same rows made in the graph, from one bit for each mask and group: `Where(mask, x, b)`, which copies elements as
 * they are. undefined for types that the runtime cannot select from, and where nothing is masked.
 */
function rowsInGraph({ values, groups, samples }: Masking, masks: number, fill: FillMask): PointSource | undefined {
  if (groups === 0 || values.some(({ input }) => !selectable.has(input.type))) return undefined;
  const whole = values.map(({ name, input, baseline, groupOf }) => {
    const { shape, type } = input;
    return {
      name,
      type,
      shape,
      input,
      baseline,
      ...maskLayout(groupOf, shape[0] === 1 ? shape.slice(1) : shape, groups),
    };
  });
  // The last column is for elements that are never masked.
  const width = whole.some((value) => value.groups) ? groups + 1 : groups;
  const fixed = new Map<string, Tensor>();
  for (const { name, type, row, positions, groups: groupOf, input, baseline } of whole) {
    fixed.set(inputs.present(name), tensor(type, [1, 1, ...row], input.data));
    const absent = concatRows(baseline.map((sample) => ({ ...sample, shape: [1, ...row] })));
    fixed.set(inputs.absent(name), tensor(type, [1, samples, ...row], absent.data));
    if (groupOf) fixed.set(inputs.groups(name), tensor('int32', [1, ...positions], groupOf));
  }
  const form = (of: (typeof whole)[number]) =>
    [of.name, of.type, of.shape.join('×'), of.row.join('×'), of.groups ? 'of' : 'as', of.positions.join('×')].join(':');
  return {
    key: whole.map(form).join(),
    pointsPerRow: samples,
    feeds(start, end) {
      const keep = new Uint8Array((end - start) * width);
      for (let mask = start, from = 0; mask < end; mask++, from += width) {
        if (mask < masks) fill(mask, keep.subarray(from, from + groups));
        if (width > groups) keep[from + groups] = 1;
      }
      return new Map(fixed).set(inputs.mask, tensor('bool', [end - start, width], keep));
    },
    append(builder) {
      const mask = builder.input(inputs.mask, 'bool', [undefined, undefined]);
      for (const { name, type, shape, row, positions, groups: groupOf } of whole) {
        const anyRow = row.map(() => undefined);
        const present = builder.input(inputs.present(name), type, [1, 1, ...anyRow]);
        const absent = builder.input(inputs.absent(name), type, [1, undefined, ...anyRow]);
        const kept = groupOf
          ? builder.op('Gather', [mask, builder.input(inputs.groups(name), 'int32', [1, ...anyRow])], { axis: 1 })
          : builder.op('Reshape', [columns(mask), builder.ints([-1, 1, ...positions])]);
        const rows = builder.op('Where', [kept, present, absent]);
        builder.op('Reshape', [rows, builder.ints([-1, ...shape.slice(1)])], {}, { outputs: [name] });
      }

      /** The mask without the column of what is never masked. */
      function columns(given: string): string {
        if (width === groups) return given;
        return builder.op('Slice', [given, builder.ints([0]), builder.ints([groups]), builder.ints([1])]);
      }
    },
  };
}

/** Names of what the graph makes masked rows from. */
const inputs = {
  mask: 'masking/mask',
  present: (name: string) => `masking/input/${name}`,
  absent: (name: string) => `masking/baseline/${name}`,
  groups: (name: string) => `masking/groups/${name}`,
};
