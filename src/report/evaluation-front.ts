import type { ComparedRow } from '../evaluation/comparison.ts';
import { type Html, html } from './html.ts';

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
    Math.floor(Math.log10(Math.min(...scored.map(({ passes }) => passes)))),
    Math.ceil(Math.log10(Math.max(...scored.map(({ passes }) => passes)) * 1.001)),
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
  const labels = labelHeights(points);
  return html`<svg class="front" viewBox="0 0 ${width} ${height}" role="img" aria-label="Quality against passes of ${points.length} methods">
${ticks.map((passes) => html`<line class="grid" x1="${x(passes)}" x2="${x(passes)}" y1="${margin.top}" y2="${y(0)}"/><text class="axis" x="${x(passes)}" y="${y(0) + 18}" text-anchor="middle">${passes.toLocaleString('en')}</text>`)}
${[0, 0.5, 1].map((quality) => html`<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y(quality)}" y2="${y(quality)}"/><text class="axis" x="${margin.left - 8}" y="${y(quality) + 4}" text-anchor="end">${quality}</text>`)}
<text class="axis" x="${(margin.left + width - margin.right) / 2}" y="${height - 6}" text-anchor="middle">passes for one explanation</text>
<text class="axis" transform="translate(14 ${(margin.top + y(0)) / 2}) rotate(-90)" text-anchor="middle">quality</text>
<path class="line" d="${line}"/>
${points.map((point) => html`<circle class="${point.onFront ? 'best' : 'other'}" cx="${point.x.toFixed(1)}" cy="${point.y.toFixed(1)}" r="4.5"/>`)}
${points.map((point, i) => label(point, labels[i]))}
</svg>`;
}

/** Width of a letter of a label on average, in pixels. */
const letter = 6.5;

/** Right of its point, or left of it where the picture ends before the text. */
function label({ title, x }: Point, y: number): Html {
  const isRight = x + 8 + letter * title.length <= width;
  return html`<text x="${(isRight ? x + 8 : x - 8).toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${isRight ? 'start' : 'end'}">${title}</text>`;
}

/** Heights of labels beside their points, moved down where they would lie on each other. */
function labelHeights(points: readonly Point[]): number[] {
  const heights = points.map(({ y }) => y + 4);
  const order = points.map((_, i) => i).sort((a, b) => points[a].y - points[b].y);
  order.forEach((i, k) => {
    for (const above of order.slice(0, k)) {
      if (Math.abs(points[i].x - points[above].x) < 150 && heights[i] - heights[above] < 13)
        heights[i] = heights[above] + 13;
    }
  });
  return heights;
}
