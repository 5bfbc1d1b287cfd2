import type { Explained } from '../explain/explained.ts';
import { isMean } from '../explain/meaning.ts';
import { maxOf, minOf } from '../tensor/extremes.ts';
import { float32, sizeOf } from '../tensor/tensor.ts';
import { type Features, featuresOf } from './features.ts';
import { type Frame, frameOf, isSeen } from './frame.ts';
import { type Mask, maskOf } from './mask.ts';
import { percentText, signedText } from './number-text.ts';
import { layOver, type PlaneMap, planesOf, type SignedMap, scaleLimit } from './signed-map.ts';

/** What an explanation looks like: a map over an image, or a row of bars or coloured cells. */
export type Figure = MapFigure | FeatureFigure;

export interface MapFigure {
  readonly kind: 'map';
  readonly frame: Frame;
  readonly map: SignedMap;
  /** Contribution per 1 % of the view that gets the end colour. */
  readonly limit: number;
  /** How many explanations share the colour scale, this one included. */
  readonly sharedBy: number;
  /** Set where it is a mask from 0 to 1: its end colour is 1, and it shares its scale with none. */
  readonly mask?: Mask;
  /** Set where each position has a mean output (RISE): the map shows how far it lies from the average of all positions. */
  readonly mean?: MeanScale;
  /** The shares of inputs beside the image, the image's own sum among them. */
  readonly beside?: Features;
  /** Whether maps of the same question and grid have another scale, because they are far stronger or weaker. */
  readonly ownScale: boolean;
}

/** How a map of means is read. */
export interface MeanScale {
  /** The average of all positions, in the unit of the means. */
  readonly average: number;
  /** A limit of the map times this is in the unit of the means. */
  readonly unit: number;
}

export interface FeatureFigure {
  readonly kind: 'features';
  readonly features: Features;
}

/**
 * The figures of a list of explanations. Maps of one question (model, input, target, baseline) on grids of the same
 * size get one colour scale, so that colours can be compared, as long as all can still be seen: maps that differ more
 * than twice in strength do not share, and say so.
 */
export async function figuresOf(explained: readonly Explained[]): Promise<Figure[]> {
  const drawn = await Promise.all(explained.map(draw));
  const groups = new Map<string, number[]>();
  drawn.forEach((figure, i) => {
    if (figure.kind !== 'map' || figure.mask || figure.mean || !(figure.limit > 0)) return;
    const key = JSON.stringify([questionKey(explained[i]), figure.map.grids]);
    groups.set(key, [...(groups.get(key) ?? []), i]);
  });
  for (const members of groups.values()) {
    const limitOf = (i: number) => (drawn[i] as MapFigure).limit;
    const strongestFirst = [...members].sort((a, b) => limitOf(b) - limitOf(a));
    while (strongestFirst.length > 0) {
      const limit = limitOf(strongestFirst[0]);
      const weaker = strongestFirst.findIndex((i) => limitOf(i) * widestShared < limit);
      const sharing = strongestFirst.splice(0, weaker < 0 ? strongestFirst.length : weaker);
      for (const i of sharing) {
        drawn[i] = {
          ...(drawn[i] as MapFigure),
          limit,
          sharedBy: sharing.length,
          ownScale: sharing.length < members.length,
        };
      }
    }
  }
  return drawn;
}

/** How many times stronger the strongest map of a shared scale may be than the weakest. */
const widestShared = 2;

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
  const laid = frame && planesOf(explained);
  if (!frame || !laid) return { kind: 'features', features: featuresOf(explained) };
  const mask = maskOf(explained.document);
  const { planes, others } = laid;
  const laidOver = layOver(planes, frame, mask === undefined);
  const mean = isMean(explained.document) ? centred(laidOver, frame, elementsOf(explained)) : undefined;
  const map = mean?.map ?? laidOver;
  // A cell of 1 makes this much per 1 % of the view.
  const limit = mask ? (map.grids[0][0] * map.grids[0][1]) / 100 : scaleLimit(map);
  const beside = others.length > 0 ? besideOf(explained, planes, others) : undefined;
  return { kind: 'map', frame, map, limit, sharedBy: 1, mask, mean: mean?.scale, ownScale: false, beside };
}

function elementsOf({ document: { attribution } }: Explained): number {
  return Object.values(attribution).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/**
 * A map of means less their average over what the model saw. A constant that is added to the output is added to all of
 * them, so that only their differences tell something.
 */
function centred(map: SignedMap, frame: Frame, elements: number): { map: SignedMap; scale: MeanScale } {
  const [, width] = map.values.shape;
  const seen = map.values.data.map((_, i) => (isSeen(frame, Math.floor(i / width), i % width) ? 1 : 0));
  const count = seen.reduce((sum, one) => sum + one, 0);
  const average = map.values.data.reduce((sum, value, i) => sum + seen[i] * value, 0) / count;
  const unit = 100 / elements;
  return {
    map: {
      ...map,
      values: float32(
        map.values.shape,
        map.values.data.map((value, i) => seen[i] * (value - average)),
      ),
      outside: 0,
    },
    scale: { average: average * map.perPercent * unit, unit },
  };
}

/** Inputs that lie over no image, after a line for the image itself, so that all of them add up to ΣA. */
function besideOf(explained: Explained, planes: readonly PlaneMap[], others: readonly string[]): Features {
  const images = planes.map(({ layer, map, elsewhere }) => ({
    name: `all of ${layer}`,
    share: map.data.reduce((sum, value) => sum + value, elsewhere),
  }));
  const features = featuresOf(explained, [...others]);
  return { ...features, kind: 'set', shares: [...images, ...features.shares] };
}

const rowNames = ['top', 'middle', 'bottom'];
const columnNames = ['left', 'centre', 'right'];

/** A ninth of an image and what is attributed to it. */
interface StrongestPosition {
  readonly place: string;
  readonly sum: number;
}

/** The ninths of an image with the largest positive and the largest negative attribution, where there are any. */
export function strongestPositions({ map }: MapFigure): {
  readonly most?: StrongestPosition;
  readonly least?: StrongestPosition;
} {
  const [height, width] = map.values.shape;
  const sums = new Float64Array(9);
  map.values.data.forEach((value, i) => {
    const row = Math.floor((Math.floor(i / width) * 3) / height);
    sums[row * 3 + Math.floor(((i % width) * 3) / width)] += value;
  });
  const at = (i: number) => ({
    place: i === 4 ? 'centre' : `${rowNames[Math.floor(i / 3)]} ${columnNames[i % 3]}`,
    sum: sums[i],
  });
  const most = at(sums.indexOf(maxOf(sums)));
  const least = at(sums.indexOf(minOf(sums)));
  return { most: most.sum > 0 ? most : undefined, least: least.sum < 0 ? least : undefined };
}

/** Where a map is strongest, in words: `strongest for the target in the middle left (+3.1)`; for a person who cannot see it. */
export function describeMap(figure: MapFigure): string {
  const { most, least } = strongestPositions(figure);
  if (figure.mask)
    return `${percentText(figure.mask.area)} of the image is marked, most in the ${most?.place ?? 'centre'}`;
  if (figure.mean) return `highest in the ${most?.place ?? 'centre'}, lowest in the ${least?.place ?? 'centre'}`;
  const parts: string[] = [];
  if (most) parts.push(`strongest for the target in the ${most.place} (${signedText(most.sum, 2)})`);
  if (least) parts.push(`strongest against it in the ${least.place} (${signedText(least.sum, 2)})`);
  return parts.join(', ') || 'nothing is attributed to the image';
}
