import type { Tensor } from '../../tensor/tensor.ts';
import { type Calibration, scoresOf } from '../image/calibrate.ts';
import { captionsOf } from '../image/captions.ts';
import { type Encoder, embedAll } from '../image/encoder.ts';
import type { ImageIndex } from '../image/image-index.ts';
import { searchKeypoints } from '../image/keypoint-search.ts';
import { queryImage } from '../image/query-image.ts';
import { signalsOf } from '../image/signals.ts';
import { imageTracer } from '../image/trace-image.ts';
import { type ArmContext, type ArmName, promptScores, removedBy } from './arms.ts';
import { lookAlikes } from './look-alikes.ts';
import { type PlannedVerification, unrelatedStratum, type VerifiedItem, type VerifyPlan } from './verification.ts';

export interface PlanRequest {
  readonly items: readonly VerifiedItem[];
  readonly index: ImageIndex;
  readonly calibration: Calibration;
  /** Images that are not in the data; with them there is an arm `swap`. */
  readonly outside?: ImageIndex;
  readonly encoders: readonly Encoder[];
  readonly arms: readonly string[];
  /** Images that are removed for each prompt. */
  readonly remove: number;
  readonly seeds: readonly number[];
  readonly caption?: string;
  /** Pixels of an item's file, and its SHA-256. */
  read(file: string): Promise<{ readonly pixels: Tensor<'uint8'>; readonly hash: string }>;
}

export interface PlannedRun {
  readonly plan: VerifyPlan;
  /** What the manifest of the index says of the items; never an effect's to say. */
  readonly membership: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Chooses what each arm removes, and plans its trainings: every arm with every seed, and full data with the same seeds,
 * to which it is compared.
 */
export async function planVerification(request: PlanRequest): Promise<PlannedRun> {
  const { items, index, calibration, outside, encoders, remove, seeds } = request;
  const search = searchKeypoints(index.features);
  const tracer = imageTracer(index, calibration);
  const captions = captionsOf(index, request.caption);
  const traced = items.filter(({ stratum }) => stratum !== unrelatedStratum);
  const groups = new Map<string, { prompt: string | undefined; found: Parameters<typeof promptScores>[1][number][] }>();
  const members = { same: 0, near: 0, none: 0 };
  for (const { image, group, prompt } of traced) {
    const { pixels, hash } = await request.read(image);
    const query = queryImage(pixels, { file: hash, embeddings: await embedAll(encoders, pixels) });
    const signals = signalsOf(index.features, search, query);
    const { membership } = tracer.trace(query, { most: 1 });
    members[membership.same.length > 0 ? 'same' : membership.near.length > 0 ? 'near' : 'none']++;
    const { whole, region } = scoresOf(signals, calibration.weights);
    const entry = groups.get(group) ?? { prompt, found: [] };
    entry.found.push({ signals, whole, region });
    groups.set(group, entry);
  }
  const prompts = [...groups].map(([group, { prompt, found }]) => promptScores(group, found, { captions, prompt }));
  const context: ArmContext = { prompts, images: index.items.length, remove, seed: 0 };
  const removed = new Map(request.arms.map((arm) => [arm, removedBy(arm as ArmName, context, index)]));
  const trainings: PlannedVerification[] = [];
  const notes: string[] = [];
  for (const seed of seeds) {
    trainings.push({ arm: 'full', seed, removed: [], replaced: {} });
    for (const [arm, ids] of removed) trainings.push({ arm, seed, removed: ids, replaced: {} });
  }
  if (outside) {
    const replaced = lookAlikes(removedBy('traced', context, index), index, outside, calibration);
    for (const seed of seeds) trainings.push({ arm: 'swap', seed, removed: [], replaced });
    notes.push(
      `swap: ${Object.keys(replaced).length} traced images are replaced by their look-alikes of ${outside.name}`,
    );
  }
  for (const [arm, ids] of removed)
    notes.push(
      `${arm}: ${ids.length} of ${index.items.length} images are removed (${remove} for each of ${prompts.length} prompts, each once)`,
    );
  return { plan: { items: [...items], trainings }, membership: membershipTexts(members), notes };
}

function membershipTexts({ same, near, none }: Readonly<Record<'same' | 'near' | 'none', number>>): string[] {
  return [
    `${same} item${same === 1 ? '' : 's'} in the data`,
    `${near} with a near copy in it`,
    `${none} similar at most, not in this data set`,
  ];
}
