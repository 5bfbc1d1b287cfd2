import type { ExplanationDocument } from '../explain/document.ts';
import { meaningOf } from '../explain/meaning.ts';
import { percentText } from './number-text.ts';

/** What a mask says of an image: values from 0 (may go) to 1 (the answer rests on it), not shares of a difference. */
export interface Mask {
  /** From this value on a place counts as chosen. */
  readonly threshold: number;
  /** Share of the image that is chosen. */
  readonly area: number;
}

/** The mask of a learned explainer; undefined for attributions, which are signed shares. */
export function maskOf(document: ExplanationDocument): Mask | undefined {
  if (meaningOf(document).kind !== 'mask') return undefined;
  const { chosen } = document;
  return { threshold: Number(chosen.threshold), area: Number(chosen.area) };
}

/** What there is to say of a mask instead of how far it adds up. */
export function maskVerdict({ threshold, area }: Mask): string {
  return `A learned mask, not shares of the difference: ${percentText(area)} of the image is marked (from ${threshold} on).`;
}
