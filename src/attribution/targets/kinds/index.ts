import * as z from 'zod/mini';
import type { TargetKind } from '../kind.ts';
import { boxCoordinate } from './box-coordinate.ts';
import { classLogOdds } from './class-log-odds.ts';
import { classLogProbability } from './class-log-probability.ts';
import { classLogit } from './class-logit.ts';
import { classProbability } from './class-probability.ts';
import { detectionScore } from './detection-score.ts';
import { expression } from './expression.ts';
import { logitDifference } from './logit-difference.ts';
import { output } from './output.ts';
import { region } from './region.ts';
import { similarity } from './similarity.ts';
import { tokenClass } from './token-class.ts';
import { tokenLogProbability } from './token-log-probability.ts';

/** Every kind of target. Checks, documents, texts, help and the shared tests iterate over this table. */
const rows = {
  classLogit,
  classProbability,
  classLogProbability,
  classLogOdds,
  logitDifference,
  tokenLogProbability,
  tokenClass,
  detectionScore,
  boxCoordinate,
  region,
  similarity,
  output,
  expression,
} as const;

/** What is explained: one number per input, computed from the outputs. Indices leave the batch axis out. */
export type Target = { [K in keyof typeof rows]: Parameters<(typeof rows)[K]['describe']>[0] }[keyof typeof rows];

/** A target of the classes of an output. */
export type ClassTarget = {
  [K in keyof typeof rows]: (typeof rows)[K] extends { readonly ofClasses: true }
    ? Parameters<(typeof rows)[K]['describe']>[0]
    : never;
}[keyof typeof rows];

export type TargetKindName = keyof typeof rows;

/** The table, with the type of the targets left open. */
export const targetKinds: Readonly<Record<TargetKindName, TargetKind<Target>>> = rows;

export function isClassTarget(target: Target): target is ClassTarget {
  return targetKinds[target.kind].ofClasses === true;
}

type Schema = (typeof rows)[TargetKindName]['schema'];

/** The form of a target: as a document records it, and as a caller in JavaScript may give it. */
export const targetSchema = z.discriminatedUnion(
  'kind',
  Object.values(rows).map(({ schema }) => schema) as [Schema, ...Schema[]],
);
