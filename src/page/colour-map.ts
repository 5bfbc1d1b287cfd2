import type { Colour } from '../data/formats/image-type.ts';

/** OKLab (Ottosson 2020): lightness, green–red, blue–yellow; equal distances look about equally different. */
export type Lab = readonly [number, number, number];

/** What a value of 0 looks like: paper or night. */
export type Ground = 'light' | 'dark';

interface Diverging {
  readonly neutral: Lab;
  readonly negative: Lab;
  readonly positive: Lab;
}

const degrees = Math.PI / 180;
const lch = (lightness: number, chroma: number, hue: number): Lab => [
  lightness,
  chroma * Math.cos(hue * degrees),
  chroma * Math.sin(hue * degrees),
];

/**
 * Blue against red: the pair that people with any of the common colour deficiencies tell apart. Both ends have the same
 * lightness and chroma, so that neither sign looks stronger, also in a grey copy.
 */
const diverging: Readonly<Record<Ground, Diverging>> = {
  light: { neutral: lch(0.97, 0.004, 90), negative: lch(0.47, 0.17, 262), positive: lch(0.47, 0.17, 28) },
  dark: { neutral: lch(0.24, 0.006, 90), negative: lch(0.68, 0.145, 255), positive: lch(0.68, 0.145, 32) },
};

const sequential: Readonly<Record<Ground, readonly [Lab, Lab]>> = {
  light: [lch(0.97, 0.004, 90), lch(0.36, 0.1, 300)],
  dark: [lch(0.24, 0.006, 90), lch(0.86, 0.1, 300)],
};

/**
 * Colour of a signed value from −1 (blue, against) over 0 (neutral) to 1 (red, for): a straight line in OKLab each way,
 * so that equal steps of value look equally large. Values beyond ±1 get the end colour.
 */
export function divergingColour(value: number, ground: Ground = 'light'): Colour {
  const { neutral, negative, positive } = diverging[ground];
  return toSrgb(mix(neutral, value < 0 ? negative : positive, Math.min(1, Math.abs(value))));
}

/** Colour of a value from 0 (neutral) to 1 (deep violet; pale on a dark ground). Values beyond get the end colours. */
export function sequentialColour(value: number, ground: Ground = 'light'): Colour {
  const [from, to] = sequential[ground];
  return toSrgb(mix(from, to, Math.min(1, Math.max(0, value))));
}

/**
 * The diverging map with opacity, to lie over an image: nothing at 0, opaque at ±1. Over the light neutral it gives
 * exactly `divergingColour(value)` (within rounding), so that one legend serves both.
 * @returns red, green, blue, opacity, 0–255
 */
export function overlayColour(value: number): readonly [number, number, number, number] {
  const opacity = Math.min(1, Math.abs(value)) ** 0.75;
  if (opacity === 0) return [255, 255, 255, 0];
  const neutral = divergingColour(0);
  const wanted = divergingColour(value);
  const [r, g, b] = wanted.map((channel, i) => byte((channel - (1 - opacity) * neutral[i]) / opacity));
  return [r, g, b, Math.round(255 * opacity)];
}

function mix(from: Lab, to: Lab, share: number): Lab {
  return [
    from[0] + share * (to[0] - from[0]),
    from[1] + share * (to[1] - from[1]),
    from[2] + share * (to[2] - from[2]),
  ];
}

/** OKLab to 8-bit sRGB; the maps' colours lie inside the gamut. */
export function toSrgb([lightness, a, b]: Lab): Colour {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    encode(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    encode(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    encode(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** 8-bit sRGB to OKLab. */
export function toLab(colour: Colour): Lab {
  const [red, green, blue] = colour.map(decode);
  const l = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const m = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const s = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** IEC 61966-2-1. */
function encode(linear: number): number {
  return byte(255 * (linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055));
}

function decode(channel: number): number {
  const value = channel / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function byte(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}

/** Black or white: the ink that stands out more from a ground, by at least 4.5 : 1 (WCAG 2). */
export function inkOn(ground: Colour): '#000' | '#fff' {
  const [red, green, blue] = ground.map(decode);
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 ? '#fff' : '#000';
}

/** `#rrggbb` */
export function cssColour(colour: Colour): string {
  return `#${colour.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}
