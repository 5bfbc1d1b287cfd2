import { type Random, random } from '../../../tensor/random.ts';
import { type Tensor, tensor } from '../../../tensor/tensor.ts';
import { between, chance, n } from './colour.ts';
import { type ClassName, objects } from './objects.ts';
import { background, distractors, lighting, side, watermark } from './scene.ts';

export { type ClassName, classes } from './objects.ts';
export { side } from './scene.ts';

/** An image, by what determines it: the same numbers draw the same image, with or without its watermark. */
export interface Image {
  readonly name: ClassName;
  readonly seed: number;
  readonly watermark: boolean;
}

/** How a scene is drawn beyond what its image says. */
export interface SceneOptions {
  /** Whether small things that belong to no class lie around. Default true. */
  readonly distractors?: boolean;
  /** Size of the watermark. Default 1. */
  readonly watermarkScale?: number;
}

/** What a stream of random numbers of an image is for; the watermark's own keeps the rest as it is without one. */
const streams = { scene: 1, object: 2, watermark: 3, grain: 4 } as const;

/** The image as vector graphics. */
function svgOf({ name, seed, watermark: marked }: Image, options: SceneOptions): string {
  const scene = random(seed, streams.scene);
  const behind = background(scene) + (options.distractors === false ? '' : distractors(scene));
  const before = lighting(scene);
  const object = placed(name, random(seed, streams.object));
  const mark = marked ? watermarkOf(random(seed, streams.watermark), options.watermarkScale ?? 1) : '';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 ${side} ${side}">${behind}${object}${before}${mark}</svg>`;
}

/** The watermark, larger towards the middle of the image. */
function watermarkOf(source: Random, scale: number): string {
  const mark = watermark(source);
  const moved = n(side * (1 - scale));
  return scale === 1 ? mark : `<g transform="translate(${moved} ${moved}) scale(${scale})">${mark}</g>`;
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
export async function draw(image: Image, options: SceneOptions = {}): Promise<Tensor<'uint8'>> {
  const { default: sharp } = await import('sharp');
  const { data } = await sharp(new TextEncoder().encode(svgOf(image, options)))
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const grain = random(image.seed, streams.grain);
  const strength = between(grain, 0, 3);
  const pixels = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i++) pixels[i] = Math.round(data[i] + strength * grain.normal());
  return tensor('uint8', [side, side, 3], new Uint8Array(pixels.buffer));
}
