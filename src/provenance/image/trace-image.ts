import { WhereforeError } from '../../errors.ts';
import { scoreReachedBy, shareAtLeast } from './background.ts';
import { type Calibration, scoresOf } from './calibrate.ts';
import { captionColumns, captionsOf } from './captions.ts';
import type { ImageIndex } from './image-index.ts';
import { type KeypointSearch, searchKeypoints } from './keypoint-search.ts';
import type { IndexedItem } from './manifest.ts';
import { copiesIn, type Membership } from './membership.ts';
import type { QueryImage } from './query-image.ts';
import { ranked, surroundingScore } from './ranked.ts';
import { type TraceQuestion, wholeComponents, wordScores } from './rankings.ts';
import { type MatchedRegion, type Signals, signalsOf } from './signals.ts';

/** An image of the data in a ranking. */
export interface TracedItem {
  readonly item: IndexedItem;
  /** What the ranking sorts by, less the level of the surroundings; larger is more alike. */
  readonly score: number;
  /** Share of unrelated images whose best match scores lower; absent for words, which are not calibrated. */
  readonly support?: number;
  /** Its part of what the data can account for; 0 below the threshold. */
  readonly share: number;
  /** The signals behind the score, by name. */
  readonly components: Readonly<Record<string, number>>;
  readonly region?: MatchedRegion;
}

/** How many of the nearest images carry a value of a column, beside how many of all do. */
export interface GroupShare {
  readonly value: string;
  readonly share: number;
  readonly ofData: number;
}

/** The answer to one question. */
export interface ImageRanking {
  readonly question: TraceQuestion;
  readonly items: readonly TracedItem[];
  /** Whether the best item scores higher than {@link unrelatedShare} of unrelated images let expect; absent for words. */
  readonly resembles?: boolean;
  /** The score from which items count. */
  readonly threshold?: number;
  /** Of the question for a part: share of the item's area that the parts of counted items cover. */
  readonly covered?: number;
  /** Unrelated images that supports were counted over; absent for words. */
  readonly unrelated?: number;
  /** Of the nearest {@link neighbours}, by column. */
  readonly groups: Readonly<Record<string, readonly GroupShare[]>>;
}

export interface ImageTrace {
  readonly membership: Membership;
  readonly rankings: readonly ImageRanking[];
  /** Images of the index, and how many there were when scores were calibrated. */
  readonly images: number;
  readonly calibrated: number;
  readonly notes: readonly string[];
}

export interface TraceImageOptions {
  /** Words that the item was made from; without them there is no ranking by words. */
  readonly prompt?: string;
  /** The column of captions. Default: `caption`, `text` or `prompt`, where the data has one. */
  readonly caption?: string;
  /** Columns whose values are counted. Default none. */
  readonly groups?: readonly string[];
  /** Items of a ranking. Default 10. */
  readonly most?: number;
}

/** Share of unrelated images that are taken for related, by each of the two questions that decide it. */
export const unrelatedShare = 0.004;

/** Nearest images that groups are counted over: few, as more of them are no longer near. */
export const neighbours = 5;

/** Opens an index for tracing many images. */
export interface ImageTracer {
  trace(query: QueryImage, options?: TraceImageOptions): ImageTrace;
}

export function imageTracer(index: ImageIndex, calibration: Calibration): ImageTracer {
  const search: KeypointSearch = searchKeypoints(index.features);
  const notes: string[] = [];
  if (calibration.images < 0.5 * index.items.length || calibration.images > 2 * index.items.length)
    notes.push(
      `support was calibrated on ${calibration.images} images, the index has ${index.items.length} now: calibrate again with wherefore trace index --calibrate`,
    );
  if (calibration.background.whole.count < 100)
    notes.push(
      `support is rough: only ${calibration.background.whole.count} unrelated images were there to compare with`,
    );
  return {
    trace(query, options = {}) {
      const signals = signalsOf(index.features, search, query);
      const scores = scoresOf(signals, calibration.weights);
      const { same, near } = copiesIn(index, query, signals);
      const copies = new Set([...same, ...near]);
      const found = (['whole', 'region', 'hand'] as const).map((question) =>
        ranking(question, scores[question], { index, calibration, signals, copies, options }),
      );
      const itemsAt = (numbers: readonly number[]) => numbers.map((i) => index.items[i]);
      const words = options.prompt === undefined ? [] : [wordRanking(index, options.prompt, options)];
      return {
        membership: { same: itemsAt(same), near: itemsAt(near) },
        rankings: [...found, ...words],
        images: index.items.length,
        calibrated: calibration.images,
        notes,
      };
    },
  };
}

interface Ranked {
  readonly index: ImageIndex;
  readonly calibration: Calibration;
  readonly signals: Signals;
  /** Images that are the traced one or near copies: however many there are, they are no surroundings. */
  readonly copies: ReadonlySet<number>;
  readonly options: TraceImageOptions;
}

function ranking(
  question: 'whole' | 'region' | 'hand',
  scores: Float64Array,
  { index, calibration, signals, copies, options }: Ranked,
): ImageRanking {
  const { most = 10, groups = [] } = options;
  const background = calibration.background[question];
  const level = surroundingScore(scores, copies);
  const threshold = scoreReachedBy(unrelatedShare, background);
  const order = ranked(scores, Math.max(most, neighbours));
  const excess = order.map((image) => Math.max(0, scores[image] - level - threshold));
  const all = excess.reduce((sum, one) => sum + one, 0);
  const encoderNames = index.encoders.map(({ name }) => name);
  const items = order.map((image, rank): TracedItem => {
    const score = scores[image] - level;
    return {
      item: index.items[image],
      score,
      support: 1 - shareAtLeast(score, background),
      share: all > 0 ? excess[rank] / all : 0,
      components: componentsOf(question, signals, calibration, image, encoderNames),
      region: question === 'hand' ? undefined : signals.regions.get(image),
    };
  });
  // A region is there, or is not: images without one are no answer.
  const isAnswer = (image: number) => question !== 'region' || signals.regions.has(image);
  const kept = items.filter((_, rank) => isAnswer(order[rank]));
  const nearest = order.filter(isAnswer).slice(0, neighbours);
  return {
    question,
    items: kept.slice(0, most),
    resembles: all > 0,
    threshold,
    unrelated: background.count,
    covered: question === 'region' ? coveredArea(kept) : undefined,
    groups: Object.fromEntries(groups.map((column) => [column, groupsOf(index, column, nearest)])),
  };
}

/** Cells along each side of an image, for areas. */
const cells = 64;

/** The share of an image that the regions of counted items cover together. */
function coveredArea(items: readonly TracedItem[]): number {
  let covered = 0;
  const boxes = items.flatMap(({ share, region }) => (share > 0 && region ? [region.own] : []));
  for (let i = 0; i < cells * cells; i++) {
    const [x, y] = [((i % cells) + 0.5) / cells, (Math.floor(i / cells) + 0.5) / cells];
    if (boxes.some(({ left, top, right, bottom }) => x >= left && x <= right && y >= top && y <= bottom)) covered++;
  }
  return covered / (cells * cells);
}

function componentsOf(
  question: 'whole' | 'region' | 'hand',
  signals: Signals,
  { weights }: Calibration,
  image: number,
  names: readonly string[],
): Record<string, number> {
  const { texture } = weights.moments;
  const whole = wholeComponents(signals, weights, image);
  if (question === 'whole') return whole;
  if (question === 'region') {
    const region = signals.regions.get(image);
    return { points: region?.points ?? 0, nats: region?.weight ?? 0 };
  }
  const encoders = signals.encoders.map((values, e) => {
    const { mean, deviation } = weights.moments.encoders[e];
    return [names[e], (values[image] - mean) / deviation];
  });
  return {
    colours: whole.colours,
    texture: (signals.texture[image] - texture.mean) / texture.deviation,
    ...Object.fromEntries(encoders),
  };
}

function groupsOf({ items }: ImageIndex, column: string, nearest: readonly number[]): GroupShare[] {
  const valueAt = (image: number) => String(items[image].columns[column] ?? 'not stated');
  const ofData = new Map<string, number>();
  for (const image of items.keys()) ofData.set(valueAt(image), (ofData.get(valueAt(image)) ?? 0) + 1 / items.length);
  const counts = new Map<string, number>();
  for (const image of nearest) counts.set(valueAt(image), (counts.get(valueAt(image)) ?? 0) + 1 / nearest.length);
  return [...counts]
    .map(([value, share]) => ({ value, share, ofData: ofData.get(value) ?? 0 }))
    .sort((a, b) => b.share - a.share || (a.value < b.value ? -1 : 1));
}

function wordRanking(
  index: ImageIndex,
  prompt: string,
  { caption, most = 10, groups = [] }: TraceImageOptions,
): ImageRanking {
  const captions = captionsOf(index, caption);
  if (!captions)
    throw new WhereforeError('unknown-name', 'no column of the index holds captions', {
      where: index.folder,
      expected: captionColumns.join(', '),
      fix: 'index the images with --metadata FILE, and name the column with --caption',
    });
  const scores = wordScores(captions, prompt);
  const order = ranked(scores, Math.max(most, neighbours)).filter((image) => scores[image] > 0);
  const sum = order.reduce((all, image) => all + scores[image], 0);
  return {
    question: 'words',
    items: order.slice(0, most).map((image) => ({
      item: index.items[image],
      score: scores[image],
      share: scores[image] / sum,
      components: { bm25: scores[image] },
    })),
    groups: Object.fromEntries(groups.map((name) => [name, groupsOf(index, name, order.slice(0, neighbours))])),
  };
}
