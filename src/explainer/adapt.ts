import type { Dataset } from '../dataset/dataset.ts';
import type { Model } from '../runtime/model.ts';
import type { Checkpoint, CheckpointStore } from '../train/index.ts';
import { type AdaptationOptions, type Adapted, type AdaptPlan, openAdaptation } from './open-adaptation.ts';
import type { Validation } from './validate.ts';

export interface AdaptOptions extends AdaptationOptions {
  /** Where checkpoints go, one after every epoch. Default: none are kept. */
  readonly checkpoints?: CheckpointStore;
  /** Goes on from here; the result has the same bits as that of an uninterrupted training. */
  readonly resume?: Checkpoint;
  /** Called with what will be trained, before it is. */
  readonly onStart?: (plan: AdaptPlan) => void;
  readonly onValidation?: (validation: Validation) => void;
}

/**
 * Trains a learned explainer (LAX): a small network that turns a frozen classifier's features and a class into a mask,
 * on unlabelled images, so that what the mask keeps suffices for the prediction, what it leaves does not, and it is
 * small. The classifier does not change.
 *
 * Source: "Learning Quantifiable Visual Explanations Without Ground-Truth", arXiv 2605.18681; the loss is our
 * reconstruction (see `appendObjective`).
 * @throws WhereforeError `unsupported-model` for a model that is no classifier of images, `collapsed` when the mask
 *   comes to keep all or nothing, `not-finite`, `cancelled`, `invalid-argument`
 */
export async function adapt(model: Model, dataset: Dataset, options: AdaptOptions = {}): Promise<Adapted> {
  const { checkpoints, resume } = options;
  const adaptation = await openAdaptation(model, dataset, options);
  try {
    options.onStart?.(adaptation.plan);
    const validations: Validation[] = [];
    // What an interrupted training had found is found again from its checkpoints.
    for (const step of resume ? await (checkpoints?.steps() ?? []) : []) {
      const earlier = step <= (resume?.step ?? 0) ? await checkpoints?.load(step) : undefined;
      if (earlier) validations.push(await adaptation.validate(earlier));
    }
    let last = resume;
    while ((last?.epoch ?? 0) < adaptation.plan.settings.epochs) {
      const next = await adaptation.epoch(last);
      await checkpoints?.save(next);
      const found = await adaptation.validate(next);
      validations.push(found);
      options.onValidation?.(found);
      adaptation.check(validations);
      last = next;
    }
    if (validations.length === 0) {
      // Resumed after its last step, from a checkpoint that lies nowhere else.
      validations.push(await adaptation.validate(last as Checkpoint));
      adaptation.check(validations);
    }
    return await adaptation.finish(last as Checkpoint, validations);
  } finally {
    await adaptation.close();
  }
}
