import { boxOnImage } from '../attribution/box-on-image.ts';
import { writePng } from '../data/formats/image.ts';
import { WhereforeError } from '../errors.ts';
import type { Explained } from '../explain/explained.ts';
import { promisesSum } from '../explain/meaning.ts';
import { cssColour, divergingColour } from '../page/colour-map.ts';
import { figuresOf, type MapFigure } from '../page/figures.ts';
import { overlayImage, plainMap } from '../page/heat-map.ts';
import { escapeText } from '../page/html.ts';
import { errorText, judge } from '../page/judgement.ts';
import { legendText, scaleEnds } from '../page/legend.ts';
import { numberText, percentText } from '../page/number-text.ts';

export interface HeatMapOptions {
  /** overlay: over the image in grey (default). map: alone. */
  readonly view?: 'overlay' | 'map';
  /** The figure, where it shares its colour scale with others; default: drawn with a scale of its own. */
  readonly figure?: MapFigure;
}

/** Width of the PNG in pixels; the legend is set for it. */
const width = 560;

/**
 * The PNG of an explanation: the signed map over its image, warnings on the image, and a legend with the colour
 * scale, T, ΣA and E.
 * @throws WhereforeError `invalid-argument` for an explanation that lies over no image (tables, text)
 */
export async function heatMapPng(explained: Explained, options: HeatMapOptions = {}): Promise<Uint8Array> {
  const figure = options.figure ?? (await figuresOf([explained]))[0];
  if (figure.kind !== 'map') {
    throw new WhereforeError('invalid-argument', 'this explanation lies over no image', {
      where: explained.document.input.source,
      got: explained.document.layer.join(' + '),
      fix: 'open its page, which shows it as bars',
    });
  }
  const { frame, map, limit } = figure;
  const drawn = options.view === 'map' ? plainMap(map, limit) : overlayImage(map, limit, frame);
  const [h, w] = drawn.shape;
  const height = Math.round((h * width) / w);
  const { default: sharp } = await import('sharp');
  const image = await sharp(await writePng(drawn))
    .resize(width, height, { fit: 'fill', kernel: h * w <= 4096 ? 'nearest' : 'cubic' })
    .toBuffer();
  const chips = chipsSvg(judge(explained.document).warnings);
  const legend = legendSvg(explained, figure);
  const canvas = sharp({ create: { width, height: height + legend.height, channels: 3, background: '#ffffff' } });
  return new Uint8Array(
    await canvas
      .composite([
        { input: image, left: 0, top: 0 },
        ...boxLayer(explained, figure, height),
        ...(chips.height <= height ? [{ input: Buffer.from(chips.svg), left: 0, top: height - chips.height }] : []),
        { input: Buffer.from(legend.svg), left: 0, top: height },
      ])
      .png({ compressionLevel: 9 })
      .toBuffer(),
  );
}

/** The outline of the explained detection. */
function boxLayer({ document: { box } }: Explained, { frame }: MapFigure, height: number) {
  if (!box) return [];
  const [sourceHeight, sourceWidth] = frame.transform.source;
  const [left, top, right, bottom] = boxOnImage(box, frame.transform);
  const [x, y] = [width / sourceWidth, height / sourceHeight];
  const outline = (stroke: string, thickness: number) =>
    `<rect x="${left * x}" y="${top * y}" width="${(right - left) * x}" height="${(bottom - top) * y}" fill="none" stroke="${stroke}" stroke-width="${thickness}"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${outline('#000', 5)}${outline('#fff', 2)}</svg>`;
  return [{ input: Buffer.from(svg), left: 0, top: 0 }];
}

const font = 'font-family="Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"';

/** A line that fits: about 0.52 em a letter. */
function cut(text: string, size: number, room = width - 32): string {
  const letters = Math.floor(room / (size * 0.52));
  return text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
}

/** Lines of whole words that fit. */
function wrapped(text: string, size: number): string[] {
  const letters = Math.floor((width - 32) / (size * 0.52));
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < letters) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function chipsSvg(warnings: readonly string[]): { svg: string; height: number } {
  const height = Math.max(1, warnings.length * 30 + 8);
  const chips = warnings.map((warning, i) => {
    const text = cut(warning, 14, width - 48);
    const chipWidth = Math.min(width - 20, Math.round(text.length * 6.9 + 22));
    const y = 4 + i * 30;
    return `<rect x="10" y="${y}" width="${chipWidth}" height="25" rx="4" fill="#fff4d6" stroke="#8a5a00"/>
<text x="21" y="${y + 17.5}" font-size="14" fill="#5c3b00" textLength="${chipWidth - 22}" lengthAdjust="spacingAndGlyphs">${escapeText(text)}</text>`;
  });
  return {
    svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ${font}>${chips.join('')}</svg>`,
    height,
  };
}

function legendSvg({ document }: Explained, figure: MapFigure): { svg: string; height: number } {
  const ends = scaleEnds(figure);
  const stops = Array.from({ length: 21 }, (_, i) => {
    const value = figure.mask ? i / 20 : i / 10 - 1;
    return `<stop offset="${i * 5}%" stop-color="${cssColour(divergingColour(value))}"/>`;
  });
  const { attributionTarget, sum, value } = document;
  const line = (y: number, text: string, size = 14, fill = '#3a3a3a', weight = 'normal') =>
    `<text x="16" y="${y}" font-size="${size}" fill="${fill}" font-weight="${weight}">${escapeText(cut(text, size))}</text>`;
  const label = (x: number, text: string, anchor: string) =>
    `<text x="${x}" y="120" font-size="13" fill="#3a3a3a" text-anchor="${anchor}">${escapeText(text)}</text>`;
  const sentences = wrapped(judge(document).verdict, 13);
  const legend = wrapped(legendText(figure, document), 12);
  const legendHeight = 16 * legend.length;
  const height = 170 + legendHeight + 17 * sentences.length;
  const parts = [
    line(28, document.targetDescription, 17, '#111111', 'bold'),
    line(50, `${document.methodTitle} at ${document.layer.join(' + ')}`),
    line(
      70,
      document.baselineDescription === null ? 'no baseline stated' : `compared with: ${document.baselineDescription}`,
    ),
    `<defs><linearGradient id="scale">${stops.join('')}</linearGradient></defs>`,
    `<rect x="16" y="86" width="${width - 32}" height="16" fill="url(#scale)" stroke="#8a8a8a" stroke-width="0.5"/>`,
    ...ends.map(([number, word], i) => {
      const [x, anchor] = [
        [16, 'start'],
        [width / 2, 'middle'],
        [width - 16, 'end'],
      ][ends.length === 2 ? 2 * i : i] as [number, string];
      return label(x, (anchor === 'end' ? `${word} ${number}` : `${number} ${word}`).trim(), anchor);
    }),
    ...legend.map((text, i) => line(142 + 16 * i, text, 12, '#5a5a5a')),
    line(
      154 + legendHeight,
      figure.mask
        ? `f(x) = ${numberText(value)}  ·  marked: ${percentText(figure.mask.area)} of the image`
        : `T = ${numberText(attributionTarget)}${promisesSum(document) ? `  ·  ΣA = ${numberText(sum)}` : ''}  ·  E = ${errorText(document)}`,
      16,
      '#111111',
    ),
    ...sentences.map((text, i) => line(175 + legendHeight + 17 * i, text, 13)),
  ];
  return {
    svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ${font}>${parts.join('')}</svg>`,
    height,
  };
}
