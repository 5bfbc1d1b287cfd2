import type { ExplanationDocument } from '../explain/document.ts';
import { meaningOf, promisesSum } from '../explain/meaning.ts';
import type { MapFigure } from './figures.ts';
import { type Frame, isSeen } from './frame.ts';
import { numberText, signedText } from './number-text.ts';
import { scaleQuantile } from './signed-map.ts';

/** The numbers below a colour scale from its left end to its right one, each with what it stands for. */
export function scaleEnds({
  limit,
  mask,
  mean,
}: Pick<MapFigure, 'limit' | 'mask' | 'mean'>): (readonly [string, string])[] {
  if (mask)
    return [
      ['0', 'may go'],
      ['1', 'is needed'],
    ];
  const end = limit * (mean?.unit ?? 1);
  return [
    [signedText(-end), mean ? 'below average' : 'against'],
    ['0', ''],
    [signedText(end), mean ? 'above average' : 'for'],
  ];
}

/** What the colours of a map mean, and everything that was done to show it: one sentence. */
export function legendText(
  { map, mask, mean, limit, sharedBy, ownScale, frame }: MapFigure,
  document: ExplanationDocument,
): string {
  const grids = map.grids.map(([h, w]) => `${h} × ${w}`).join(' + ');
  if (mask)
    return `Mask on a grid of ${grids}: what is red suffices for the answer, and without it the answer is gone.`;
  // A layer behind a pooling over all positions cannot say where.
  if (map.grids.every(([h, w]) => h * w === 1))
    return 'One number for the whole image: this layer has no positions left, so its colour says how much, not where.';
  if (limit === 0)
    return 'Every value is 0: what is explained does not pass through this layer, or has no positive attribution.';
  if (mean) {
    return `Each position has ${meaningOf(document).what} while it is shown, on a grid of ${grids}; the average of all is ${numberText(mean.average, 3)}${map.smoothing > 0 ? `; smoothed over ${map.smoothing.toFixed(1)} cells for display` : ''}.`;
  }
  const parts = [
    `${promisesSum(document) ? 'Contribution' : 'Value'} per 1 % of the view, on a grid of ${grids}`,
    sharedBy > 1 && `one scale for ${sharedBy} maps`,
    ownScale && 'another scale than weaker or stronger maps of this grid',
    `strongest ${Number((100 * (1 - scaleQuantile)).toFixed(1))} % saturated`,
    map.smoothing > 0 && `smoothed over ${map.smoothing.toFixed(1)} cells for display, sums kept`,
    Math.abs(map.outside) > 1e-4 * Math.abs(document.sum) && `${signedText(map.outside)} lies outside the image`,
    isCropped(frame) && 'dark: cut off before the model sees it',
    ...map.notes,
  ];
  return `${parts.filter((part) => part !== false).join('; ')}.`;
}

/** Whether a border of the image does not reach the model. */
function isCropped(frame: Frame): boolean {
  const [height, width] = frame.image.shape;
  return !isSeen(frame, 0, 0) || !isSeen(frame, height - 1, width - 1);
}
