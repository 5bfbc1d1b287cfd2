import { type Frame, frameOf } from './frame.ts';
import type { Explained } from './explained.ts';
import { type Features, featuresOf } from './features.ts';
import { signedText } from './number-text.ts';
import { layOver, planesOf, scaleLimit, type SignedMap } from './signed-map.ts';

/** What an explanation looks like: a map over a picture, or a row of bars or coloured cells. */
export type Figure = MapFigure | FeatureFigure;

export interface MapFigure {
  readonly kind: 'map';
  readonly frame: Frame;
  readonly map: SignedMap;
  /** Contribution per 1 % of the view that gets the end colour. */
  readonly limit: number;
  /** How many explanations share the colour scale, this one included. */
  readonly sharedBy: number;
  /** Whether maps of the same question have another scale, because theirs are far stronger or weaker. */
  readonly ownScale: boolean;
}

export interface FeatureFigure {
  readonly kind: 'features';
  readonly features: Features;
}

/**
 * The figures of a list of explanations. Maps of one question (model, input, target) get one colour scale, so that
 * colours can be compared. A map ten times weaker or stronger than the middle one gets its own, and says so.
 */
export async function figuresOf(explained: readonly Explained[]): Promise<Figure[]> {
  const drawn = await Promise.all(explained.map(draw));
  const groups = new Map<string, number[]>();
  drawn.forEach((figure, i) => {
    if (figure.kind !== 'map' || !(figure.limit > 0)) return;
    const key = questionKey(explained[i]);
    groups.set(key, [...(groups.get(key) ?? []), i]);
  });
  for (const members of groups.values()) {
    const limits = members.map((i) => (drawn[i] as MapFigure).limit).sort((a, b) => a - b);
    const middle = limits[Math.floor((limits.length - 1) / 2)];
    const near = members.filter((i) => Math.abs(Math.log10((drawn[i] as MapFigure).limit / middle)) < 1);
    const shared = Math.max(...near.map((i) => (drawn[i] as MapFigure).limit));
    for (const i of members) {
      const figure = drawn[i] as MapFigure;
      if (near.includes(i)) drawn[i] = { ...figure, limit: shared, sharedBy: near.length };
      else drawn[i] = { ...figure, ownScale: true };
    }
  }
  return drawn;
}

/** Explanations with the same key answer for the same number of the same model and input. */
export function questionKey({ document }: Explained): string {
  return JSON.stringify([inputKey({ document }), document.target, document.baselineDescription]);
}

/** The model and the input of an explanation. */
export function inputKey({ document }: Pick<Explained, 'document'>): string {
  return JSON.stringify([document.model.hash, document.input.source, document.input.hash ?? null]);
}

async function draw(explained: Explained): Promise<Figure> {
  const frame = await frameOf(explained);
  const planes = frame && planesOf(explained);
  if (!frame || !planes) return { kind: 'features', features: featuresOf(explained) };
  const map = layOver(planes, frame);
  return { kind: 'map', frame, map, limit: scaleLimit(map), sharedBy: 1, ownScale: false };
}

const rowNames = ['top', 'middle', 'bottom'];
const columnNames = ['left', 'centre', 'right'];

/** Where a map is strongest, in words: `strongest for the target in the middle left (+3.1)`; for a person who cannot see it. */
export function describeMap({ map }: MapFigure): string {
  const [height, width] = map.values.shape;
  const sums = new Float64Array(9);
  map.values.data.forEach((value, i) => {
    const row = Math.floor((Math.floor(i / width) * 3) / height);
    sums[row * 3 + Math.floor(((i % width) * 3) / width)] += value;
  });
  const place = (i: number) => (i === 4 ? 'centre' : `${rowNames[Math.floor(i / 3)]} ${columnNames[i % 3]}`);
  const parts: string[] = [];
  const most = sums.indexOf(Math.max(...sums));
  const least = sums.indexOf(Math.min(...sums));
  if (sums[most] > 0) parts.push(`strongest for the target in the ${place(most)} (${signedText(sums[most], 2)})`);
  if (sums[least] < 0) parts.push(`strongest against it in the ${place(least)} (${signedText(sums[least], 2)})`);
  return parts.join(', ') || 'nothing is attributed to the picture';
}
