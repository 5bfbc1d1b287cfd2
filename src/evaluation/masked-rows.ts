import { type PointSource, selectable } from '../attribution/points.ts';
import { reshape, type Tensor, tensor } from '../tensor/tensor.ts';
import type { FeatureGroups } from './groups.ts';
import type { Question } from './question.ts';

/** Elements of an input as [outer, groups, inner], where element i belongs to group `⌊i / inner⌋ mod groups`. */
type Lie = readonly [outer: number, groups: number, inner: number];

/**
 * Rows of masked inputs that the graph makes itself, from one byte for each row and group: `Where(keep, x, b)`, which
 * copies elements as they are.
 * @returns undefined for types that the runtime cannot select from
 */
export function maskedRows(
  { explained, groups, inputs, referenceInputs }: Question,
  count: number,
  fill: (point: number, keep: Uint8Array) => void,
): PointSource | undefined {
  const whole = explained.map((name) => ({ name, ...(inputs.get(name) as Tensor) }));
  if (whole.some(({ type }) => !selectable.has(type))) return undefined;
  // Pixels and steps need no index: their groups lie side by side, as the elements do.
  const lie = whole.length === 1 ? lieOf(groups, whole[0].name) : undefined;
  // The last column is for elements that belong to no group (−1): they stay.
  const width = groups.count + (lie ? 0 : 1);
  const fixed = new Map<string, Tensor>();
  for (const { name, type, data } of whole) {
    const form = [1, ...(lie ?? [data.length])];
    fixed.set(names.input(name), tensor(type, form, data));
    fixed.set(names.reference(name), reshape(referenceInputs.get(name) as Tensor, form));
    if (lie) continue;
    const groupOf = groups.groupOf.get(name) as Int32Array;
    const columns = groupOf.map((group) => (group < 0 ? groups.count : group));
    fixed.set(names.groups(name), tensor('int32', [columns.length], columns));
  }
  return {
    key: whole.map(({ name, type, shape }) => `${name}:${type}:${shape.join('×')}:${lie?.join('×')}`).join(),
    pointsPerRow: 1,
    feeds(start, end) {
      const keep = new Uint8Array((end - start) * width);
      for (let point = start, from = 0; point < end; point++, from += width) {
        if (point < count) fill(point, keep.subarray(from, from + groups.count));
        if (!lie) keep[from + groups.count] = 1;
      }
      return new Map(fixed).set(names.keep, tensor('bool', [end - start, width], keep));
    },
    append(builder) {
      const given = builder.input(names.keep, 'bool', [undefined, width]);
      for (const { name, type, shape, data } of whole) {
        const form = [1, ...(lie ?? [data.length])];
        const keep = lie
          ? builder.op('Reshape', [given, builder.ints([-1, 1, groups.count, 1])])
          : builder.op('Gather', [given, builder.input(names.groups(name), 'int32', [data.length])], { axis: 1 });
        const present = builder.input(names.input(name), type, form);
        const absent = builder.input(names.reference(name), type, form);
        const made = builder.op('Where', [keep, present, absent]);
        builder.op('Reshape', [made, builder.ints([-1, ...shape.slice(1)])], {}, { outputs: [name] });
      }
    },
  };
}

/** Names of what the graph makes masked rows from. */
const names = {
  keep: 'masked/keep',
  input: (name: string) => `masked/input/${name}`,
  reference: (name: string) => `masked/reference/${name}`,
  groups: (name: string) => `masked/groups/${name}`,
};

const lies = new WeakMap<Int32Array, { readonly lie: Lie | undefined }>();

function lieOf({ count, groupOf }: FeatureGroups, name: string): Lie | undefined {
  const of = groupOf.get(name) as Int32Array;
  let known = lies.get(of);
  if (!known) lies.set(of, (known = { lie: regular(of, count) }));
  return known.lie;
}

function regular(groupOf: Int32Array, count: number): Lie | undefined {
  let inner = 1;
  while (inner < groupOf.length && groupOf[inner] === groupOf[0]) inner++;
  for (let i = 0, within = 0, group = 0; i < groupOf.length; i++) {
    if (groupOf[i] !== group) return undefined;
    if (++within < inner) continue;
    within = 0;
    if (++group === count) group = 0;
  }
  const outer = groupOf.length / (inner * count);
  return Number.isInteger(outer) ? [outer, count, inner] : undefined;
}
