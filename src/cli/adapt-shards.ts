import * as z from 'zod/mini';
import { readSafetensors, writeSafetensors } from '../data/formats/safetensors.ts';
import { unlabelledInputs } from '../data/inputs/unlabelled.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { WhereforeError } from '../errors.ts';
import { preprocessingOf } from '../explain/preprocessing-of.ts';
import {
  type LaxOptions,
  type OpenAdaptation,
  openAdaptation,
  settingsSchema,
  type Validation,
} from '../explainer/index.ts';
import type { OpenShards, ShardProgram } from '../run/shard.ts';
import { type Checkpoint, checkpointContent, readCheckpoint } from '../train/checkpoint.ts';
import type { TrainingProgress } from '../train/index.ts';

/** What a training of an explainer is asked, but for the images: they are in the data of the work. */
const parameters = z.object({
  model: z.string(),
  preprocessing: z.optional(z.string()),
  data: z.string(),
  settings: settingsSchema,
  /** What lies beside the model, by hash. */
  beside: z.record(z.string(), z.string()),
  /** How many threads trained it, where it was not one: sums of several may round differently. */
  threads: z.optional(z.number()),
});

export type AdaptParameters = z.input<typeof parameters>;

/** The key of the images, as the data of the work has it. */
export const adaptedData = z.object({ key: z.string() });

/** Files of a shard: where the training stands after its epoch, and what held-out images showed. */
export const adaptFiles = { checkpoint: 'checkpoint.safetensors', validation: 'validation.json' } as const;

/** `adapt`: each shard is an epoch, and its items are the steps; every epoch follows the one before. */
export const adaptProgram: ShardProgram = {
  version: 1,
  async open({ work, threads, signal, file, blob }) {
    const asked = parameters.parse(work.parameters);
    const preprocessing = asked.preprocessing && (await file(asked.preprocessing));
    const model = await loadModel(await file(asked.model), { threads, preprocessing });
    const dataset = await unlabelledInputs(await file(asked.data), model, preprocessingOf(model, {}));
    const { key } = adaptedData.parse(JSON.parse(new TextDecoder().decode(await blob(work.data as string))));
    if ((await dataset.key({ signal })) !== key) throw otherImages(asked.data);
    const epochs = await openEpochs(model, dataset, { settings: asked.settings, signal });
    const close = async () => {
      await epochs.close();
      await model.close();
    };
    return { ...epochs, close };
  },
};

/** The epochs of a training as shards, with its plan and what makes the explainer of it. */
export type OpenEpochs = OpenShards & Pick<OpenAdaptation, 'finish' | 'plan'>;

export interface EpochOptions {
  readonly settings: LaxOptions;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly onValidation?: (validation: Validation) => void;
}

/** Opens the training of an explainer, to be computed epoch by epoch. */
export async function openEpochs(
  model: LoadedModel,
  dataset: Dataset,
  { settings, signal, onProgress, onValidation }: EpochOptions,
): Promise<OpenEpochs> {
  const [{ name }] = model.graph.inputs;
  const described = preprocessingOf(model, {}).inputs[name];
  let tell: (step: number) => void = () => undefined;
  const adaptation = await openAdaptation(model, dataset, {
    ...{ settings, signal },
    channelAxis: described?.kind === 'image' ? (described.layout === 'NCHW' ? 1 : 3) : undefined,
    onProgress: (progress) => {
      tell(progress.step);
      onProgress?.(progress);
    },
  });
  const { plan } = adaptation;
  return {
    plan,
    model: model.hash,
    async compute({ from }, report, { before }) {
      const began = performance.now();
      tell = (step) => report(step - from);
      const [earlier, last] = [await before(adaptFiles.checkpoint), await before(adaptFiles.validation)];
      const next = await adaptation.epoch(earlier && checkpointOf(earlier));
      const found = await adaptation.validate(next);
      onValidation?.(found);
      adaptation.check([...(last ? [validationOf(last)] : []), found]);
      const { tensors, metadata } = checkpointContent(next);
      return {
        files: {
          [adaptFiles.checkpoint]: writeSafetensors(tensors, metadata),
          [adaptFiles.validation]: new TextEncoder().encode(`${JSON.stringify(found)}\n`),
        },
        cost: { forward: plan.images, backward: plan.images, seconds: (performance.now() - began) / 1000 },
      };
    },
    finish: adaptation.finish,
    close: adaptation.close,
  };
}

/** The file of a shard that says where its training stands. */
export function checkpointOf(bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = readSafetensors(bytes, adaptFiles.checkpoint);
  return readCheckpoint(tensors, metadata, adaptFiles.checkpoint);
}

export const validationOf = (bytes: Uint8Array): Validation => JSON.parse(new TextDecoder().decode(bytes));

function otherImages(where: string): WhereforeError {
  return new WhereforeError('invalid-data', 'the images are not those that the training was planned with', {
    where,
    fix: 'give the command again: it plans anew with the images as they are now',
  });
}
