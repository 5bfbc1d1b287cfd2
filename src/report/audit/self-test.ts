import { join } from 'node:path';
import { readBytes } from '../../data/files/read-file.ts';
import { loadModel } from '../../data/model/load-model.ts';
import type { LoadedModel } from '../../data/model/loaded-model.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import { WhereforeError } from '../../errors.ts';
import type { SelfTest } from '../../influence/audit/document.ts';
import { foundByMethods, plantErrors, plantKinds } from '../../influence/audit/planted.ts';
import { classNumbers, withLabels } from '../../influence/decided-dataset.ts';
import { nearestNeighbours } from '../../influence/neighbours.ts';
import { represent } from '../../influence/represent.ts';
import { encodeModel } from '../../onnx/encode.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { openTraining, train } from '../../train/index.ts';
import { classNames, classReader } from './class-reader.ts';

export interface SelfTestOptions {
  readonly model: LoadedModel;
  readonly data: Dataset;
  /** What the training of the model left: then it is trained again on the planted errors, once for each kind. */
  readonly training?: string;
  readonly layer?: string;
  /** Part of the labels that is made wrong. Default 0.05. */
  readonly share?: number;
  readonly seed: number;
  readonly runtime: Runtime;
  readonly signal?: AbortSignal;
}

/**
 * Plants errors in the user's own rows and says how well each order of the audit finds them here.
 * @throws WhereforeError `invalid-data` without classes; as `openTraining`
 */
export async function selfTest(options: SelfTestOptions): Promise<SelfTest> {
  const { model, data, training, share = 0.05, seed, runtime, signal } = options;
  if (data.labels?.type !== 'int64')
    throw new WhereforeError('invalid-data', 'errors can be planted in classes only', { where: data.name });
  const labels = classNumbers(data.labels);
  const example = new Map(Object.entries((await data.read([0])).inputs));
  const classes = await classNames(data, model, example, {});
  const seen = async (of: LoadedModel) => {
    const { probabilities, embeddings, content } = await represent(of, data, {
      ...(await classReader(of, example, classes, { layer: options.layer })),
      signal,
    });
    const among = embeddings ?? content;
    const near = among && (await nearestNeighbours(runtime, among, among, 10, { exceptSelf: true, signal }));
    return { probabilities, near };
  };
  const own = await seen(model);
  const kinds: SelfTest['kinds'][number][] = [];
  for (const kind of plantKinds) {
    const planted = plantErrors({ labels, probabilities: own.probabilities }, kind, { share, seed });
    const again = training === undefined ? undefined : await trainedOn(options, training, planted.labels);
    try {
      const { probabilities, near } = again ? await seen(again) : own;
      kinds.push({
        kind,
        planted: planted.wrong.length,
        methods: foundByMethods(planted, probabilities, near, seed),
      });
    } finally {
      await again?.close();
    }
  }
  return { retrained: training !== undefined, share, kinds };
}

/** The model trained again, on other labels. */
async function trainedOn(
  { model, data, runtime, signal }: SelfTestOptions,
  folder: string,
  labels: Int32Array,
): Promise<LoadedModel> {
  const samples = withLabels(data, labels);
  const read = (name: string) => readBytes(join(folder, name), name.endsWith('.onnx') ? 'model' : 'document');
  const { options } = await openTraining(read, { samples, runtime });
  const { model: trained } = await train({ ...options, signal });
  const made = await loadModel(encodeModel(trained), { name: model.name });
  // Rows become inputs as they do for the model in hand.
  return { ...made, preprocessing: model.preprocessing, labels: model.labels };
}
