import { settledPreprocessing } from '../data/guess/settled-preprocessing.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';

/** How inputs are made for a model: given, written beside it, or guessed from the graph and what lies beside. */
export function preprocessingOf(
  model: LoadedModel,
  options: { readonly preprocessing?: Preprocessing },
): Preprocessing {
  return options.preprocessing ?? settledPreprocessing(model);
}
