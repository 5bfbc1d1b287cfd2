import { attentionExpansions } from './attention.ts';
import { commonExpansions } from './common.ts';
import { deformableExpansions } from './deformable.ts';
import { expertExpansions } from './experts.ts';
import type { Expansions } from './expression.ts';
import { featureExpansions } from './features.ts';
import { linearModelExpansions } from './linear-models.ts';
import { lossExpansions } from './losses.ts';
import { normalizationExpansions } from './normalization.ts';
import { packedWeightExpansions } from './packed-weights.ts';
import { productExpansions } from './products.ts';
import { quantizedExpansions } from './quantized.ts';
import { rotaryExpansions } from './rotary.ts';
import { supportVectorExpansions } from './support-vectors.ts';

/** All expansions, for whoever cannot wait until those of a model are loaded (`expansionsFor`). */
export const allExpansions = (): Expansions => ({
  ...commonExpansions,
  ...attentionExpansions,
  ...deformableExpansions,
  ...expertExpansions,
  ...featureExpansions,
  ...linearModelExpansions,
  ...lossExpansions,
  ...normalizationExpansions,
  ...packedWeightExpansions,
  ...productExpansions,
  ...quantizedExpansions,
  ...rotaryExpansions,
  ...supportVectorExpansions,
});
