import sharp from 'sharp';
import { type ImageVariant, variantOf } from '../../src/data/formats/image-variant.ts';
import { resizeImage } from '../../src/data/formats/resize.ts';
import { mirrored } from '../../src/provenance/image/oklab.ts';
import type { Random } from '../../src/tensor/random.ts';
import { type Tensor, tensor } from '../../src/tensor/tensor.ts';

type Image = Tensor<'uint8'>;

/** Makes of an image what somebody might make of it; `others` are unrelated images. */
export type Change = (image: Image, source: Random, others: readonly Image[]) => Image | Promise<Image>;

/** Every change, with what the bench asks of it. */
export const changes = {
  copy: { change: (image) => image, part: 1, by: 'whole' },
  flip: { change: mirrored, part: 1, by: 'whole' },
  'crop 50–80 %': { change: cropped(0.5, 0.8), part: 1, by: 'whole' },
  'JPEG 40–75': { change: jpeg, part: 1, by: 'whole' },
  recolouring: { change: recoloured, part: 1, by: 'whole' },
  'overlay on 25–50 %': { change: overlaid(0.25, 0.5), part: 0.25, by: 'region' },
  'collage of four': { change: collage, part: 0.25, by: 'region' },
  'overlay on 10–20 %': { change: overlaid(0.1, 0.2), part: 0.1, by: 'region' },
  'crop 20–40 %': { change: cropped(0.2, 0.4), part: 1, by: 'whole' },
} as const satisfies Readonly<Record<string, { change: Change; part: number; by: 'whole' | 'region' }>>;

export type ChangeName = keyof typeof changes;

function cropped(least: number, most: number): Change {
  return (image, source) => {
    const [rows, columns] = image.shape;
    const share = Math.sqrt(least + (most - least) * source.uniform());
    const [height, width] = [Math.round(rows * share), Math.round(columns * share)];
    const part = { top: source.integer(rows - height + 1), left: source.integer(columns - width + 1), height, width };
    const variant: ImageVariant = { mirrored: false, part, brightness: 1 };
    return variantOf(image, variant);
  };
}

async function jpeg({ data, shape: [height, width] }: Image, source: Random): Promise<Image> {
  const quality = 40 + source.integer(36);
  const file = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
  const pixels = await sharp(file).raw().toBuffer();
  return tensor('uint8', [height, width, 3], new Uint8Array(pixels));
}

/** Turns the hue by 60 to 300 degrees, and changes contrast and brightness; one in six becomes grey. */
async function recoloured({ data, shape }: Image, source: Random): Promise<Image> {
  const angle = ((60 + 240 * source.uniform()) * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle) / Math.sqrt(3)];
  const grey = source.uniform() < 1 / 6;
  const [contrast, brightness] = [0.7 + 0.5 * source.uniform(), 30 * (source.uniform() - 0.5)];
  const changed = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const rgb = [data[i], data[i + 1], data[i + 2]];
    const mean = (rgb[0] + rgb[1] + rgb[2]) / 3;
    for (let c = 0; c < 3; c++) {
      // Rodrigues' rotation about the axis of greys.
      const turned = mean + cos * (rgb[c] - mean) + sin * (rgb[(c + 2) % 3] - rgb[(c + 1) % 3]);
      const value = 128 + contrast * ((grey ? mean : turned) - 128) + brightness;
      changed[i + c] = Math.max(0, Math.min(255, Math.round(value)));
    }
  }
  return tensor('uint8', shape, changed);
}

/** The image, smaller, somewhere on another one. */
function overlaid(least: number, most: number): Change {
  return (image, source, [ground]) => {
    const [rows, columns] = ground.shape;
    const share = Math.sqrt(least + (most - least) * source.uniform());
    const size = [Math.round(rows * share), Math.round(columns * share)] as const;
    return pasted(ground, image, source.integer(rows - size[0] + 1), source.integer(columns - size[1] + 1), size);
  };
}

/** The image and three others, a quarter each, in some order. */
function collage(image: Image, source: Random, others: readonly Image[]): Image {
  const [rows, columns] = image.shape;
  const own = source.integer(4);
  let sheet = tensor('uint8', [2 * rows, 2 * columns, 3]);
  for (let k = 0; k < 4; k++)
    sheet = pasted(sheet, k === own ? image : others[k % others.length], (k >> 1) * rows, (k & 1) * columns, [
      rows,
      columns,
    ]);
  return sheet;
}

function pasted(
  ground: Image,
  image: Image,
  top: number,
  left: number,
  [height, width]: readonly [number, number],
): Image {
  const small = resizeImage(image, [height, width], 'bilinear');
  const data = ground.data.slice();
  const columns = ground.shape[1];
  for (let y = 0; y < height; y++)
    data.set(small.data.subarray(y * width * 3, (y + 1) * width * 3), ((top + y) * columns + left) * 3);
  return tensor('uint8', ground.shape, data);
}
