import { activationExpansions } from './activations.ts';
import { arrangementExpansions } from './arrangement.ts';
import type { Expansions } from './expression.ts';

/** Expansions that many networks need. */
export const commonExpansions: Expansions = {
  ...activationExpansions,
  ...arrangementExpansions,
};
