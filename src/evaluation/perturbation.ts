import { type FillMask, maskedPoints as maskPoints } from '../attribution/masking/masked-points.ts';
import type { Points } from '../attribution/points.ts';
import { WhereforeError } from '../errors.ts';
import { memo } from '../tensor/memo.ts';
import { permutation, random } from '../tensor/random.ts';
import { reshape, type Tensor, tensor } from '../tensor/tensor.ts';
import type { Question } from './evaluation-context.ts';

/** Points at which some groups are as in the input and the others as in the reference. */
export interface MaskedPoints extends Points {
  readonly question: Question;
  readonly fill: FillMask;
}

export function isMasked(points: Points): points is MaskedPoints {
  return 'fill' in points;
}

/** Points at which the groups that `fill` keeps are as in the input and the others as in the reference. */
export function maskedPoints(question: Question, count: number, fill: FillMask): MaskedPoints {
  const { explained, groups, inputs, referenceInputs } = question;
  const values = explained.map((name) => {
    const input = inputs.get(name) as Tensor;
    const reference = reshape(referenceInputs.get(name) as Tensor, input.shape);
    return { name, input, baseline: [reference], groupOf: groups.groupOf.get(name) as Int32Array };
  });
  return { question, fill, ...maskPoints({ values, groups: groups.count, samples: 1 }, count, fill) };
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
const orders = memo((_: ArrayLike<number>) => new Map<string, Uint32Array>());

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
  const known = orders(values);
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
