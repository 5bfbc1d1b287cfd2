import sharp from 'sharp';
import { classes, draw, type Image, side } from '../../src/cli/demo/drawing/draw.ts';

const gap = 6;

/** A PNG with images side by side, `columns` a row. */
export async function contactSheet(images: readonly Image[], columns: number): Promise<Uint8Array> {
  const rows = Math.ceil(images.length / columns);
  const tiles = await Promise.all(
    images.map(async (image, i) => ({
      input: Buffer.from((await draw(image)).data),
      raw: { width: side, height: side, channels: 3 as const },
      left: gap + (i % columns) * (side + gap),
      top: gap + Math.floor(i / columns) * (side + gap),
    })),
  );
  const sheet = {
    width: gap + columns * (side + gap),
    height: gap + rows * (side + gap),
    channels: 3 as const,
    background: 'white',
  };
  return sharp({ create: sheet }).composite(tiles).png().toBuffer();
}

/** Ten images of each class, the last two with the watermark. */
export function sample(seed: number): Image[] {
  return classes.flatMap((name, row) =>
    Array.from({ length: 10 }, (_, i) => ({ name, seed: seed + row * 10 + i, watermark: i >= 8 })),
  );
}
