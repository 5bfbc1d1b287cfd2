import { readFileSync } from 'node:fs';
import sharp from 'sharp';

const fixture = (name: string) => readFileSync(new URL(`./fixtures/images/${name}`, import.meta.url));

/** Noise over a slope, height × width × channels. */
function scene(height: number, width: number, channels: 1 | 2 | 3 | 4, seed = 1) {
  const data = new Uint8Array(height * width * channels);
  let state = seed;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = (((i / channels) % width) * 4 + (state >>> 27)) & 255;
  }
  return sharp(data, { raw: { width, height, channels } });
}

const deep = (channels: 1 | 3 | 4) => {
  const values = new Uint16Array(11 * 7 * channels);
  for (let i = 0; i < values.length; i++) values[i] = (i * 2711) % 65536;
  const image = sharp(values, { raw: { width: 7, height: 11, channels } });
  return (channels === 1 ? image.toColourspace('grey16') : image.toColourspace('rgb16')).png().toBuffer();
};

/**
 * Images of every form that both runtimes read: PNG, JPEG and WebP; grey, palettes, opacity, 16 bits, few bits,
 * interlaced, progressive, one pixel, colour profiles, every orientation of a camera.
 */
export async function readableImages(sizes: { readonly large: boolean }): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const name of [
    ...['rgb.png', 'grey.png', 'one-bit.png', 'grey-alpha.png', 'rgba.png', 'palette.png', 'palette-transparent.png'],
    ...['rgb16.png', 'photo.jpg', 'grey.jpg', 'lossy.webp'],
  ])
    files.set(name, fixture(name));
  const odd = scene(19, 23, 3);
  const made: Readonly<Record<string, Promise<Buffer>>> = {
    'interlaced.png': odd.clone().png({ progressive: true }).toBuffer(),
    'interlaced-16.png': sharp(await deep(4))
      .toColourspace('rgb16')
      .png({ progressive: true })
      .toBuffer(),
    'palette-4.png': odd.clone().png({ palette: true, colours: 4 }).toBuffer(),
    'palette-16-interlaced.png': odd.clone().png({ palette: true, colours: 16, progressive: true }).toBuffer(),
    'grey-16.png': deep(1),
    'rgba-16.png': deep(4),
    'one-pixel.png': scene(1, 1, 4).png().toBuffer(),
    'profile.png': odd.clone().withIccProfile('p3').png().toBuffer(),
    'fine.jpg': odd.clone().jpeg({ chromaSubsampling: '4:4:4', quality: 95 }).toBuffer(),
    'coarse.jpg': odd.clone().jpeg({ quality: 20 }).toBuffer(),
    'progressive.jpg': odd.clone().jpeg({ progressive: true }).toBuffer(),
    'one-pixel.jpg': scene(1, 1, 3).jpeg().toBuffer(),
    'profile.jpg': odd.clone().withIccProfile('p3').jpeg().toBuffer(),
    'lossless.webp': odd.clone().webp({ lossless: true }).toBuffer(),
    'fine.webp': odd.clone().webp({ quality: 95 }).toBuffer(),
    'one-pixel.webp': scene(1, 1, 3).webp().toBuffer(),
    'opaque.webp': odd.clone().ensureAlpha().webp({ lossless: true }).toBuffer(),
    'grey.webp': scene(9, 8, 1).webp().toBuffer(),
  };
  for (const [name, content] of Object.entries(made)) files.set(name, await content);
  for (let orientation = 1; orientation <= 8; orientation++) {
    const turned = odd.clone().withMetadata({ orientation });
    files.set(`turned-${orientation}.jpg`, await turned.clone().jpeg().toBuffer());
    files.set(`turned-${orientation}.png`, await turned.clone().png().toBuffer());
    files.set(`turned-${orientation}.webp`, await turned.clone().webp().toBuffer());
  }
  if (sizes.large) {
    const large = scene(3000, 4000, 3, 3);
    files.set('large.jpg', await large.clone().jpeg().toBuffer());
    files.set('large.png', await large.clone().png({ compressionLevel: 1 }).toBuffer());
    files.set('large.webp', await large.clone().webp({ effort: 0 }).toBuffer());
  }
  return files;
}

/** Images that neither runtime reads. */
export async function unreadableImages(): Promise<Map<string, Buffer>> {
  const odd = scene(64, 64, 3);
  const [png, jpeg, webp] = await Promise.all([
    odd.clone().png().toBuffer(),
    odd.clone().jpeg().toBuffer(),
    odd.clone().webp().toBuffer(),
  ]);
  const half = (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1);
  const damaged = Buffer.from(png);
  damaged[png.length >> 1] ^= 1;
  return new Map([
    ['cut-off.png', half(png)],
    ['cut-off.jpg', half(jpeg)],
    ['cut-off.webp', half(webp)],
    ['damaged.png', damaged],
    ['bitmap.bmp', bitmap()],
    ['text.png', Buffer.from('no image at all')],
    ['empty.jpg', Buffer.alloc(0)],
  ]);
}

/** Images that Node reads and a browser refuses, because browsers change them or read them each in its own way. */
export async function refusedByBrowsers(): Promise<Map<string, Buffer>> {
  const frames = scene(16, 8, 3);
  const animated = (await frames.raw().toBuffer({ resolveWithObject: true })).data;
  const pages = { raw: { width: 8, height: 16, channels: 3 as const, pageHeight: 8 } };
  return new Map([
    ['inks.jpg', fixture('cmyk.jpg')],
    ['inks.tif', fixture('cmyk.tif')],
    ['transparent.webp', fixture('rgba.webp')],
    ['indexed.gif', fixture('indexed.gif')],
    [
      'animated.webp',
      await sharp(animated, pages)
        .webp({ delay: [100, 100], loop: 0 })
        .toBuffer(),
    ],
  ]);
}

/** A Windows bitmap of two by two pixels, 24 bits. */
function bitmap(): Buffer {
  const bytes = Buffer.alloc(70);
  bytes.write('BM', 0, 'latin1');
  bytes.writeUInt32LE(70, 2);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(2, 18);
  bytes.writeInt32LE(2, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  bytes.fill(200, 54);
  return bytes;
}
