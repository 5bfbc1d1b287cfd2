import type { Points } from '../attribution/points.ts';
import { WhereforeError } from '../errors.ts';
import { permutation, random } from '../tensor/random.ts';
import { concatRows, reshape, type Tensor, tensor } from '../tensor/tensor.ts';
import { maskedRows } from './masked-rows.ts';
import type { Question } from './question.ts';

/** Writes 1 for each group that point `point` keeps; `keep` comes zeroed. */
type Fill = (point: number, keep: Uint8Array) => void;

/** Points at which some groups are as in the input and the others as in the reference. */
export interface MaskedPoints extends Points {
  readonly question: Question;
  readonly fill: Fill;
}

export function isMasked(points: Points): points is MaskedPoints {
  return 'fill' in points;
}

/**
 * Points at which some groups are as in the input and the others as in the reference, made when they are asked for, so
 * that memory does not grow with their number: by the graph from one byte a group, or here.
 */
export function maskedPoints(question: Question, count: number, fill: Fill): MaskedPoints {
  const { explained, groups, inputs, referenceInputs } = question;
  return {
    question,
    fill,
    cut: explained,
    count,
    source: maskedRows(question, count, fill),
    at(start, end) {
      // Entry 0 is for elements that belong to no group (−1): they stay.
      const keep = new Uint8Array(1 + groups.count).fill(1);
      const chosen = keep.subarray(1);
      const values = explained.map((name) => {
        const input = inputs.get(name) as Tensor;
        return {
          name,
          // Reference and input one after the other: taken by index, because a branch on random sets costs more.
          both: concatRows([reshape(referenceInputs.get(name) as Tensor, input.shape), input]).data as Float32Array,
          groupOf: groups.groupOf.get(name) as Int32Array,
          made: tensor(input.type, [(end - start) * (input.shape[0] ?? 1), ...input.shape.slice(1)]),
        };
      });
      for (let point = start; point < end; point++) {
        chosen.fill(0);
        fill(point, chosen);
        for (const { both, groupOf, made } of values)
          takeRow(both, groupOf, keep, made.data as Float32Array, point - start);
      }
      return new Map(values.map(({ name, made }) => [name, made]));
    },
  };
}

/** Row `row` of `to`: element i of the input where its group is kept, else of the reference. */
function takeRow(both: Float32Array, groupOf: Int32Array, keep: Uint8Array, to: Float32Array, row: number): void {
  const size = groupOf.length;
  const offset = row * size;
  for (let i = 0; i < size; i++) to[offset + i] = both[keep[groupOf[i] + 1] * size + i];
}

/** Points `m·x + (1 − m)·b` for masks between 0 and 1, one value a group. @throws WhereforeError `wrong-type` for tokens */
export function blendedPoints(question: Question, masks: readonly Float64Array[]): Points {
  const { explained, groups, inputs, referenceInputs } = question;
  for (const name of explained) {
    const { type } = inputs.get(name) as Tensor;
    if (type === 'float32') continue;
    throw new WhereforeError('wrong-type', `input "${name}" cannot be faded to the reference`, {
      got: type,
      expected: 'float32',
      fix: 'choose a metric that keeps or removes whole features, such as sufficiency',
    });
  }
  return {
    cut: explained,
    count: masks.length,
    at: (start, end) =>
      new Map(
        explained.map((name) => {
          const input = inputs.get(name) as Tensor<'float32'>;
          const [x, b] = [input.data, (referenceInputs.get(name) as Tensor<'float32'>).data];
          const groupOf = groups.groupOf.get(name) as Int32Array;
          const values = new Float32Array((end - start) * x.length);
          for (let point = start; point < end; point++) {
            const mask = masks[point];
            const offset = (point - start) * x.length;
            for (let i = 0; i < x.length; i++)
              values[offset + i] = groupOf[i] < 0 ? x[i] : b[i] + mask[groupOf[i]] * (x[i] - b[i]);
          }
          return [name, tensor('float32', [(end - start) * (input.shape[0] ?? 1), ...input.shape.slice(1)], values)];
        }),
      ),
  };
}

/** Orders of maps that are asked about again by the next metric: sorting an image's pixels takes as long as a pass. */
const orders = new WeakMap<ArrayLike<number>, Map<string, Uint32Array>>();

/**
 * Indices from the largest value to the smallest. Equal values come in an order drawn from the seed, the same for every
 * map of that size: the order of rows and columns would favour one corner. The result is shared: it must not be changed.
 */
export function descending(values: ArrayLike<number>, seed = 0): Uint32Array {
  return ordered(values, seed, 'descending');
}

/** The same from the smallest to the largest. */
export function ascending(values: ArrayLike<number>, seed = 0): Uint32Array {
  return ordered(values, seed, 'ascending');
}

function ordered(values: ArrayLike<number>, seed: number, direction: 'ascending' | 'descending'): Uint32Array {
  let known = orders.get(values);
  if (!known) orders.set(values, (known = new Map()));
  const key = `${direction} ${seed}`;
  let order = known.get(key);
  if (!order) {
    const other = known.get(`${direction === 'ascending' ? 'descending' : 'ascending'} ${seed}`);
    order = other ? turned(other, values) : sorted(values, seed, direction === 'ascending' ? 1 : -1);
    known.set(key, order);
  }
  return order;
}

function sorted(values: ArrayLike<number>, seed: number, sign: 1 | -1): Uint32Array {
  return permutation(values.length, random(seed)).sort((a, b) => sign * (values[a] - values[b]));
}

/** An order the other way round; equal values stay in the order that was drawn. */
function turned(order: Uint32Array, values: ArrayLike<number>): Uint32Array {
  const result = order.slice().reverse();
  for (let start = 0, end = 1; start < result.length; start = end++) {
    while (end < result.length && values[result[end]] === values[result[start]]) end++;
    if (end - start > 1) result.subarray(start, end).reverse();
  }
  return result;
}
