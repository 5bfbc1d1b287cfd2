import type { Tensor } from '../../tensor/tensor.ts';
import type { Calibration } from '../image/calibrate.ts';
import { captionsOf } from '../image/captions.ts';
import type { Encoder } from '../image/encoder.ts';
import type { ImageIndex } from '../image/image-index.ts';
import { type ArmContext, type ArmName, arms, promptScores, removedBy } from './arms.ts';
import { type FamilyShare, familyShares } from './family-members.ts';
import { type InfluenceScores, scoresOfItem } from './influence-scores.ts';
import { lookAlikes } from './look-alikes.ts';
import type { SharesByItem } from './share-agreement.ts';
import { type ItemSignals, type MembershipCounts, traceItems } from './traced-items.ts';
import { type ColumnValues, tracedShares } from './traced-shares.ts';
import {
  type Candidate,
  type PlannedVerification,
  unrelatedStratum,
  type VerifiedItem,
  type VerifyPlan,
} from './verification.ts';

export interface PlanRequest {
  readonly items: readonly VerifiedItem[];
  readonly index: ImageIndex;
  readonly calibration: Calibration;
  /** Images that are not in the data; with them there is an arm `swap`. */
  readonly outside?: ImageIndex;
  readonly encoders: readonly Encoder[];
  readonly arms: readonly string[];
  /** Images that are removed for each prompt, where its items do not say how many. */
  readonly remove: number;
  readonly seeds: readonly number[];
  readonly caption?: string;
  /** Smaller numbers of images, with which the traced arm is trained as well, to see how the effect grows. */
  readonly fewer?: readonly number[];
  /** How much each image counts for each item by gradients of the generator: item → image → score, by ids. */
  readonly influence?: InfluenceScores;
  /** A column, e.g. the artist: all images of each of its values are left out in turn. */
  readonly leaveOut?: ColumnValues;
  /** Pixels of an item's file, and its SHA-256. */
  read(file: string): Promise<{ readonly pixels: Tensor<'uint8'>; readonly hash: string }>;
}

export interface PlannedRun {
  readonly plan: VerifyPlan;
  /** SHA-256 of the file of every item, by id. */
  readonly files: ReadonlyMap<string, string>;
  /** What the manifest of the index says of the items; never an effect's to say. */
  readonly membership: readonly string[];
  readonly notes: readonly string[];
  /** Of a column that is left out value by value: its shares by each method, which the effects are compared with. */
  /** How much of the families of the items each arm chooses; none where no family is known. */
  readonly families: readonly FamilyShare[];
  readonly shares: Readonly<Record<string, SharesByItem>> | undefined;
}

/**
 * Chooses what each arm removes, and plans its trainings: every arm with every seed, and full data with the same seeds,
 * to which it is compared.
 */
export async function planVerification(request: PlanRequest): Promise<PlannedRun> {
  const { items, index, remove, seeds, leaveOut } = request;
  const captions = captionsOf(index, request.caption);
  const { traced, files, members } = await traceItems({ ...request, captions });
  const context = contextOf(request, traced);
  const removed = new Map(request.arms.map((arm) => [arm, removedBy(arm as ArmName, context, index)]));
  const trainings: PlannedVerification[] = [];
  for (const seed of seeds) {
    trainings.push({ arm: 'full', seed, removed: [], replaced: {} });
    for (const [arm, ids] of removed) trainings.push({ arm, seed, removed: ids, replaced: {} });
  }
  for (const fewer of request.fewer ?? []) {
    const ids = removedBy('traced', { ...context, prompts: withFewer(context, fewer) }, index);
    for (const seed of seeds)
      trainings.push({ arm: `traced, ${fewer} a prompt`, seed, removed: ids, replaced: {}, fewer });
  }
  const swap = request.outside && swapOf(request, request.outside, context);
  if (swap) for (const seed of seeds) trainings.push({ arm: 'swap', seed, removed: [], replaced: swap.replaced });
  for (const [v, value] of (leaveOut?.values ?? []).entries()) {
    const ids = index.items.flatMap(({ id }, image) => (leaveOut?.of[image] === v ? [id] : []));
    for (const seed of seeds)
      trainings.push({ arm: `without ${value}`, seed, removed: ids, replaced: {}, without: value });
  }
  const notes = [...removed].map(
    ([arm, ids]) =>
      `${arm}: ${ids.length} of ${index.items.length} images are removed (${removeText(context, remove)} for each of ${context.prompts.length} prompts, each once)`,
  );
  if (swap) notes.unshift(swap.note);
  return {
    plan: { items: [...items], candidates: swap?.candidates ?? [], trainings },
    files,
    membership: membershipTexts(members),
    notes,
    families: familyShares(request.arms, context, items, index),
    shares: leaveOut && tracedShares(traced, items, leaveOut),
  };
}

function contextOf(
  { items, index, remove, caption, influence }: PlanRequest,
  traced: ReadonlyMap<string, ItemSignals>,
): ArmContext {
  const captions = captionsOf(index, caption);
  const ids = index.items.map(({ id }) => id);
  const groups = new Map<string, { first: VerifiedItem; found: ItemSignals[]; gradients: Float64Array[] }>();
  for (const item of items) {
    if (item.stratum === unrelatedStratum) continue;
    const entry = groups.get(item.group) ?? { first: item, found: [], gradients: [] };
    entry.found.push(traced.get(item.id) as ItemSignals);
    if (influence) entry.gradients.push(scoresOfItem(influence, item.id, ids));
    groups.set(item.group, entry);
  }
  const prompts = [...groups].map(([group, { first, found, gradients }]) => {
    const { prompt, question } = first;
    const facts = { captions, prompt, question, remove: first.remove ?? remove };
    return promptScores(group, found, influence ? { ...facts, gradients } : facts);
  });
  return { prompts, images: index.items.length, seed: 0 };
}

const withFewer = ({ prompts }: ArmContext, most: number) =>
  prompts.map((prompt) => ({ ...prompt, remove: Math.min(most, prompt.remove) }));

/** Each traced image and its best look-alike from outside: what takes its place, and who is asked about membership. */
function swapOf({ index, calibration, items, caption }: PlanRequest, outside: ImageIndex, context: ArmContext) {
  const strata = new Map(items.map(({ group, stratum }) => [group, stratum]));
  const [captions, others] = [captionsOf(index, caption), captionsOf(outside, caption)];
  const stratumOf = new Map<number, string>();
  for (const [p, images] of arms.traced.choose(context).entries())
    for (const image of images)
      if (!stratumOf.has(image)) stratumOf.set(image, strata.get(context.prompts[p].group) as string);
  const number = new Map(index.items.map(({ id }, image) => [id, image]));
  const found = lookAlikes(removedBy('traced', context, index), index, outside, calibration);
  const candidates: Candidate[] = [];
  for (const [id, other] of found) {
    const image = number.get(id) as number;
    const stratum = stratumOf.get(image) as string;
    const { place } = outside.items[other];
    const own = { image: index.items[image].place, prompt: captions?.[image], stratum };
    candidates.push({ ...own, id: `in the data: ${id}`, member: true });
    candidates.push({ id: `outside: ${place}`, image: place, prompt: others?.[other], stratum, member: false });
  }
  return {
    replaced: Object.fromEntries([...found].map(([id, other]) => [id, outside.items[other].place])),
    candidates,
    note: `swap: ${found.size} traced images are replaced by their look-alikes of ${outside.name}`,
  };
}

function removeText({ prompts }: ArmContext, most: number): string {
  const counts = [...new Set(prompts.map(({ remove }) => remove))].sort((a, b) => a - b);
  return counts.length > 1 ? `${counts[0]} to ${counts[counts.length - 1]}` : String(counts[0] ?? most);
}

function membershipTexts({ same, near, none }: MembershipCounts): string[] {
  return [
    `${same} item${same === 1 ? '' : 's'} in the data`,
    `${near} with a near copy in it`,
    `${none} similar at most, not in this data set`,
  ];
}
