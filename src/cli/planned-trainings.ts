import * as z from 'zod/mini';
import type { PlannedTraining } from '../influence/retraining/retraining.ts';
import type { Work } from '../run/shard.ts';

/** A work, and the contents that its processes read from the storage. */
export interface PlannedWork {
  readonly work: Work;
  readonly data: string;
  readonly blobs: readonly Uint8Array[];
}

/** Rows that a training leaves out or uses more than once, rows that have another class in it, its seed, whether its weights are kept. */
const contracted = z.array(
  z.strictObject({
    seed: z.number(),
    counts: z.record(z.string(), z.int().check(z.minimum(0))),
    labels: z.optional(z.record(z.string(), z.int().check(z.minimum(0)))),
    keeps: z.optional(z.boolean()),
  }),
);

type Contracted = z.infer<typeof contracted>[number];

/** Trainings as JSON: what differs from a training on all rows, by row. */
export function contract(trainings: readonly PlannedTraining[]): string {
  const one = ({ seed, counts, labels, keeps }: PlannedTraining): Contracted => {
    const others: Record<string, number> = {};
    for (const [row, count] of counts.entries()) if (count !== 1) others[row] = count;
    return {
      seed,
      counts: others,
      ...(labels?.size && { labels: Object.fromEntries(labels) }),
      ...(keeps && { keeps }),
    };
  };
  return JSON.stringify(trainings.map(one));
}

/** The trainings of {@link contract}. */
export function expand(content: Uint8Array, rows: number): PlannedTraining[] {
  return contracted
    .parse(JSON.parse(new TextDecoder().decode(content)))
    .map(({ seed, counts: others, labels, keeps }) => {
      const counts = new Uint32Array(rows).fill(1);
      for (const [row, count] of Object.entries(others)) counts[Number(row)] = count;
      const named = labels && new Map(Object.entries(labels).map(([row, label]) => [Number(row), label] as const));
      return { seed, counts, ...(named && { labels: named }), ...(keeps && { keeps }) };
    });
}
