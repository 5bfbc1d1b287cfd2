import * as z from 'zod/mini';
import { WhereforeError } from '../../../errors.ts';
import { float32, formatShape, sameShape } from '../../../tensor/tensor.ts';
import { type OfOutput, ofOutput, type TargetKind, type TargetOf } from '../kind.ts';
import { partsForm, wholeNumber } from '../parts.ts';
import { type Region, regionCount, regionMask, regionOf } from '../region.ts';
import { checkIndex, expectRank, indexInput, tensorInput } from '../target-source.ts';

/** Score of a class over a region of a segmentation [batch, class, row, column]: the mean of its positions, or their sum. */
export interface RegionTarget extends OfOutput {
  readonly kind: 'region';
  readonly class: number;
  readonly region: Region;
  readonly reduce: 'mean' | 'sum';
}

export const region = {
  schema: z.object({
    kind: z.literal('region'),
    class: z.int(),
    region: z.object({
      size: z.tuple([z.int().check(z.minimum(1)), z.int().check(z.minimum(1))]),
      runs: z.array(z.int().check(z.minimum(0))),
    }),
    reduce: z.enum(['mean', 'sum']),
    ...ofOutput,
  }),
  forms: [
    partsForm(
      'region',
      'region:CLASS or region:CLASS,TOP,LEFT,BOTTOM,RIGHT',
      [1, 5],
      ([name, ...corners], { classOf }) => seenRegion(classOf(name), corners.map(wholeNumber)),
    ),
  ],
  compile: (source, target) => {
    const [classes, ...size] = expectRank(source, 3, '[batch, class, row, column]');
    checkIndex(source, target.class, classes, 'class');
    if (!sameShape(size, target.region.size)) {
      throw new WhereforeError('wrong-shape', `the region does not fit output "${source.output}"`, {
        got: formatShape(target.region.size),
        expected: formatShape(size),
      });
    }
    const mask = regionMask(target.region);
    const share = target.reduce === 'mean' ? 1 / regionCount(target.region) : 1;
    for (let i = 0; i < mask.length; i++) mask[i] *= share;
    const weights = tensorInput(source, 'weights', float32([1, ...size], mask));
    const scores = source.builder.op('Gather', [source.scores, indexInput(source, target.class)], { axis: 1 });
    const plane = source.builder.op('Squeeze', [scores, source.builder.ints([1])]);
    const weighted = source.builder.op('Mul', [plane, weights]);
    return source.builder.op('ReduceSum', [weighted, source.builder.ints([1, 2])], { keepdims: 0 });
  },
  describe: ({ class: index, region: where, reduce }, { name, of }) =>
    `${reduce} score of class ${name(index)} over a region of ${regionCount(where)} positions${of}`,
  write: () => undefined,
  form: ({ region: { size } }) => size.join('×'),
  about: (target) => [target.class],
} satisfies TargetKind<RegionTarget>;

/** A rectangle of a segmentation's grid, or all positions that the model gives to a class. */
function seenRegion(wanted: number, corners: readonly number[]): TargetOf<RegionTarget> {
  return (input, { segmentation, summary }) => {
    if (!segmentation) {
      throw new WhereforeError('invalid-argument', 'a region needs a model that gives scores position by position', {
        where: input.source,
        got: `output "${summary.output}"`,
        expected: 'batch × classes × rows × columns',
      });
    }
    const { size, classes } = segmentation;
    if (corners.length) checkCorners(corners, size, input.source);
    const [top, left, bottom, right] = corners;
    const inside = (row: number, column: number) =>
      corners.length
        ? row >= top && row < bottom && column >= left && column < right
        : classes[row * size[1] + column] === wanted;
    return { kind: 'region', output: summary.output, class: wanted, region: regionOf(size, inside), reduce: 'mean' };
  };
}

function checkCorners(
  [top, left, bottom, right]: readonly number[],
  [rows, columns]: readonly [number, number],
  where: string,
): void {
  if (0 <= top && top < bottom && bottom <= rows && 0 <= left && left < right && right <= columns) return;
  throw new WhereforeError('out-of-range', '--target region: the rectangle', {
    where,
    got: `rows ${top} to ${bottom}, columns ${left} to ${right}`,
    expected: `TOP < BOTTOM within 0 to ${rows}, LEFT < RIGHT within 0 to ${columns}`,
  });
}
