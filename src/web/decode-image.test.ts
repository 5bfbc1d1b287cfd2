import { describe, expect, it } from 'vitest';
import { readableImages, unreadableImages } from '../../test/image-files.ts';
import { readImage } from '../data/formats/image.ts';
import { decodeImage } from './decode-image.ts';

// PNG is decoded by this package's own code in a browser, which can be tested here: the other decoder is libvips.

describe('a PNG decoded for a browser', async () => {
  const images = [...(await readableImages({ large: false }))].filter(([name]) => name.endsWith('.png'));

  it.each(images)('%s has the pixels and the notes of Node', async (name, bytes) => {
    for (const background of [undefined, [10, 200, 30] as const]) {
      const here = await readImage(bytes, { name, background });
      expect(await decodeImage(new Uint8Array(bytes), { name, background })).toEqual(here);
    }
  });

  const broken = [...(await unreadableImages())].filter(([name]) => !/cut-off\.(jpg|webp)/.test(name));
  it.each(broken)('%s is refused in both', async (name, bytes) => {
    const refused = { code: 'invalid-data', message: expect.stringMatching(`^${name}: cannot be read as an image`) };
    await expect(readImage(bytes, { name })).rejects.toMatchObject(refused);
    await expect(decodeImage(new Uint8Array(bytes), { name })).rejects.toMatchObject(refused);
  });
});

describe('a JPEG or WebP', async () => {
  const broken = [...(await unreadableImages())].filter(([name]) => /cut-off\.(jpg|webp)/.test(name));
  it.each(broken)('%s is refused before the browser is asked', async (name, bytes) => {
    const refused = { code: 'invalid-data', message: expect.stringMatching(/cut off or damaged/) };
    await expect(decodeImage(new Uint8Array(bytes), { name })).rejects.toMatchObject(refused);
  });
});
