import type { Tensor } from '../../tensor/tensor.ts';
import type { Calibration } from '../image/calibrate.ts';
import { scoresOf } from '../image/calibrate.ts';
import { fixedMatches, fixedScores } from '../image/fixed-weights.ts';
import { type Encoder, embedAll } from '../image/image-encoder.ts';
import type { ImageIndex } from '../image/image-index.ts';
import { searchImages } from '../image/image-search.ts';
import { copiesIn } from '../image/membership.ts';
import { queryImage } from '../image/query-image.ts';
import { type Signals, signalsOf } from '../image/signals.ts';
import type { VerifiedItem } from './verification.ts';

/** What an item resembles: its signals, and the scores of the rankings that they make. */
export interface ItemSignals {
  readonly signals: Signals;
  readonly whole: Float64Array;
  readonly region: Float64Array;
  readonly block: Float64Array;
  readonly hand: Float64Array;
  /** By the paper's fixed weights, see `fixedScores`; undefined without a prompt or captions. */
  readonly fixed: Float64Array | undefined;
}

/** Of how many items the data holds the same, a near copy, or neither. */
export type MembershipCounts = Readonly<Record<'same' | 'near' | 'none', number>>;

interface TraceRequest {
  readonly items: readonly VerifiedItem[];
  readonly index: ImageIndex;
  readonly calibration: Calibration;
  readonly encoders: readonly Encoder[];
  /** Of the images of the index, where it has such. */
  readonly captions: readonly string[] | undefined;
  read(file: string): Promise<{ readonly pixels: Tensor<'uint8'>; readonly hash: string }>;
}

/** Traces every item, by id, and the SHA-256 of its file. */
export async function traceItems({ items, index, calibration, encoders, captions, read }: TraceRequest) {
  const search = searchImages(index.features);
  const traced = new Map<string, ItemSignals>();
  const files = new Map<string, string>();
  const members = { same: 0, near: 0, none: 0 };
  for (const { id, image, prompt } of items) {
    const { pixels, hash } = await read(image);
    const query = queryImage(pixels, { file: hash, embeddings: await embedAll(encoders, pixels) });
    const signals = signalsOf(index.features, search, query);
    files.set(id, hash);
    const { same, near } = copiesIn(index, query, signals);
    members[same.length > 0 ? 'same' : near.length > 0 ? 'near' : 'none']++;
    const matches = captions && prompt !== undefined && fixedMatches(index.features, query, captions, prompt);
    const fixed = matches ? fixedScores(matches, index.items.length) : undefined;
    traced.set(id, { signals, ...scoresOf(signals, calibration.weights), fixed });
  }
  return { traced, files, members: members as MembershipCounts };
}
