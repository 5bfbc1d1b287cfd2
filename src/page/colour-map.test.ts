import { expect, it } from 'vitest';
import type { Colour } from '../data/formats/image-type.ts';
import {
  divergingColour,
  type Ground,
  inkOn,
  type Lab,
  overlayColour,
  sequentialColour,
  toLab,
  toSrgb,
} from './colour-map.ts';

const grounds: readonly Ground[] = ['light', 'dark'];
const distance = (a: Lab, b: Lab) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
/** 8-bit channels: half a step of each is about this far in OKLab. */
const rounding = 0.006;

it('converts between sRGB and OKLab as published', () => {
  // Known: white is (1, 0, 0); red is (0.62796, 0.22486, 0.12585) (Ottosson 2020).
  expect(distance(toLab([255, 255, 255]), [1, 0, 0])).toBeLessThan(1e-4);
  expect(distance(toLab([255, 0, 0]), [0.62796, 0.22486, 0.12585])).toBeLessThan(1e-4);
  for (const colour of [
    [0, 0, 0],
    [12, 200, 99],
    [255, 128, 1],
    [7, 8, 250],
  ] as Colour[])
    expect(toSrgb(toLab(colour))).toEqual(colour);
});

it('is blue against, neutral at 0, red for', () => {
  const [[againstRed, , againstBlue], [forRed, , forBlue]] = [divergingColour(-1), divergingColour(1)];
  expect(againstBlue).toBeGreaterThan(2 * againstRed);
  expect(forRed).toBeGreaterThan(2 * forBlue);
  for (const ground of grounds) {
    const [red, green, blue] = divergingColour(0, ground);
    expect(Math.max(red, green, blue) - Math.min(red, green, blue)).toBeLessThan(6);
  }
  expect(divergingColour(7)).toEqual(divergingColour(1));
});

it('takes equal steps of colour for equal steps of value', () => {
  for (const ground of grounds) {
    for (const colour of [
      (t: number) => divergingColour(t, ground),
      (t: number) => divergingColour(-t, ground),
      (t: number) => sequentialColour(t, ground),
    ]) {
      const labs = Array.from({ length: 11 }, (_, i) => toLab(colour(i / 10)));
      const step = distance(labs[0], labs[10]) / 10;
      for (let i = 1; i <= 10; i++) expect(Math.abs(distance(labs[i - 1], labs[i]) - step)).toBeLessThan(2 * rounding);
    }
  }
});

it('gives both signs the same lightness, and keeps them apart where red and green are not seen', () => {
  for (const ground of grounds) {
    for (const value of [0.25, 0.5, 1]) {
      const [against, inFavour] = [toLab(divergingColour(-value, ground)), toLab(divergingColour(value, ground))];
      expect(Math.abs(against[0] - inFavour[0])).toBeLessThan(rounding);
      // The axis from blue to yellow is what remains without red–green vision.
      expect(inFavour[2] - against[2]).toBeGreaterThan(0.15 * value);
    }
  }
});

it('gives the same colours over the neutral as the map alone', () => {
  const neutral = divergingColour(0);
  for (const value of [-1, -0.6, -0.2, -0.05, 0, 0.05, 0.2, 0.6, 1]) {
    const [red, green, blue, opacity] = overlayColour(value);
    const over = [red, green, blue].map((channel, i) => (channel * opacity + neutral[i] * (255 - opacity)) / 255);
    // Both opacity and colour are rounded to 8 bits.
    const largest = Math.max(...over.map((channel, i) => Math.abs(channel - divergingColour(value)[i])));
    expect(largest).toBeLessThan(2);
  }
  expect(overlayColour(0)[3]).toBe(0);
  expect(overlayColour(-1)[3]).toBe(255);
});

it('has an ink that stands out by 4.5 : 1 from every colour of the map', () => {
  const linear = (channel: number) => (channel <= 10 ? channel / 3294.6 : ((channel / 255 + 0.055) / 1.055) ** 2.4);
  for (let value = -1; value <= 1; value += 0.01) {
    const [r, g, b] = divergingColour(value);
    const ground = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const ink = inkOn([r, g, b]) === '#fff' ? 1 : 0;
    expect((Math.max(ground, ink) + 0.05) / (Math.min(ground, ink) + 0.05)).toBeGreaterThanOrEqual(4.5);
  }
});
