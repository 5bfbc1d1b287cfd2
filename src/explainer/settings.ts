import * as z from 'zod';
import { checkParameters } from '../attribution/parameters.ts';
import { WhereforeError } from '../errors.ts';

/** What stands for an absent pixel while the explainer is trained. */
const referenceKinds = ['mean', 'noise', 'colour', 'image', 'tiles'] as const;
export type ReferenceKind = (typeof referenceKinds)[number];

const share = z.number().min(0).max(1);
const weight = z.number().min(0);

/** How a learned explainer is made and trained; every field has a default. */
export const settingsSchema = z.strictObject({
  /** Values of the graph whose features the adapter reads, low to high. Default: chosen from the graph. */
  layers: z.array(z.string()).min(1).max(3).optional(),
  /** `features`: the adapter reads inner values of the model. `input`: a small U-Net reads the input alone. */
  reads: z.enum(['features', 'input']).default('features'),
  /** Channels of the adapter. Default 64; 128 where the features are tokens. */
  channels: z.int().min(4).optional(),
  /**
   * Channels at the size of the image, between the features and the mask, so that single pixels can be told apart; a
   * multiple of 4. Default 16; 0: masks of the size of the lowest feature map.
   */
  detail: z.int().min(0).multipleOf(4).default(16),
  /**
   * Points t of `μ + t·(x − μ)`, μ the image's mean, at which the adapter is told the gradient of the class; none for an
   * adapter that needs no backward pass. Default 1, the image itself, where the model can be differentiated.
   */
  gradients: z.array(z.number().gt(0).max(1)).max(8).optional(),
  /** The threshold below which a pixel does not count as part of the explanation (α_min). */
  threshold: z.number().gt(0).lt(1).default(0.5),
  /** Temperature of the soft threshold at the first and the last step; geometric in between. */
  temperature: z.tuple([z.number().gt(0), z.number().gt(0)]).default([0.2, 0.05]),
  references: z.array(z.enum(referenceKinds)).min(1).default(['mean', 'noise', 'colour', 'image']),
  /** λ_n: weight of the necessity. 0 for inputs with several valid explanations. */
  necessity: weight.default(1),
  /** λ_a: weight of the minimality. */
  minimality: weight.default(4),
  /** λ_g: how much more area costs at higher thresholds; it gives what the mask keeps grades. */
  grading: weight.default(1),
  /** λ_r: weight of the ranking: the best pixels, whatever their number, suffice and are needed. 0 costs no passes. */
  ranking: weight.default(4),
  /** λ_d: how much more than to suffice the best pixels of the ranking are to be needed. */
  rankingNecessity: weight.default(3),
  /** λ_tv: weight of the total variation. */
  variation: weight.default(0.01),
  /** `area`: mean of the soft mask. `information`: nats that pass a Gaussian bottleneck. */
  bottleneck: z.enum(['area', 'information']).default('area'),
  /** λ_a rises linearly over this share of the steps. */
  warmUp: share.default(0.1),
  /** Share of the samples for which another class is explained than the predicted one. */
  otherClasses: share.default(0.2),
  /** Those classes are among so many of the most probable. */
  topClasses: z.int().min(2).default(5),
  epochs: z.int().min(1).default(10),
  batchSize: z.int().min(1).default(64),
  learningRate: z.number().gt(0).default(1e-3),
  weightDecay: weight.default(1e-4),
  /** Share of the inputs that are kept apart for validation, 256 at most. */
  validation: z.number().gt(0).lt(1).default(0.1),
  seed: z.int().min(0).default(0),
});

/** What a caller may set. */
export type LaxOptions = z.input<typeof settingsSchema>;
export type LaxSettings = z.output<typeof settingsSchema>;

/** Settings with the defaults filled in. @throws WhereforeError `invalid-argument`, naming the field */
export function laxSettings(options: LaxOptions = {}): LaxSettings {
  const settings = checkParameters('the explainer', settingsSchema, options);
  if (settings.reads === 'input' && settings.layers) {
    throw new WhereforeError('invalid-argument', 'layers of an explainer that reads the input alone', {
      got: settings.layers.join(', '),
      fix: 'leave the layers out, or let it read features',
    });
  }
  if (settings.reads === 'input' && settings.gradients?.length) {
    throw new WhereforeError('invalid-argument', 'gradients for an explainer that reads the input alone', {
      got: settings.gradients.join(', '),
      fix: 'leave them out, or let it read features',
    });
  }
  // The bottleneck's price is that of Gaussian noise: with another reference it would not be the information passed.
  return settings.bottleneck === 'information' ? { ...settings, references: ['noise'] } : settings;
}
