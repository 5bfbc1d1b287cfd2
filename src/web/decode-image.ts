import type { Edge } from '../data/model/loaded-model.ts';
import { WhereforeError } from '../errors.ts';
import { tensor } from '../tensor/tensor.ts';

/**
 * The pixels of an image, decoded by the browser: upright, 8 bits, without its colour profile. Of 8-bit images they are
 * those of Node. Transparency is laid over `background`, white by default.
 * @throws WhereforeError `invalid-data` for what the browser does not read
 */
export const decodeImage: Edge['decodeImage'] = async (bytes, { name, background = [255, 255, 255] }) => {
  const bitmap = await createImageBitmap(new Blob([bytes]), {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
    imageOrientation: 'from-image',
  }).catch((cause: unknown) => {
    throw new WhereforeError('invalid-data', 'cannot be read as an image', {
      where: name,
      expected: 'a whole PNG, JPEG or WebP',
      fix: 'open it in an image viewer to see whether it is damaged',
      cause,
    });
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new WhereforeError('runtime', 'the browser gives no canvas to read pixels from', { where: name });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const rgb = new Uint8Array(width * height * 3);
  let isTransparent = false;
  for (let i = 0, k = 0; i < data.length; i += 4) {
    const opacity = data[i + 3] / 255;
    if (opacity < 1) isTransparent = true;
    for (let c = 0; c < 3; c++)
      rgb[k++] = opacity < 1 ? Math.round(data[i + c] * opacity + background[c] * (1 - opacity)) : data[i + c];
  }
  const notes = isTransparent ? [`transparent parts laid over rgb(${background.join(', ')})`] : [];
  return { pixels: tensor('uint8', [height, width, 3], rgb), notes };
};
