import * as z from 'zod';

/** Group of items that are never traced: what is removed for others should not change them. */
export const unrelatedStratum = 'unrelated';

/** An item whose cost is measured. */
export const verifiedItem = z.strictObject({
  id: z.string(),
  /** Its file. */
  image: z.string(),
  prompt: z.string().optional(),
  /** Items of one prompt are averaged, and drawn together. */
  group: z.string(),
  /** Kinds of prompts that are reported apart. */
  stratum: z.string(),
});

export type VerifiedItem = z.infer<typeof verifiedItem>;

/** One training of the plan, and what its model is asked. */
export const plannedTraining = z.strictObject({
  arm: z.string(),
  seed: z.int(),
  /** Ids of items of the data that are left out. */
  removed: z.array(z.string()),
  /** Items of the data that are replaced, in their place in the order of batches: id → file of another image. */
  replaced: z.record(z.string(), z.string()),
});

export type PlannedVerification = z.infer<typeof plannedTraining>;

/** The blob behind the work: everything that the trainings depend on. */
export const verifyPlan = z.strictObject({
  items: z.array(verifiedItem),
  trainings: z.array(plannedTraining),
});

export type VerifyPlan = z.infer<typeof verifyPlan>;

/** Costs of the items after one training, by measure (`whole`, and others that the cost command gives). */
export const trainingCosts = z.record(z.string(), z.record(z.string(), z.number()));

/** item → measure → cost */
export type TrainingCosts = z.infer<typeof trainingCosts>;

/** A training that was done. */
export interface DoneTraining extends PlannedVerification {
  readonly costs: TrainingCosts;
}
