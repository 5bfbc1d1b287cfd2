import type { EncodePhotograph } from '../page/heat-map.ts';

/** JPEG by sharp, which is loaded with the first photograph. */
export const jpegPhotograph: EncodePhotograph = async ({ data, shape: [height, width, channels] }) => {
  const { default: sharp } = await import('sharp');
  const image = sharp(data, { raw: { width, height, channels: channels as 1 | 3 | 4 } });
  return { type: 'image/jpeg', bytes: await image.jpeg({ quality: 85 }).toBuffer() };
};
