/** The tag of EXIF that says how a camera was held. */
const orientationTag = 0x0112;

/**
 * The orientation, 1 to 8, that EXIF data states in its first directory; 1 where there is none.
 * @param exif a TIFF block, with or without `Exif\0\0` before it
 */
export function orientationOf(exif: Uint8Array | undefined): number {
  if (!exif) return 1;
  const start = new TextDecoder('latin1').decode(exif.subarray(0, 6)) === 'Exif\0\0' ? 6 : 0;
  const view = new DataView(exif.buffer, exif.byteOffset + start, exif.byteLength - start);
  if (view.byteLength < 8) return 1;
  const isLittle = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, isLittle);
  if (directory + 2 > view.byteLength) return 1;
  const count = view.getUint16(directory, isLittle);
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > view.byteLength) return 1;
    if (view.getUint16(entry, isLittle) !== orientationTag) continue;
    const value = view.getUint16(entry + 8, isLittle);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** Pixels of an image. */
interface Grid {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/** The image as it was meant to be seen: turned and mirrored as its orientation says. */
export function upright({ width, height, channels, data }: Grid, orientation: number): Grid {
  if (orientation === 1) return { width, height, channels, data };
  const isLying = orientation > 4;
  const [columns, rows] = isLying ? [height, width] : [width, height];
  const turned = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const [u, v] = isLying ? [y, x] : [x, y];
      // Whether columns and rows of the file run the other way.
      const column =
        orientation === 2 || orientation === 3 || orientation === 7 || orientation === 8 ? width - 1 - u : u;
      const row = orientation === 3 || orientation === 4 || orientation === 6 || orientation === 7 ? height - 1 - v : v;
      const from = (row * width + column) * channels;
      for (let c = 0; c < channels; c++) turned[to++] = data[from + c];
    }
  }
  return { width: columns, height: rows, channels, data: turned };
}
