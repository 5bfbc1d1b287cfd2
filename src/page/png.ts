import { zlibSync } from 'fflate';
import { joinedBytes } from '../data/formats/bytes.ts';
import { crc32 } from '../data/formats/crc32.ts';
import { WhereforeError } from '../errors.ts';
import { formatShape, type Tensor } from '../tensor/tensor.ts';

const colourTypes: Readonly<Record<number, number>> = { 1: 0, 3: 2, 4: 6 };

/**
 * The bytes of a PNG (ISO/IEC 15948) of a height × width × (1, 3 or 4) tensor: grey, RGB or RGB with opacity.
 * @throws WhereforeError `wrong-shape`
 */
export function pngOf(pixels: Tensor<'uint8'>): Uint8Array<ArrayBuffer> {
  const [height, width, channels] = pixels.shape;
  const colourType = colourTypes[channels];
  if (pixels.shape.length !== 3 || colourType === undefined || height * width === 0) {
    throw new WhereforeError('wrong-shape', 'not an image', {
      got: `${pixels.type} ${formatShape(pixels.shape)}`,
      expected: 'uint8 height×width×(1, 3 or 4)',
    });
  }
  const stride = width * channels;
  const rows = new Uint8Array(height * (stride + 1));
  // Filter 0 before each row: colours in few levels pack best as they are.
  for (let y = 0; y < height; y++) rows.set(pixels.data.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, colourType], 8);
  const parts = [chunk('IHDR', header), chunk('IDAT', zlibSync(rows, { level: 9 })), chunk('IEND', new Uint8Array(0))];
  return joinedBytes([Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), ...parts]);
}

function chunk(name: string, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = name.charCodeAt(i);
  bytes.set(content, 8);
  view.setUint32(8 + content.length, crc32(bytes.subarray(4, 8 + content.length)));
  return bytes;
}
