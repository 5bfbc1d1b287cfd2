import { loadModel } from '../../data/model/load-model.ts';
import { type Encoder, imageEncoder } from './image-encoder.ts';

export type { Encoder };

/** A model, and the value of its graph that embeds an image. */
export interface EncoderChoice {
  readonly model: string;
  /** Default: what the last layer of weights before the first output reads. */
  readonly layer?: string;
}

/**
 * Opens a model as an encoder of images; its `wherefore.yaml`, or what is guessed from its graph, says how an image becomes
 * its input.
 * @throws WhereforeError `unknown-name` for a layer that is not there; `invalid-argument` for a model that takes no image
 */
export async function openEncoder({ model: path, layer }: EncoderChoice, threads?: number): Promise<Encoder> {
  const model = await loadModel(path, { threads });
  try {
    return await imageEncoder(model, layer);
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** Opens several encoders; all are closed where one cannot be opened. */
export async function openEncoders(choices: readonly EncoderChoice[], threads?: number): Promise<readonly Encoder[]> {
  const opened: Encoder[] = [];
  try {
    for (const choice of choices) opened.push(await openEncoder(choice, threads));
    return opened;
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

export async function closeAll(encoders: readonly Encoder[]): Promise<void> {
  for (const encoder of encoders) await encoder.close();
}
