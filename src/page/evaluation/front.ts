import type { ComparedRow } from '../../evaluation/comparison.ts';
import { maxOf, minOf } from '../../tensor/extremes.ts';
import { type Html, html } from '../html.ts';

const [width, height] = [720, 380];
const margin = { left: 56, right: 150, top: 16, bottom: 44 };

interface Point {
  readonly title: string;
  readonly x: number;
  readonly y: number;
  readonly onFront: boolean;
}

/** Quality against passes (logarithmic) as inline SVG; the front is a line. */
export function frontSvg(rows: readonly ComparedRow[]): Html {
  const scored = rows.flatMap(({ title, quality, cost, onFront }) =>
    quality === undefined || !cost ? [] : [{ title, quality, passes: Math.max(1, cost.passes), onFront }],
  );
  if (scored.length === 0) return html`<p>No method could be scored.</p>`;
  const decades = [
    Math.floor(Math.log10(minOf(scored.map(({ passes }) => passes)))),
    Math.ceil(Math.log10(maxOf(scored.map(({ passes }) => passes)) * 1.001)),
  ];
  const x = (passes: number) =>
    margin.left +
    ((Math.log10(passes) - decades[0]) / Math.max(1, decades[1] - decades[0])) * (width - margin.left - margin.right);
  const y = (quality: number) => margin.top + (1 - quality) * (height - margin.top - margin.bottom);
  const points: Point[] = scored.map(({ title, quality, passes, onFront }) => ({
    title,
    x: x(passes),
    y: y(quality),
    onFront,
  }));
  const front = points.filter(({ onFront }) => onFront).sort((a, b) => a.x - b.x);
  const line = front
    .map((point, i) =>
      i === 0 ? `M${point.x.toFixed(1)} ${point.y.toFixed(1)}` : `H${point.x.toFixed(1)}V${point.y.toFixed(1)}`,
    )
    .join('');
  const ticks = Array.from({ length: decades[1] - decades[0] + 1 }, (_, i) => 10 ** (decades[0] + i));
  return html`<svg class="front" viewBox="0 0 ${width} ${height}" role="img" aria-label="Quality against passes of ${points.length} methods">
${ticks.map((passes) => html`<line class="grid" x1="${x(passes)}" x2="${x(passes)}" y1="${margin.top}" y2="${y(0)}"/><text class="axis" x="${x(passes)}" y="${y(0) + 18}" text-anchor="middle">${passes.toLocaleString('en')}</text>`)}
${[0, 0.5, 1].map((quality) => html`<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y(quality)}" y2="${y(quality)}"/><text class="axis" x="${margin.left - 8}" y="${y(quality) + 4}" text-anchor="end">${quality}</text>`)}
<text class="axis" x="${(margin.left + width - margin.right) / 2}" y="${height - 6}" text-anchor="middle">passes for one explanation</text>
<text class="axis" transform="translate(14 ${(margin.top + y(0)) / 2}) rotate(-90)" text-anchor="middle">quality</text>
<path class="line" d="${line}"/>
${points.map((point) => html`<circle class="${point.onFront ? 'best' : 'other'}" cx="${point.x.toFixed(1)}" cy="${point.y.toFixed(1)}" r="4.5"/>`)}
${labelsOf(points).map(({ title, left, right, y: base, isRight }) => html`<text x="${(isRight ? left : right).toFixed(1)}" y="${base.toFixed(1)}" text-anchor="${isRight ? 'start' : 'end'}">${title}</text>`)}
</svg>`;
}

/** Width of a letter of a label on average, and height of a line, in pixels. */
const letter = 6.6;
const lineHeight = 13;

interface Label {
  readonly title: string;
  readonly left: number;
  readonly right: number;
  /** Of the base line. */
  readonly y: number;
  readonly isRight: boolean;
}

/**
 * A label for each point, from the highest to the lowest: right of it, else left of it, else as little above or below as
 * keeps it off the labels before it and off the other points.
 */
function labelsOf(points: readonly Point[]): Label[] {
  const placed: Label[] = [];
  for (const point of [...points].sort((a, b) => a.y - b.y)) {
    const others = points.filter((other) => other !== point);
    const free = candidates(point).filter(
      (label) => !placed.some((other) => overlap(label, other)) && !others.some((other) => covers(label, other)),
    );
    placed.push(free[0] ?? candidates(point)[0]);
  }
  return placed;
}

function candidates({ title, x, y }: Point): Label[] {
  const length = letter * title.length;
  const shifts = Array.from({ length: 25 }, (_, k) => (k % 2 ? 1 : -1) * Math.ceil(k / 2) * (lineHeight / 2));
  const at = (isRight: boolean, shift: number): Label => {
    const left = isRight ? x + 8 : x - 8 - length;
    return { title, left, right: left + length, y: y + 4 + shift, isRight };
  };
  const fits = ({ left, right, y: base }: Label) => left >= margin.left && right <= width && base < height - 30;
  const all = shifts.flatMap((shift) => [at(true, shift), at(false, shift)]);
  const fitting = all.filter(fits);
  return fitting.length ? fitting : all;
}

function overlap(a: Label, b: Label): boolean {
  return Math.abs(a.y - b.y) < lineHeight && a.left < b.right + 4 && b.left < a.right + 4;
}

function covers({ left, right, y }: Label, point: Point): boolean {
  return point.x > left - 5 && point.x < right + 5 && point.y > y - lineHeight && point.y < y + 5;
}
