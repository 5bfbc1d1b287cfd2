import { join } from 'node:path';
import { writeAtomically } from '../data/files/files.ts';
import { portablePath } from '../data/files/portable-path.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { type RunOrigin, runRecord } from '../explain/run-record.ts';
import type { Adapted } from '../explainer/index.ts';
import { encodeModel } from '../onnx/encode.ts';
import { trainingCurves } from '../page/curves.ts';

/** What made a training of an explainer, besides its settings. */
export interface AdaptInfo extends RunOrigin {
  readonly data: string;
  readonly images: number;
  readonly seconds: number;
  /** Key of the work. */
  readonly key: string;
  /** Where the epochs are kept, and how many. */
  readonly run: { readonly folder: string; readonly shards: number };
}

/** Names of the files of a trained explainer in its folder. */
export const adaptedFiles = {
  explainer: 'explainer.onnx',
  fused: 'model-with-explainer.onnx',
  curves: 'curves.svg',
  losses: 'losses.csv',
  validation: 'validation.csv',
  run: 'run.json',
} as const;

/**
 * Writes a trained explainer: the explainer, the model with it beside it, the curves as an image and as tables, and
 * `run.json`, which says that the rest is whole; last the record of the run.
 */
export async function writeAdapted(
  folder: string,
  model: LoadedModel,
  adapted: Adapted,
  info: AdaptInfo,
): Promise<void> {
  const { history, validations, facts, comparison } = adapted;
  const write = (name: string, content: Uint8Array | string) => writeAtomically(join(folder, name), content);
  await write(adaptedFiles.explainer, encodeModel(adapted.explainer));
  await write(adaptedFiles.fused, encodeModel(adapted.fused));
  const epochs = Number(facts.settings.epochs);
  await write(adaptedFiles.curves, trainingCurves(history.losses, validations, epochs));
  const steps = Array.from(history.losses, (loss, i) => `${i + 1},${loss},${history.learningRates[i]}`);
  await write(adaptedFiles.losses, `step,loss,learning rate\n${steps.join('\n')}\n`);
  const columns = Object.keys(validations[0]) as (keyof (typeof validations)[number])[];
  const rows = validations.map((found) => columns.map((name) => found[name]).join(','));
  await write(adaptedFiles.validation, `${columns.join(',')}\n${rows.join('\n')}\n`);
  const { data, images, seconds, key, run, ...origin } = info;
  const record = runRecord(
    'adapt',
    model,
    { ...origin, seed: facts.seed },
    { key, data: portablePath(data, process.cwd()), images, cost: { seconds }, explainer: facts, comparison },
  );
  await write(adaptedFiles.run, `${JSON.stringify(record, undefined, 2)}\n`);
  const ofRun = { ...record, results: portablePath(folder, process.cwd()), items: steps.length, shards: run.shards };
  await writeAtomically(join(run.folder, adaptedFiles.run), `${JSON.stringify(ofRun, undefined, 2)}\n`);
}
