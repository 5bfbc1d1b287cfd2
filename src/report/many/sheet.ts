import { writePng } from '../../data/formats/image.ts';
import type { MapFigure } from '../../page/figures.ts';
import { overlayImage } from '../../page/heat-map.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** Side of a cell's two images in pixels. */
export const cellSide = 96;

/** Images of at most so many pixels are small: their pixels are shown as squares. */
const smallImage = 4096;

/** One cell: the image, and beside it the map over the image, each {@link cellSide} square. */
export async function sheetCell({ frame, map, limit }: MapFigure): Promise<Uint8Array> {
  const images = await Promise.all([frame.image, overlayImage(map, limit, frame)].map(square));
  return onto(
    images.map((input, i) => ({ input, left: i * cellSide, top: 0 })),
    2 * cellSide,
    cellSide,
  );
}

async function square(pixels: Tensor<'uint8'>): Promise<Uint8Array> {
  const [height, width] = pixels.shape;
  const kernel = height * width <= smallImage ? 'nearest' : 'cubic';
  const { default: sharp } = await import('sharp');
  const options = { fit: 'contain', kernel, background: '#ffffff' } as const;
  return new Uint8Array(
    await sharp(await writePng(pixels))
      .resize(cellSide, cellSide, options)
      .png()
      .toBuffer(),
  );
}

/** The maps of a shard in one image, a cell below the other, so that a page loads them at once. */
export async function sheetOf(cells: readonly Uint8Array[]): Promise<Uint8Array> {
  const placed = cells.map((input, i) => ({ input, left: 0, top: i * cellSide }));
  return onto(placed, 2 * cellSide, cells.length * cellSide, true);
}

async function onto(
  images: readonly { readonly input: Uint8Array; readonly left: number; readonly top: number }[],
  width: number,
  height: number,
  last = false,
): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const canvas = sharp({ create: { width, height, channels: 3, background: '#ffffff' } }).composite(
    images.map(({ input, ...place }) => ({ ...place, input: Buffer.from(input) })),
  );
  // Colours are the meaning of a map: they are kept at full resolution.
  const encoded = last ? canvas.jpeg({ quality: 85, chromaSubsampling: '4:4:4' }) : canvas.png();
  return new Uint8Array(await encoded.toBuffer());
}
