import { activationExpansions } from './activations.ts';
import { arrangementExpansions } from './arrangement.ts';
import type { Expansions } from './expression.ts';
import { normalizationExpansions } from './normalization.ts';
import { productExpansions } from './products.ts';

/** Expansions that many networks need. */
export const commonExpansions: Expansions = {
  ...activationExpansions,
  ...arrangementExpansions,
  ...normalizationExpansions,
  ...productExpansions,
};
