import type { ExplanationDocument } from './document.ts';
import type { MapFigure } from './figures.ts';
import { signedText } from './number-text.ts';
import { scaleQuantile } from './signed-map.ts';

/** What the colours of a map mean, and everything that was done to show it: one sentence. */
export function legendText({ map, mask, sharedBy, ownScale }: MapFigure, { sum }: ExplanationDocument): string {
  const grids = map.grids.map(([h, w]) => `${h} × ${w}`).join(' + ');
  if (mask)
    return `Mask on a grid of ${grids}: what is red suffices for the answer, and without it the answer is gone.`;
  // A layer behind a pooling over all places cannot say where.
  if (map.grids.every(([h, w]) => h * w === 1))
    return 'One number for the whole picture: this layer has no places left, so its colour says how much, not where.';
  const parts = [
    `Contribution per 1 % of the view, on a grid of ${grids}`,
    sharedBy > 1 && `one scale for ${sharedBy} maps`,
    ownScale && 'another scale than weaker or stronger maps of this grid',
    `strongest ${Number((100 * (1 - scaleQuantile)).toFixed(1))} % saturated`,
    map.smoothing > 0 && `smoothed over ${map.smoothing.toFixed(1)} cells for display, sums kept`,
    Math.abs(map.outside) > 1e-4 * Math.abs(sum) && `${signedText(map.outside)} lies outside the picture`,
    ...map.notes,
  ];
  return `${parts.filter((part) => part !== false).join('; ')}.`;
}
