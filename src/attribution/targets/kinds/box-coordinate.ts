import * as z from 'zod/mini';
import { type OfOutput, ofOutput, type TargetKind } from '../kind.ts';
import { partsForm, wholeNumber } from '../parts.ts';
import { checkIndex, expectRank, flatElement } from '../target-source.ts';

/** One raw box coordinate of a row of a detector's grid: 0 to 3, as the model gives them. */
export interface BoxCoordinateTarget extends OfOutput {
  readonly kind: 'boxCoordinate';
  readonly anchor: number;
  readonly coordinate: number;
}

/** What the coordinates of a box are in a detector's grid. */
const meanings: readonly string[] = [' (x of its centre)', ' (y of its centre)', ' (its width)', ' (its height)'];

export const boxCoordinate = {
  schema: z.object({ kind: z.literal('boxCoordinate'), anchor: z.int(), coordinate: z.int(), ...ofOutput }),
  forms: [
    partsForm('box', 'box:ANCHOR,COORDINATE', [2, 2], ([anchor, coordinate]) => ({
      kind: 'boxCoordinate',
      anchor: wholeNumber(anchor),
      coordinate: wholeNumber(coordinate),
    })),
  ],
  compile: (source, target) => {
    const [anchors, columns] = expectRank(source, 2, '[batch, anchor, 4 + 1 + classes]');
    checkIndex(source, target.anchor, anchors, 'anchor');
    checkIndex(source, target.coordinate, 4, 'coordinate');
    return flatElement(source, source.scores, target.anchor * columns + target.coordinate);
  },
  describe: ({ anchor, coordinate }, { of }) =>
    `raw box coordinate ${coordinate}${meanings[coordinate] ?? ''} at anchor ${anchor}${of}`,
  write: ({ anchor, coordinate }) => `box:${anchor},${coordinate}`,
  about: (target, said) => said.flatMap(({ anchor, index }) => (anchor === target.anchor ? [index] : [])),
} satisfies TargetKind<BoxCoordinateTarget>;
