import * as z from 'zod/mini';

/** How good an explanation is, as its document holds it. */
export const scorecardSchema = z.object({
  entries: z.array(
    z.object({
      metric: z.string(),
      title: z.string(),
      direction: z.enum(['higher', 'lower']),
      score: z.number(),
      /** Least and largest score over the references. */
      low: z.number(),
      high: z.number(),
      parts: z.record(z.string(), z.number()),
    }),
  ),
  /** What removed features were replaced by. */
  reference: z.string(),
  /** References behind the intervals, the first one included. */
  references: z.array(z.string()),
  /** Why scores may rank wrongly: the reference still shows what it should hide. */
  warning: z.nullable(z.string()),
  notes: z.array(z.string()),
  cost: z.object({ forward: z.int(), backward: z.int(), seconds: z.number() }),
});

export type ScorecardDocument = z.infer<typeof scorecardSchema>;

/** A scorecard, or why there is none. */
export interface Scored {
  readonly scorecard?: ScorecardDocument;
  readonly missing?: string;
}
