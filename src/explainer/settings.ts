import * as z from 'zod/mini';
import { checkParameters } from '../attribution/parameters.ts';
import { WhereforeError } from '../errors.ts';

/** What stands for an absent pixel while the explainer is trained. */
const referenceKinds = ['mean', 'noise', 'colour', 'image', 'tiles'] as const;
export type ReferenceKind = (typeof referenceKinds)[number];

const share = z.number().check(z.minimum(0), z.maximum(1));
const weight = z.number().check(z.minimum(0));

/** How a learned explainer is made and trained; every field has a default. */
export const settingsSchema = z.strictObject({
  /** Values of the graph whose features the adapter reads, low to high. Default: chosen from the graph. */
  layers: z.optional(z.array(z.string()).check(z.minLength(1), z.maxLength(3))),
  /** `features`: the adapter reads inner values of the model. `input`: a small U-Net reads the input alone. */
  reads: z._default(z.enum(['features', 'input']), 'features'),
  /** Channels of the adapter. Default 64; 128 where the features are tokens. */
  channels: z.optional(z.int().check(z.minimum(4))),
  /**
   * Channels at the size of the image, between the features and the mask, so that single pixels can be told apart; a
   * multiple of 4. Default 16; 0: masks of the size of the lowest feature map.
   */
  detail: z._default(z.int().check(z.minimum(0), z.multipleOf(4)), 16),
  /**
   * Points t of `μ + t·(x − μ)`, μ the image's mean, at which the adapter is told the gradient of the class; none for an
   * adapter that needs no backward pass. Default 1, the image itself, where the model can be differentiated.
   */
  gradients: z.optional(z.array(z.number().check(z.gt(0), z.maximum(1))).check(z.maxLength(8))),
  /** The threshold below which a pixel does not count as part of the explanation (α_min). */
  threshold: z._default(z.number().check(z.gt(0), z.lt(1)), 0.5),
  /** Temperature of the soft threshold at the first and the last step; geometric in between. */
  temperature: z._default(z.tuple([z.number().check(z.gt(0)), z.number().check(z.gt(0))]), [0.2, 0.05]),
  references: z._default(z.array(z.enum(referenceKinds)).check(z.minLength(1)), ['mean', 'noise', 'colour', 'image']),
  /** λ_n: weight of the necessity. 0 for inputs with several valid explanations. */
  necessity: z._default(weight, 1),
  /** λ_a: weight of the minimality. */
  minimality: z._default(weight, 4),
  /** λ_g: how much more area costs at higher thresholds; it gives what the mask keeps grades. */
  grading: z._default(weight, 1),
  /** λ_r: weight of the ranking: the best pixels, whatever their number, suffice and are needed. 0 costs no passes. */
  ranking: z._default(weight, 4),
  /** λ_d: how much more than to suffice the best pixels of the ranking are to be needed. */
  rankingNecessity: z._default(weight, 3),
  /** λ_tv: weight of the total variation. */
  variation: z._default(weight, 0.01),
  /** `area`: mean of the soft mask. `information`: nats that pass a Gaussian bottleneck. */
  bottleneck: z._default(z.enum(['area', 'information']), 'area'),
  /** λ_a rises linearly over this share of the steps. */
  warmUp: z._default(share, 0.1),
  /** Share of the samples for which another class is explained than the predicted one. */
  otherClasses: z._default(share, 0.2),
  /** Those classes are among so many of the most probable. */
  topClasses: z._default(z.int().check(z.minimum(2)), 5),
  epochs: z._default(z.int().check(z.minimum(1)), 10),
  batchSize: z._default(z.int().check(z.minimum(1)), 64),
  learningRate: z._default(z.number().check(z.gt(0)), 1e-3),
  weightDecay: z._default(weight, 1e-4),
  /** Share of the inputs that are kept apart for validation, 256 at most. */
  validation: z._default(z.number().check(z.gt(0), z.lt(1)), 0.1),
  seed: z._default(z.int().check(z.minimum(0)), 0),
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
