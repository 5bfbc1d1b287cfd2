import * as z from 'zod/mini';
import { checked } from '../../checked.ts';
import { WhereforeError } from '../../errors.ts';
import { contentHash } from '../../tensor/content-hash.ts';
import { removalKinds } from './removals.ts';

const estimate = z.strictObject({ mean: z.number(), low: z.optional(z.number()), high: z.optional(z.number()) });

/** A calibration as a file: plain JSON. */
const schema = z.strictObject({
  format: z.literal('wherefore-calibration'),
  version: z.literal(1),
  wherefore: z.string(),
  /** As it could be typed again. */
  command: z.optional(z.string()),
  /** What it holds for: {@link calibrationKey}. */
  key: z.string(),
  model: z.strictObject({ name: z.string(), hash: z.string() }),
  data: z.strictObject({ name: z.string(), key: z.string(), rows: z.int() }),
  method: z.strictObject({ name: z.string(), title: z.string(), unit: z.string() }),
  /** What was measured, and its unit. */
  measured: z.strictObject({ title: z.string(), unit: z.string() }),
  /** The queries, and the class that f of each is about. */
  queries: z.array(z.strictObject({ from: z.string(), target: z.string() })),
  seeds: z.array(z.number()),
  trainings: z.int(),
  slope: estimate,
  scatter: z.number(),
  r2: z.number(),
  spearman: z.optional(z.number()),
  bySize: z
    .array(
      z.strictObject({ rows: z.int(), points: z.int(), slope: z.number(), scatter: z.number(), relative: z.number() }),
    )
    .check(z.minLength(1)),
  removals: z.array(z.strictObject({ rows: z.int(), chosen: z.enum(removalKinds) })),
  points: z.array(z.strictObject({ removal: z.int(), query: z.int(), predicted: z.number(), measured: z.number() })),
  notes: z.array(z.string()),
});

export type CalibrationDocument = z.infer<typeof schema>;

/** What a calibration depends on: scores of this model by this method over these rows. */
export interface CalibratedScores {
  readonly model: string;
  readonly data: string;
  readonly method: string;
  readonly parameters: unknown;
  readonly weightDecay: number;
  /** Loss of a row as a formula; absent: the cross-entropy. */
  readonly loss?: string;
  /** What is measured on many rows: how it is measured and of which; absent where f is of a row, and holds for others. */
  readonly measured?: unknown;
}

/** SHA-256 of what a calibration holds for. */
export function calibrationKey(scores: CalibratedScores): string {
  const { model, data, method, parameters, weightDecay, loss, measured } = scores;
  const of = [model, data, method, parameters, weightDecay, loss, ...(measured === undefined ? [] : [measured])];
  return contentHash(['calibration ', JSON.stringify(of)]);
}

/** A calibration from a file. @throws WhereforeError `invalid-data` */
export function readCalibrationDocument(text: string, where: string): CalibrationDocument {
  const fail = (got: string) =>
    new WhereforeError('invalid-data', 'not a calibration record', {
      where,
      got,
      fix: 'make it anew: wherefore influence … --calibrate',
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fail('no JSON');
  }
  const parsed = checked(schema, value);
  if (parsed.success) return parsed.data;
  throw fail(`${parsed.error.issues[0].path.join('.')}: ${parsed.error.issues[0].message}`);
}
