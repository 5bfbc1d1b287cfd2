import type { Image } from '../formats/image-type.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { Preprocessing } from '../model/preprocessing.ts';
import { describedImage, preprocessImage } from './image-input.ts';
import type { ModelInput } from './model-input.ts';
import { asTaken, layoutOf } from './tensor-input.ts';

/**
 * Pixels as input of a model that says how an image becomes its input: resized as Pillow does it, reordered, scaled.
 * @param named.source what the image is called
 * @param named.hash SHA-256 of its file; undefined where there is none
 * @throws WhereforeError `invalid-argument` where no input of the model is an image, or several are
 */
export async function imageAsInput(
  model: LoadedModel,
  image: Image,
  { source, hash }: { readonly source: string; readonly hash: string | undefined },
  preprocessing: Preprocessing,
): Promise<ModelInput> {
  const { name, preprocessing: input } = describedImage(preprocessing, source);
  const { tensor, transform } = await preprocessImage(image, input);
  return {
    source,
    hash,
    tensors: asTaken(model, new Map([[name, tensor]]), source),
    layout: layoutOf(name, tensor, preprocessing),
    image: { pixels: image.pixels, transform, input },
    notes: image.notes,
  };
}
