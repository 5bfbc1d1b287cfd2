import { describeVariant, drawVariant, type ImageVariant, variantOf } from '../../data/formats/image-variant.ts';
import { preprocessImage } from '../../data/inputs/image-input.ts';
import type { ModelInput } from '../../data/inputs/model-input.ts';
import { tensorInput } from '../../data/inputs/tensor-input.ts';
import type { LoadedModel } from '../../data/model/loaded-model.ts';
import type { Preprocessing } from '../../data/model/preprocessing.ts';
import { WhereforeError } from '../../errors.ts';
import { contentHash, hashedTensor } from '../../tensor/content-hash.ts';
import { choose, random } from '../../tensor/random.ts';
import type { Tensor } from '../../tensor/tensor.ts';

export interface DrawOptions {
  /** How many inputs; fewer than there are: some are chosen by the seed. Default: all. */
  readonly count?: number;
  /** Whether variants of the images fill up the number. Default false. */
  readonly augment?: boolean;
  readonly seed?: number;
}

/**
 * The inputs of an evaluation: files, folders of files (sub-folders included, in alphabetical order), tensors; a
 * number of them, with variants of the images (mirrored, cut, brighter or darker) where there are too few.
 * @throws WhereforeError as `readModelInputs`; `invalid-data` for a folder without images; `invalid-argument` for more
 *   inputs than there are, or variants of something that is no image
 */
export async function drawInputs(
  model: LoadedModel,
  sources: readonly (string | ReadonlyMap<string, Tensor>)[],
  preprocessing: Preprocessing,
  { count, augment = false, seed = 0 }: DrawOptions = {},
): Promise<ModelInput[]> {
  const found: ModelInput[] = [];
  const namesakes = new Map<string, (string | undefined)[]>();
  for (const source of sources) {
    const inputs =
      typeof source === 'string'
        ? (
            await Promise.all(
              (
                await model.edge.sourcesIn(source, preprocessing)
              ).map((path) => model.edge.readInputs(model, path, preprocessing)),
            )
          ).flat()
        : [tensorInput(model, source, 'tensors in memory', undefined, preprocessing)];
    for (const one of inputs) found.push(withOwnName(one, namesakes));
  }
  const wanted = count ?? found.length;
  if (wanted <= found.length) {
    const chosen = [...choose(found.length, wanted, random(seed, 300))].sort((a, b) => a - b);
    return chosen.map((i) => found[i]);
  }
  if (!augment) {
    throw new WhereforeError('invalid-argument', 'fewer inputs than asked for', {
      got: `${found.length}`,
      expected: `${wanted}`,
      fix: 'give more files, or --augment to add variants of the images',
    });
  }
  const source = random(seed, 301);
  const drawn = [...found];
  for (let k = 0; drawn.length < wanted; k++) {
    const original = found[k % found.length];
    const variant = drawVariant(imageOf(original).pixels.shape, source);
    drawn.push(await varied(original, variant, Math.floor(k / found.length) + 1));
  }
  return drawn;
}

/** Two files of one name, from folders that are not told, are two inputs: `cat.png`, `2/cat.png`. */
function withOwnName(input: ModelInput, namesakes: Map<string, (string | undefined)[]>): ModelInput {
  const { source, hash } = input;
  const known = namesakes.get(source) ?? [];
  namesakes.set(source, known);
  if (!known.includes(hash)) known.push(hash);
  const place = known.indexOf(hash);
  return place === 0 ? input : { ...input, source: `${place + 1}/${source}` };
}

/**
 * The image or file that an input was drawn from: inputs of one source are not independent. Two tensors in memory have
 * the same name and are two sources all the same.
 */
export function sourceOf({ source, tensors, variant }: ModelInput): string {
  if (variant) return variant.of;
  if (source !== 'tensors in memory') return source;
  return `${source} ${contentHash([...tensors.values()].flatMap((t) => [...hashedTensor(t)])).slice(0, 12)}`;
}

function imageOf({ image, source }: ModelInput): NonNullable<ModelInput['image']> {
  if (image) return image;
  throw new WhereforeError('invalid-argument', 'only images have variants', {
    where: source,
    fix: 'leave --augment out, or give more inputs',
  });
}

async function varied(original: ModelInput, variant: ImageVariant, number: number): Promise<ModelInput> {
  const { pixels, input } = imageOf(original);
  const changed = variantOf(pixels, variant);
  const { tensor, transform } = await preprocessImage({ pixels: changed, notes: [] }, input);
  const [name] = original.tensors.keys();
  return {
    ...original,
    source: `${original.source}, variant ${number}`,
    hash: contentHash([JSON.stringify([original.hash, variant])]),
    tensors: new Map([[name, tensor]]),
    image: { pixels: changed, transform, input },
    notes: [...original.notes, describeVariant(variant)],
    variant: { of: original.source, change: variant },
  };
}
