import * as z from 'zod/mini';

/** Group of items that are never traced: what is removed for others should not change them. */
export const unrelatedStratum = 'unrelated';

/** Questions that items may ask, each with a ranking of its own. */
export const askedQuestions = ['whole', 'region', 'block', 'words'] as const;

export type AskedQuestion = (typeof askedQuestions)[number];

/** An item whose cost is measured. */
export const verifiedItem = z.strictObject({
  id: z.string(),
  /** Its file. */
  image: z.string(),
  prompt: z.optional(z.string()),
  /** Items of one prompt are averaged, and drawn together. */
  group: z.string(),
  /** Kinds of prompts that are reported apart. */
  stratum: z.string(),
  /** Images removed for its prompt, where it is not the number that counts for all: a family is removed whole. */
  remove: z.optional(z.int().check(z.minimum(1))),
  /** What is asked of its prompt's items: only that ranking says what is traced. Absent: all joined by rank. */
  question: z.optional(z.enum(askedQuestions)),
  /** The value of some column that the images of its family have, where it is known: to see how many of them are traced. */
  family: z.optional(z.string()),
});

export type VerifiedItem = z.infer<typeof verifiedItem>;

/** An image that is asked about without its manifest: is it in the data, or a look-alike from outside? */
export const candidate = z.strictObject({
  id: z.string(),
  image: z.string(),
  prompt: z.optional(z.string()),
  /** Of the prompt that it was traced for. */
  stratum: z.string(),
  /** Whether it is in the data; a look-alike from outside is not. */
  member: z.boolean(),
});

export type Candidate = z.infer<typeof candidate>;

/** One training of the plan, and what its model is asked. */
export const plannedTraining = z.strictObject({
  arm: z.string(),
  seed: z.int(),
  /** Ids of items of the data that are left out. */
  removed: z.array(z.string()),
  /** Items of the data that are replaced, in their place in the order of batches: id → file of another image. */
  replaced: z.record(z.string(), z.string()),
  /** The value of a column all of whose images are left out. */
  without: z.optional(z.string()),
  /** Of an arm that removes fewer than the others, to see how the effect grows: images for each prompt. */
  fewer: z.optional(z.int()),
});

export type PlannedVerification = z.infer<typeof plannedTraining>;

/** The blob behind the work: everything that the trainings depend on. */
export const verifyPlan = z.strictObject({
  items: z.array(verifiedItem),
  candidates: z.array(candidate),
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
