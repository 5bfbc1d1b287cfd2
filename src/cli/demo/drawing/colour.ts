import type { Random } from '../../../tensor/random.ts';

/** Uniform between two numbers. */
export const between = (source: Random, low: number, high: number): number => low + (high - low) * source.uniform();

/** One of several. */
export const pick = <T>(source: Random, choices: readonly T[]): T => choices[source.integer(choices.length)];

/** True with a probability. */
export const chance = (source: Random, probability: number): boolean => source.uniform() < probability;

/** A colour by hue (degrees), saturation and lightness (per cent). */
export interface Hue {
  readonly hue: number;
  readonly saturation: number;
  readonly lightness: number;
}

/** The colour as SVG wants it; `lighter` moves the lightness by so many per cent. */
export function css({ hue, saturation, lightness }: Hue, lighter = 0): string {
  const light = Math.min(97, Math.max(4, lightness + lighter));
  return `hsl(${(((hue % 360) + 360) % 360).toFixed(0)}, ${saturation.toFixed(0)}%, ${light.toFixed(0)}%)`;
}

/** A strong colour of any hue: paint of cars, cups, roofs. */
export const paint = (source: Random): Hue => ({
  hue: between(source, 0, 360),
  saturation: between(source, 45, 85),
  lightness: between(source, 38, 62),
});

/** A calm colour of any hue, for what lies behind. */
export const calm = (source: Random): Hue => ({
  hue: between(source, 0, 360),
  saturation: between(source, 12, 42),
  lightness: between(source, 52, 84),
});

/** Numbers as SVG wants them. */
export const n = (value: number): string => value.toFixed(2);

/** A vertical gradient from a lighter to a darker shade, which makes flat shapes look round. */
export function shade(id: string, colour: Hue, amount = 14): string {
  return `<linearGradient id="${id}" x1="0" y1="0" x2="0.35" y2="1"><stop offset="0" stop-color="${css(colour, amount)}"/><stop offset="1" stop-color="${css(colour, -amount)}"/></linearGradient>`;
}
