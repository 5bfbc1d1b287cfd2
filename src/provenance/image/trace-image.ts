import { WhereforeError } from '../../errors.ts';
import { scoreReachedBy, shareAtLeast } from './background.ts';
import { leastImages, regionOfBlocks } from './block-search.ts';
import { type CalibratedQuestion, type Calibration, levelOf, scoresOf } from './calibrate.ts';
import { paperRanking, wordRanking } from './caption-rankings.ts';
import type { ImageIndex } from './image-index.ts';
import { searchImages } from './image-search.ts';
import { copiesIn, type Membership } from './membership.ts';
import type { QueryImage } from './query-image.ts';
import { ranked } from './ranked.ts';
import { groupsOf, type ImageRanking, neighbours, type TracedItem } from './ranking.ts';
import { wholeComponents } from './rankings.ts';
import type { MatchedRegion } from './region.ts';
import { type Signals, signalsOf } from './signals.ts';
import { thumbnailSimilarity } from './ssim.ts';
import { thumbnailSize } from './thumbnail.ts';

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
  /** `paper` adds a ranking by the fixed weights of arXiv 2504.01771, which needs a prompt. */
  readonly preset?: 'paper';
  /** Columns whose values are counted. Default none. */
  readonly groups?: readonly string[];
  /** Items of a ranking. Default 10. */
  readonly most?: number;
}

/** Share of unrelated images that are taken for related, by each of the three questions that decide it. */
export const unrelatedShare = 0.001;

const evenNote =
  'the image shows nothing but a colour or slow changes of it: the whole is compared by 8 × 8 means alone, and support is not calibrated for such images';

/** Opens an index for tracing many images. */
export interface ImageTracer {
  trace(query: QueryImage, options?: TraceImageOptions): ImageTrace;
}

/**
 * Traces images against an open index: what each resembles as a whole, in parts and by hand, with shares, and with support
 * as it was calibrated against unrelated images of the index. Notes say where the calibration is of too few images, or of
 * another number than the index holds now.
 */
export function imageTracer(index: ImageIndex, calibration: Calibration): ImageTracer {
  const search = searchImages(index.features);
  const notes: string[] = [];
  if (calibration.images < 0.5 * index.items.length || calibration.images > 2 * index.items.length)
    notes.push(
      `support was calibrated on ${calibration.images} images, the index has ${index.items.length} now: calibrate again with wherefore trace index --calibrate`,
    );
  if (calibration.background.whole.count < 100)
    notes.push(
      `support is rough: only ${calibration.background.whole.count} unrelated images were there to compare with`,
    );
  if (index.items.length < leastImages)
    notes.push(
      `small parts are not looked for: among ${index.items.length} images (fewer than ${leastImages}) it is not known which are rare`,
    );
  return {
    trace(query, options = {}) {
      const signals = signalsOf(index.features, search, query);
      const scores = scoresOf(signals, calibration.weights);
      const { same, near } = copiesIn(index, query, signals);
      const copies = new Set([...same, ...near]);
      const found = (['whole', 'region', 'block', 'hand'] as const).map((question) =>
        ranking(question, scores[question], { index, calibration, query, signals, copies, options }),
      );
      const itemsAt = (numbers: readonly number[]) => numbers.map((i) => index.items[i]);
      const words = options.prompt === undefined ? [] : [wordRanking(index, options.prompt, options)];
      const paper = options.preset === 'paper' ? [paperRanking(index, query, neededPrompt(options), options)] : [];
      return {
        membership: { same: itemsAt(same), near: itemsAt(near) },
        rankings: [...found, ...words, ...paper],
        images: index.items.length,
        calibrated: calibration.images,
        notes: query.even ? [...notes, evenNote] : notes,
      };
    },
  };
}

function neededPrompt({ prompt }: TraceImageOptions): string {
  if (prompt !== undefined) return prompt;
  throw new WhereforeError(
    'invalid-argument',
    'the preset "paper" compares images whose captions are near to a prompt',
    {
      fix: 'give the words that the image was made from: --prompt "…"',
    },
  );
}

interface Ranked {
  readonly index: ImageIndex;
  readonly calibration: Calibration;
  readonly query: QueryImage;
  readonly signals: Signals;
  /** Images that are the traced one or near copies: however many there are, they are no surroundings. */
  readonly copies: ReadonlySet<number>;
  readonly options: TraceImageOptions;
}

function ranking(question: CalibratedQuestion, scores: Float64Array, of: Ranked): ImageRanking {
  const { index, calibration, copies, options } = of;
  const { most = 10, groups = [] } = options;
  const background = calibration.background[question];
  const level = levelOf(question, scores, copies);
  const threshold = scoreReachedBy(unrelatedShare, background);
  const order = ranked(scores, Math.max(most, neighbours));
  const excess = order.map((image) => Math.max(0, scores[image] - level - threshold));
  const all = excess.reduce((sum, one) => sum + one, 0);
  const items = order.map((image, rank): TracedItem => {
    const score = scores[image] - level;
    return {
      item: index.items[image],
      score,
      support: 1 - shareAtLeast(score, background),
      share: all > 0 ? excess[rank] / all : 0,
      components: componentsOf(question, image, of),
      region: partOf(question, image, of),
    };
  });
  // A part is there, or is not: images without one are no answer.
  const isOfPart = question === 'region' || question === 'block';
  const isAnswer = (image: number) => !isOfPart || scores[image] > 0;
  const kept = items.filter((_, rank) => isAnswer(order[rank]));
  const nearest = order.filter(isAnswer).slice(0, neighbours);
  return {
    question,
    items: kept.slice(0, most),
    resembles: all > 0,
    threshold,
    unrelated: background.count,
    covered: isOfPart ? coveredArea(kept) : undefined,
    groups: Object.fromEntries(groups.map((column) => [column, groupsOf(index, column, nearest)])),
  };
}

/** The part that an image of the data shares with the traced one, where the question is for one. */
function partOf(question: CalibratedQuestion, image: number, { index, signals }: Ranked): MatchedRegion | undefined {
  if (question === 'hand') return undefined;
  if (question !== 'block') return signals.regions.get(image);
  const found = signals.blocks().get(image);
  return found && regionOfBlocks(found, index.items[image].size);
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
  question: CalibratedQuestion,
  image: number,
  { index, calibration: { weights }, signals, query }: Ranked,
): Record<string, number> {
  const { texture } = weights.moments;
  const whole = wholeComponents(signals, weights, image);
  if (question === 'whole') {
    const thumbnail = index.features.thumbnails.subarray(image * thumbnailSize, (image + 1) * thumbnailSize);
    return { ...whole, ssim: thumbnailSimilarity(query.thumbnail, thumbnail) };
  }
  if (question === 'region') {
    const region = signals.regions.get(image);
    return { points: region?.points ?? 0, nats: region?.weight ?? 0 };
  }
  if (question === 'block') {
    const found = signals.blocks().get(image);
    return { blocks: found?.own.length ?? 0, nats: found?.evidence ?? 0 };
  }
  const encoders = signals.encoders.map((values, e) => {
    const { mean, deviation } = weights.moments.encoders[e];
    return [index.encoders[e].name, (values[image] - mean) / deviation];
  });
  return {
    colours: whole.colours,
    texture: (signals.texture[image] - texture.mean) / texture.deviation,
    ...Object.fromEntries(encoders),
  };
}
