import sharp from 'sharp';
import { classes, draw, type Picture, side } from './draw.ts';

const gap = 6;

/** A PNG with pictures side by side, `columns` a row. */
export async function contactSheet(pictures: readonly Picture[], columns: number): Promise<Uint8Array> {
  const rows = Math.ceil(pictures.length / columns);
  const tiles = await Promise.all(
    pictures.map(async (picture, i) => ({
      input: Buffer.from((await draw(picture)).data),
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

/** Ten pictures of each class, the last two with the watermark. */
export function sample(seed: number): Picture[] {
  return classes.flatMap((name, row) =>
    Array.from({ length: 10 }, (_, i) => ({ name, seed: seed + row * 10 + i, watermark: i >= 8 })),
  );
}
