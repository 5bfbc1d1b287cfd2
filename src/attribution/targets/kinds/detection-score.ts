import * as z from 'zod/mini';
import { WhereforeError } from '../../../errors.ts';
import type { Box } from '../../detector-grid.ts';
import { foundObject } from '../found-detections.ts';
import { type OfOutput, ofOutput, type TargetKind, type TargetOf, type TargetSurroundings } from '../kind.ts';
import { readParts, wholeNumber } from '../parts.ts';
import { checkIndex, expectRank, flatElement } from '../target-source.ts';

/** Objectness × class score of one row of a detector's raw grid [batch, anchor, 4 + 1 + classes]. */
export interface DetectionScoreTarget extends OfOutput {
  readonly kind: 'detectionScore';
  readonly anchor: number;
  readonly class: number;
}

const text =
  'detection:CLASS, detection:CLASS#2 (the second one), detection:box(LEFT,TOP,RIGHT,BOTTOM) or detection:ANCHOR,CLASS';

export const detectionScore = {
  schema: z.object({ kind: z.literal('detectionScore'), anchor: z.int(), class: z.int(), ...ofOutput }),
  forms: [
    {
      text,
      prefix: 'detection',
      read: (argument, surroundings) => {
        // The commas of a box separate its corners.
        const corners = /^box\(([^()]*)\)?$/.exec(argument)?.[1];
        if (corners !== undefined) return atBox(argument, corners, surroundings);
        return readParts(text, argument, [1, 2], surroundings, ([first, second], { classOf }) =>
          second === undefined
            ? found(first, classOf, surroundings)
            : { kind: 'detectionScore', anchor: wholeNumber(first), class: classOf(second) },
        );
      },
    },
  ],
  compile: (source, target) => {
    const [anchors, columns] = expectRank(source, 2, '[batch, anchor, 4 + 1 + classes]');
    checkIndex(source, target.anchor, anchors, 'anchor');
    checkIndex(source, target.class, columns - 5, 'class');
    const row = target.anchor * columns;
    const objectness = flatElement(source, source.scores, row + 4);
    return source.builder.op('Mul', [objectness, flatElement(source, source.scores, row + 5 + target.class)]);
  },
  describe: (target, { name, of }) => `score of class ${name(target.class)} at anchor ${target.anchor}${of}`,
  write: (target, className) => `detection:${target.anchor},${className(target.class)}`,
  about: (target) => [target.class],
} satisfies TargetKind<DetectionScoreTarget>;

/** An object that the detector found: `cat`, or the second `cat#2`. */
function found(
  argument: string,
  classOf: (text: string) => number,
  { labels }: TargetSurroundings,
): TargetOf<DetectionScoreTarget> {
  const [, name = argument, rank = '1'] = /^(.+)#([1-9]\d*)$/.exec(argument) ?? [];
  const choice = { class: classOf(name.trim()), rank: Number(rank) };
  return (input, said) => ({ kind: 'detectionScore', ...foundObject(choice, input, said, labels) });
}

/** The object at a place of the image: `box(12,40,200,310)`. */
function atBox(argument: string, corners: string, { labels }: TargetSurroundings): TargetOf<DetectionScoreTarget> {
  const box = boxOf(argument, corners);
  return (input, said) => ({ kind: 'detectionScore', ...foundObject({ box }, input, said, labels) });
}

function boxOf(argument: string, corners: string): Box {
  const numbers = argument.endsWith(')') ? corners.split(',').map(Number) : [];
  const [left, top, right, bottom] = numbers;
  if (numbers.length === 4 && numbers.every(Number.isFinite) && left < right && top < bottom) {
    return [left, top, right, bottom];
  }
  throw new WhereforeError('invalid-argument', `--target detection:${argument}`, {
    expected: 'box(LEFT,TOP,RIGHT,BOTTOM) in pixels of the image, LEFT < RIGHT and TOP < BOTTOM',
  });
}
