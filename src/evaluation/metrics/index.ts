import { attributionError, faithfulnessCorrelation, infidelity, sensitivityN } from './additivity.ts';
import { complexity, sparseness } from './concentration.ts';
import { averageDrop, increaseInConfidence } from './confidence.ts';
import { deletion, deletionLeRF, insertion, insertionLeRF } from './curves.ts';
import { comprehensiveness, sufficiency } from './erasure.ts';
import { massAccuracy, pointingGame, rankAccuracy } from './localisation.ts';
import type { Direction, Metric } from './metric.ts';
import { msiLiteral, msiTolerant } from './msi.ts';
import { modelRandomisation, randomLogit } from './randomisation.ts';
import { road } from './road.ts';
import { maxSensitivity } from './robustness.ts';

const rows = {
  'msi-literal': msiLiteral,
  'msi-tolerant': msiTolerant,
  insertion,
  deletion,
  'insertion-lerf': insertionLeRF,
  'deletion-lerf': deletionLeRF,
  sufficiency,
  comprehensiveness,
  road,
  'average-drop': averageDrop,
  'increase-in-confidence': increaseInConfidence,
  infidelity,
  'sensitivity-n': sensitivityN,
  'faithfulness-correlation': faithfulnessCorrelation,
  'attribution-error': attributionError,
  'max-sensitivity': maxSensitivity,
  mprt: modelRandomisation,
  'random-logit': randomLogit,
  sparseness,
  complexity,
  'pointing-game': pointingGame,
  'mass-accuracy': massAccuracy,
  'rank-accuracy': rankAccuracy,
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof rows;

/** Names of the metrics of one direction, known to the compiler. */
export type MetricNameOf<D extends Direction> = {
  [K in MetricName]: (typeof rows)[K]['direction'] extends D ? K : never;
}[MetricName];

/** Every metric by the name that a user types. Help, documentation and comparisons iterate over this table. */
export const metrics: Readonly<Record<MetricName, Metric>> & Readonly<Record<string, Metric>> = rows;
