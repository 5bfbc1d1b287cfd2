import * as z from 'zod/mini';
import { checked } from '../../checked.ts';
import type { Files } from '../../data/files/file-access.ts';
import { bytesIfPresent, textIfPresent } from '../../data/files/file-text.ts';
import { variantOf } from '../../data/formats/image-variant.ts';
import { preprocessImage } from '../../data/inputs/image-input.ts';
import type { ModelInput } from '../../data/inputs/model-input.ts';
import type { Edge } from '../../data/model/loaded-model.ts';
import { WhereforeError } from '../../errors.ts';
import { fileName } from '../../paths.ts';
import { maxOf } from '../../tensor/extremes.ts';
import { filled, mapped } from '../../tensor/filled.ts';
import { formatShape, type Tensor, tensor } from '../../tensor/tensor.ts';
import { sourceOf } from './inputs.ts';

/** Boxes as people draw them: left, top, right and bottom in pixels of the image, the last two not included. */
const boxesSchema = z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])).check(z.minLength(1));

const maskEndings = ['.png', '.jpg', '.jpeg', '.webp', '.bmp'];

/** A folder of masks and boxes, and how it is read. */
interface Truths {
  readonly folder: string;
  readonly edge: Edge;
  readonly files: Files;
}

/**
 * Where the object of an image lies, as the model sees the image: 1 for the pixels of the object, row by row. Read
 * from a folder by the image's name: `cat.png` (bright pixels belong to the object; of the image's size) or
 * `cat.json` (`[[left, top, right, bottom], …]`).
 * @returns undefined where the folder holds nothing for this image, or where the input is no image
 * @throws WhereforeError `wrong-shape` for a mask of another size, `invalid-data` for boxes that cannot be read
 */
async function readTruth(there: Truths, drawn: ModelInput): Promise<Uint8Array | undefined> {
  const { image, variant } = drawn;
  if (!image) return undefined;
  const stem = fileName(sourceOf(drawn)).replace(/(?<=.)\.[^.]*$/, '');
  const size = variant ? undefined : image.pixels.shape.slice(0, 2);
  const mask = (await maskFile(there, stem, size)) ?? (await boxFile(there, stem, drawn));
  if (!mask) return undefined;
  const changed = variant ? variantOf(mask, variant.change, { geometry: true }) : mask;
  // Padding and what is cut off belong to nothing.
  const { pad: _, ...input } = image.input;
  const { seen } = await preprocessImage({ pixels: changed, notes: [] }, input);
  return filled(new Uint8Array(seen.data.length / 3), (i) => (seen.data[3 * i] > 127 ? 1 : 0));
}

async function maskFile(
  { folder, edge, files }: Truths,
  stem: string,
  size: readonly number[] | undefined,
): Promise<Tensor<'uint8'> | undefined> {
  for (const ending of maskEndings) {
    const path = `${folder}/${stem}${ending}`;
    const bytes = await bytesIfPresent(files, path, 'image');
    if (!bytes) continue;
    const { pixels } = await edge.decodeImage(bytes, { name: path });
    if (!size || size.every((side, axis) => side === pixels.shape[axis])) return pixels;
    throw new WhereforeError('wrong-shape', 'the mask is not of the size of its image', {
      where: path,
      got: formatShape(pixels.shape.slice(0, 2)),
      expected: formatShape(size),
    });
  }
  return undefined;
}

async function boxFile(
  { folder, files }: Truths,
  stem: string,
  { image, variant }: ModelInput,
): Promise<Tensor<'uint8'> | undefined> {
  const path = `${folder}/${stem}.json`;
  const text = await textIfPresent(files, path, 'document');
  if (text === undefined) return undefined;
  const boxes = parseBoxes(text, path);
  // Boxes are cut with the image, so the whole of it must be known: a variant remembers only its part.
  const [height, width] = variant ? sizeBehind(boxes, variant.change.part) : (image as { pixels: Tensor }).pixels.shape;
  const values = new Uint8Array(height * width * 3);
  for (const [left, top, right, bottom] of boxes) {
    for (let y = Math.max(0, Math.round(top)); y < Math.min(height, Math.round(bottom)); y++)
      values.fill(
        255,
        (y * width + Math.max(0, Math.round(left))) * 3,
        (y * width + Math.min(width, Math.round(right))) * 3,
      );
  }
  return tensor('uint8', [height, width, 3], values);
}

/** A canvas that holds the boxes and the part: what lies beyond both plays no role. */
function sizeBehind(
  boxes: z.infer<typeof boxesSchema>,
  part: { readonly top: number; readonly left: number; readonly height: number; readonly width: number },
): [number, number] {
  const bottom = maxOf([part.top + part.height, ...boxes.map((box) => Math.ceil(box[3]))]);
  const right = maxOf([part.left + part.width, ...boxes.map((box) => Math.ceil(box[2]))]);
  return [bottom, right];
}

function parseBoxes(text: string, where: string): z.infer<typeof boxesSchema> {
  const refuse = (got: string, cause?: unknown) =>
    new WhereforeError('invalid-data', 'boxes', { where, got, expected: '[[left, top, right, bottom], …]', cause });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw refuse(text.slice(0, 40), cause);
  }
  const parsed = checked(boxesSchema, content);
  if (parsed.success) return parsed.data;
  throw refuse(text.slice(0, 40), parsed.error);
}

/** The objects of all inputs of which the folder knows one. @throws WhereforeError `invalid-data` where it knows none */
export async function truthsOf(
  folder: string,
  inputs: readonly ModelInput[],
  edge: Edge,
): Promise<Map<ModelInput, Uint8Array>> {
  const { files } = edge;
  if (!files) {
    throw new WhereforeError('invalid-argument', 'masks lie in files, and this model has no way to files', {
      where: folder,
      fix: 'open the model with files',
    });
  }
  const truths = new Map<ModelInput, Uint8Array>();
  for (const one of inputs) {
    const truth = await readTruth({ folder, edge, files }, one);
    if (truth) truths.set(one, truth);
  }
  if (truths.size > 0) return truths;
  throw new WhereforeError('invalid-data', 'no masks or boxes for any of the images', {
    where: folder,
    expected: 'files with the names of the images: cat.png (a mask) or cat.json ([[left, top, right, bottom], …])',
  });
}

/** Of regions those that lie in the object with half their pixels or more. */
export function truthOfRegions(truth: Uint8Array, [height, width]: readonly number[], side: number): Uint8Array {
  if (side === 1) return truth;
  const columns = Math.ceil(width / side);
  const inside = new Uint32Array(Math.ceil(height / side) * columns);
  const sizes = new Uint32Array(inside.length);
  truth.forEach((value, place) => {
    const region = Math.floor(Math.floor(place / width) / side) * columns + Math.floor((place % width) / side);
    sizes[region]++;
    inside[region] += value;
  });
  return mapped(Uint8Array, inside, (count, region) => (2 * count >= sizes[region] ? 1 : 0));
}
