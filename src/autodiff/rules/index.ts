import type { OperatorsWith } from '../../onnx/operators.ts';
import { activations } from './activations.ts';
import { arithmetic } from './arithmetic.ts';
import { convolutions } from './convolution.ts';
import { elementary } from './elementary.ts';
import type { RuleEntry, RuleTable } from './entry.ts';
import { fourier } from './fourier.ts';
import { indexing } from './indexing.ts';
import { matrix } from './matrix.ts';
import { movement } from './movement.ts';
import { normalization } from './normalization.ts';
import { padding } from './padding.ts';
import { pooling } from './pooling.ts';
import { quantization } from './quantization.ts';
import { recurrentLayers } from './recurrent.ts';
import { reductions } from './reductions.ts';
import { regions } from './regions.ts';
import { resizing } from './resize.ts';
import { sampling } from './sampling.ts';

/** Every family; an operator stands in exactly one of them (a test checks it). */
export const ruleFamilies = {
  arithmetic,
  elementary,
  activations,
  reductions,
  normalization,
  matrix,
  indexing,
  movement,
  convolutions,
  padding,
  pooling,
  fourier,
  regions,
  resizing,
  sampling,
  quantization,
  recurrentLayers,
} satisfies Record<string, RuleTable>;

const rules = {
  ...arithmetic,
  ...elementary,
  ...activations,
  ...reductions,
  ...normalization,
  ...matrix,
  ...indexing,
  ...movement,
  ...convolutions,
  ...padding,
  ...pooling,
  ...fourier,
  ...regions,
  ...resizing,
  ...sampling,
  ...quantization,
  ...recurrentLayers,
};

/** Rules of operators that the table of operators does not list with one: there are none, or the table below does not compile. */
type Unlisted = Exclude<keyof typeof rules, OperatorsWith<'rule'>>;

/**
 * Vector-Jacobian products by operator key: standard operators by name, others with their domain before it. The keys are
 * those that the table of operators lists with a rule, no more and no fewer.
 */
export const vjpRules: Readonly<Record<OperatorsWith<'rule'>, RuleEntry> & Record<Unlisted, never>> = rules;
