import { settledPreprocessing } from '../../data/guess/settled-preprocessing.ts';
import { describedImage, preprocessImage } from '../../data/inputs/image-input.ts';
import type { LoadedModel } from '../../data/model/loaded-model.ts';
import { lastFeatures, overPositions, withOutput } from '../../influence/represent.ts';
import { unknownName } from '../../nearest.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { IndexedEncoder } from './manifest.ts';

export interface Encoder {
  readonly entry: IndexedEncoder;
  /** The layer's value, its mean over positions where it has some. */
  embed(pixels: Tensor<'uint8'>): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * An open model as an encoder of images; closing it closes the model.
 * @param layer the value that embeds. Default: what the last layer of weights before the first output reads.
 * @throws WhereforeError `unknown-name` for a layer that is not there; `invalid-argument` for a model that takes no image
 */
export async function imageEncoder(model: LoadedModel, layer?: string): Promise<Encoder> {
  const { name: input, preprocessing } = describedImage(settledPreprocessing(model), model.name);
  const value = layer ?? lastFeatures(model.graph, model.graph.outputs[0].name) ?? model.graph.outputs[0].name;
  const values = [...model.graph.nodes.flatMap(({ outputs }) => outputs)];
  if (!values.includes(value)) throw unknownName('the encoder has no value', value, values, { where: model.name });
  const graph = withOutput(model.graph, value);
  const embed = async (pixels: Tensor<'uint8'>) => {
    const { tensor } = await preprocessImage(pixels, preprocessing);
    const found = (await model.executor.run(graph, new Map([[input, tensor]]), [value])).get(value) as Tensor;
    return overPositions(found).data;
  };
  const { length: width } = await embed({ type: 'uint8', shape: [64, 64, 3], data: new Uint8Array(64 * 64 * 3) });
  return {
    entry: { name: model.name, model: model.hash, layer: value, width },
    embed,
    close: () => model.close(),
  };
}

/** The embeddings of an image by every encoder. */
export async function embedAll(encoders: readonly Encoder[], pixels: Tensor<'uint8'>): Promise<Float32Array[]> {
  const found: Float32Array[] = [];
  for (const encoder of encoders) found.push(await encoder.embed(pixels));
  return found;
}
