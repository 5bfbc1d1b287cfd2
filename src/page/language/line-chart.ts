import { type Html, html, raw } from '../html.ts';
import { numberText } from '../number-text.ts';

/** A line over numbers from 0 on, with the range that it is the mean of, where it is one. */
export interface ChartLine {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly range?: readonly (readonly [low: number, high: number])[];
  /** Whether it is one that the others are compared with: drawn grey. */
  readonly trivial?: boolean;
}

const size = { width: 720, height: 300, left: 58, right: 16, top: 14, bottom: 40 } as const;
/** Lines are told apart by colour and by dashes. */
const dashes = ['none', '7 3', '2 3', '9 3 2 3', '4 4', '12 4', '1 5'] as const;

/** Lines on common axes, with a legend that tells them apart without colours too. */
export function lineChart(lines: readonly ChartLine[], axes: { readonly x: string; readonly y: string }): Html {
  const ys = lines.flatMap(({ points, range = [] }) => [...points.map(([, y]) => y), ...range.flat()]);
  const last = lines.reduce((most, { points }) => points.reduce((end, [x]) => (x > end ? x : end), most), 1);
  const [low, high] = [ys.reduce((a, b) => (b < a ? b : a), ys[0]), ys.reduce((a, b) => (b > a ? b : a), ys[0])];
  const span = high - low || 1;
  const x = (value: number) => (size.left + (value / last) * (size.width - size.left - size.right)).toFixed(1);
  const y = (value: number) =>
    (size.height - size.bottom - ((value - low) / span) * (size.height - size.top - size.bottom)).toFixed(1);
  const path = (points: readonly (readonly [number, number])[]) =>
    points.map(([px, py], i) => `${i ? 'L' : 'M'}${x(px)} ${y(py)}`).join('');
  const grid = [low, low + span / 2, high].map(
    (value) =>
      html`<path class="grid" d="M${x(0)} ${y(value)}H${x(last)}"/><text x="${size.left - 6}" y="${y(value)}" dy="4" text-anchor="end">${numberText(value, 3)}</text>`,
  );
  const drawn = lines.map(({ points, range, trivial }, i) => {
    const band = range && [
      ...range.map(([, top], k) => [points[k][0], top] as const),
      ...range.map(([bottom], k) => [points[k][0], bottom] as const).reverse(),
    ];
    return html`${band && html`<path class="band" d="${path(band)}Z"/>`}<path class="line ${trivial ? 'trivial' : `line-${i}`}" stroke-dasharray="${dashes[i % dashes.length]}" d="${path(points)}"/>`;
  });
  const legend = lines.map(
    ({ name, trivial }, i) =>
      html`<li><svg viewBox="0 0 34 10" aria-hidden="true"><path class="line ${trivial ? 'trivial' : `line-${i}`}" stroke-dasharray="${dashes[i % dashes.length]}" d="M0 5H34"/></svg>${name}</li>`,
  );
  return html`<figure class="chart"><svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${axes.y} over ${axes.x}">${grid}${drawn}
<text x="${x(0)}" y="${size.height - 22}" text-anchor="middle">0</text><text x="${x(last)}" y="${size.height - 22}" text-anchor="end">${last}</text>
<text x="${(size.left + size.width - size.right) / 2}" y="${size.height - 6}" text-anchor="middle">${axes.x}</text></svg>
<figcaption>${axes.y}</figcaption><ul class="keys">${legend}</ul></figure>`;
}

/** What a page with a chart adds to the style of all pages. */
export const chartStyle = raw(`
.chart{max-width:46rem;margin:1rem 0}.chart>svg{width:100%;height:auto;display:block;font-size:12px;fill:var(--ink)}
.chart .grid{stroke:var(--line);fill:none}.chart .line{fill:none;stroke-width:2}.chart .band{fill:var(--total);opacity:.18}
.line-0{stroke:#0b6fa4}.line-1{stroke:#c2410c}.line-2{stroke:#4d7c0f}.line-3{stroke:#7e22ce}.line-4{stroke:#b4235a}.line-5{stroke:#0f766e}.line-6{stroke:#854d0e}.line.trivial{stroke:var(--total);stroke-width:1.5}
.keys{list-style:none;margin:.5rem 0 0;padding:0;display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;font-size:.84rem}.keys svg{width:34px;height:10px;margin-right:.45em;vertical-align:middle}
@media (prefers-color-scheme:dark){.line-0{stroke:#6db9ea}.line-1{stroke:#f2a272}.line-2{stroke:#a6d168}.line-3{stroke:#cf9df5}.line-4{stroke:#f29ab8}.line-5{stroke:#5fd0c5}.line-6{stroke:#e0b36a}}
`).html;
