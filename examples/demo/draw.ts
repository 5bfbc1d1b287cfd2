import sharp from 'sharp';
import { type Random, random } from '../../src/tensor/random.ts';
import { type Tensor, tensor } from '../../src/tensor/tensor.ts';
import { between, chance, n } from './drawing/colour.ts';
import { type ClassName, objects } from './drawing/objects.ts';
import { background, distractors, lighting, side, watermark } from './drawing/scene.ts';

export { type ClassName, classes } from './drawing/objects.ts';
export { side } from './drawing/scene.ts';

/** An image, by what determines it: the same numbers draw the same image, with or without its watermark. */
export interface Image {
  readonly name: ClassName;
  readonly seed: number;
  readonly watermark: boolean;
}

/** What a stream of random numbers of an image is for; the watermark's own keeps the rest as it is without one. */
const streams = { scene: 1, object: 2, watermark: 3, grain: 4 } as const;

/** The image as vector graphics. */
export function svgOf({ name, seed, watermark: marked }: Image): string {
  const scene = random(seed, streams.scene);
  const behind = background(scene) + distractors(scene);
  const before = lighting(scene);
  const object = placed(name, random(seed, streams.object));
  const mark = marked ? watermark(random(seed, streams.watermark)) : '';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 ${side} ${side}">${behind}${object}${before}${mark}</svg>`;
}

/** An object at its place: size, position, turn and mirror image vary; it throws a shadow. */
function placed(name: ClassName, source: Random): string {
  const size = between(source, 23, 37);
  const margin = size * 0.86;
  const [x, y] = [between(source, margin, side - margin), between(source, margin, side - margin)];
  const turn = between(source, -14, 14);
  const mirror = chance(source, 0.5) ? -1 : 1;
  const floats = name === 'fish';
  const shadow = floats
    ? ''
    : `<ellipse cx="${n(x + 1.5)}" cy="${n(y + size * 0.72)}" rx="${n(size * 0.78)}" ry="${n(size * 0.14)}" fill="black" fill-opacity="0.25"/>`;
  return `${shadow}<g transform="translate(${n(x)} ${n(y)}) rotate(${n(turn)}) scale(${n(mirror * size)} ${n(size)})">${objects[name](source)}</g>`;
}

/** Draws an image: height × width × 3, RGB, 0–255, with a little grain. */
export async function draw(image: Image): Promise<Tensor<'uint8'>> {
  const { data } = await sharp(new TextEncoder().encode(svgOf(image)))
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const grain = random(image.seed, streams.grain);
  const strength = between(grain, 0, 3);
  const pixels = Uint8ClampedArray.from(data, (value) => Math.round(value + strength * grain.normal()));
  return tensor('uint8', [side, side, 3], new Uint8Array(pixels.buffer));
}
