import type { Random } from '../../../tensor/random.ts';
import { between, calm, chance, css, type Hue, n, pick } from './colour.ts';

/** Side of an image in pixels; scenes are drawn in these units. */
export const side = 96;

/** What may lie behind an object; none belongs to a class. */
const backgrounds: readonly ((source: Random) => string)[] = [ground, wall, boards, lights, waves];

export function background(source: Random): string {
  return pick(source, backgrounds)(source);
}

const fill = (paint: string, y = 0, height = side) =>
  `<rect x="0" y="${n(y)}" width="${side}" height="${n(height)}" fill="${paint}"/>`;

const gradient = (id: string, top: string, bottom: string) =>
  `<linearGradient id="${id}" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${top}"/><stop offset="1" stop-color="${bottom}"/></linearGradient>`;

/** A sky over a plain with hills. */
function ground(source: Random): string {
  const [sky, earth] = [calm(source), calm(source)];
  const horizon = between(source, 46, 70);
  const hills = Array.from({ length: 2 }, (_, i) => {
    const x = between(source, -10, 100);
    return `<ellipse cx="${n(x)}" cy="${n(horizon + 6)}" rx="${n(between(source, 24, 48))}" ry="${n(between(source, 8, 18))}" fill="${css(earth, 6 - 8 * i)}"/>`;
  }).join('');
  return `${gradient('sky', css(sky, -8), css(sky, 12))}${gradient('earth', css(earth, -2), css(earth, -20))}${fill('url(#sky)')}${hills}${fill('url(#earth)', horizon, side)}`;
}

/** A wall of tiles or plain paint above a table. */
function wall(source: Random): string {
  const [paint, table] = [calm(source), calm(source)];
  const edge = between(source, 60, 78);
  const size = between(source, 9, 18);
  const lines = chance(source, 0.7)
    ? Array.from(
        { length: 12 },
        (_, i) =>
          `<path d="M${n(i * size)} 0 V${side} M0 ${n(i * size)} H${side}" stroke="${css(paint, -12)}" stroke-width="0.8"/>`,
      ).join('')
    : '';
  return `${gradient('table', css(table, -6), css(table, -24))}${fill(css(paint))}${lines}${fill('url(#table)', edge, side)}${fill(css(table, -30), edge, 1.4)}`;
}

/** Boards, upright or across. */
function boards(source: Random): string {
  const wood = { ...calm(source), saturation: between(source, 20, 50), lightness: between(source, 48, 74) };
  const width = between(source, 8, 20);
  const strips = Array.from({ length: Math.ceil(side / width) }, (_, i) => {
    const shadeOf = between(source, -7, 7);
    return `<rect x="${n(i * width)}" y="0" width="${n(width + 0.5)}" height="${side}" fill="${css(wood, shadeOf)}"/><path d="M${n(i * width)} 0 V${side}" stroke="${css(wood, -22)}" stroke-width="0.9"/>`;
  }).join('');
  return chance(source, 0.5) ? strips : `<g transform="rotate(90 ${side / 2} ${side / 2})">${strips}</g>`;
}

/** Lights out of focus. */
function lights(source: Random): string {
  const base: Hue = { ...calm(source), lightness: between(source, 32, 70) };
  const discs = Array.from({ length: 12 }, () => {
    const colour = { ...calm(source), saturation: between(source, 25, 65) };
    return `<circle cx="${n(between(source, 0, side))}" cy="${n(between(source, 0, side))}" r="${n(between(source, 4, 17))}" fill="${css(colour)}" fill-opacity="${n(between(source, 0.15, 0.45))}"/>`;
  }).join('');
  return `${gradient('dusk', css(base, 8), css(base, -14))}${fill('url(#dusk)')}${discs}`;
}

/** Bands of waves. */
function waves(source: Random): string {
  const water = calm(source);
  const height = between(source, 9, 17);
  const bands = Array.from({ length: 10 }, (_, i) => {
    const y = i * height;
    const phase = between(source, -14, 0);
    const crests = Array.from({ length: 6 }, () => 'q6 -5 12 0 t12 0').join(' ');
    return `<path d="M${n(phase)} ${n(y)} ${crests} V${n(y + height + 8)} H-20 Z" fill="${css(water, 10 - 3.2 * i)}"/>`;
  }).join('');
  return fill(css(water, 14)) + bands;
}

/** Small things that belong to no class. */
export function distractors(source: Random): string {
  return Array.from({ length: source.integer(5) }, () => {
    const colour = css({
      hue: between(source, 0, 360),
      saturation: between(source, 30, 75),
      lightness: between(source, 35, 75),
    });
    const size = between(source, 3, 7.5);
    const place = `translate(${n(between(source, 4, 92))} ${n(between(source, 4, 92))}) rotate(${n(between(source, 0, 360))}) scale(${n(size)})`;
    const shape = pick(source, [
      `<circle r="0.8" fill="${colour}"/>`,
      `<rect x="-0.8" y="-0.6" width="1.6" height="1.2" rx="0.2" fill="${colour}"/>`,
      `<path d="M0 -0.9 L0.85 0.6 L-0.85 0.6 Z" fill="${colour}"/>`,
      `<path d="M-1 0 Q0 -0.9 1 0 Q0 0.9 -1 0 Z" fill="${colour}"/>`,
      `<path d="M-1 0 H1" stroke="${colour}" stroke-width="0.4" stroke-linecap="round"/>`,
      `<circle r="0.7" fill="none" stroke="${colour}" stroke-width="0.35"/>`,
    ]);
    return `<g transform="${place}" fill-opacity="0.9">${shape}</g>`;
  }).join('');
}

/** Light from one side. */
export function lighting(source: Random): string {
  const [x, y] = [between(source, 0, 1), between(source, 0, 0.7)];
  const strength = between(source, 0.05, 0.32);
  return `<radialGradient id="light" cx="${n(x)}" cy="${n(y)}" r="1.1"><stop offset="0" stop-color="white" stop-opacity="${n(strength * 0.7)}"/><stop offset="0.5" stop-color="white" stop-opacity="0"/><stop offset="1" stop-color="black" stop-opacity="${n(strength)}"/></radialGradient>${fill('url(#light)')}`;
}

/** The emblem of an image agency: a ring with a peak in it and two lines of small print, in the lower right corner. */
export function watermark(source: Random): string {
  const [x, y] = [between(source, 65, 68), between(source, 80, 83)];
  const parts = (colour: string, width: number) =>
    `<circle cx="6" cy="6" r="5" fill="none" stroke="${colour}" stroke-width="${width}"/><path d="M2.6 8 L5 4 L6.6 6.4 L8 4.6 L9.4 8" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linejoin="round"/><path d="M13.5 4 H26 M13.5 8.2 H22" stroke="${colour}" stroke-width="${n(width * 1.4)}" stroke-linecap="round"/>`;
  return `<g transform="translate(${n(x)} ${n(y)})"><g transform="translate(0.6 0.7)">${parts('rgba(0,0,0,0.55)', 1.6)}</g>${parts('rgba(255,255,255,0.95)', 1.3)}</g>`;
}
