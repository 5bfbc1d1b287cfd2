import type { ComparedRow } from '../../evaluation/comparison.ts';
import { maxOf, minOf } from '../../tensor/extremes.ts';
import { type Html, html } from '../html.ts';
import { numberText } from '../number-text.ts';

const [width, height] = [720, 300];
const edges = { left: 56, top: 16, bottom: 44 };
/** Width of a letter of a label on average, in pixels. */
const letter = 6.8;

/** Hues of OKLCH far apart; all have one lightness, so that each stands out from the ground as well as another. */
const hues = [255, 50, 145, 310, 0, 200, 95, 125, 280, 25];

type Preset = 'literal' | 'tolerant';

/** Mean MSI against α_min, a line for each method and a dashed one for each control; undefined where MSI was not asked for. */
export function profileSvg(rows: readonly ComparedRow[], preset: Preset, chosen: number): Html | undefined {
  const lines = rows.flatMap((row, i) =>
    row.profile ? [{ row, profile: row.profile, hue: hues[i % hues.length], again: i >= hues.length }] : [],
  );
  if (lines.length === 0) return undefined;
  const titles = lines.map(({ row }) => row.title.replace(/ at .*/, ''));
  const margin = { ...edges, right: 24 + letter * maxOf(titles.map((title) => title.length)) };
  const values = lines.flatMap(({ profile }) => profile[preset]);
  const [low, high] = [minOf([0, ...values]), maxOf([0, ...values])];
  const x = (alphaMin: number) => margin.left + alphaMin * (width - margin.left - margin.right);
  const y = (value: number) =>
    margin.top + ((high - value) / Math.max(1e-9, high - low)) * (height - margin.top - margin.bottom);
  const ends = lines.map(({ profile }) => y(profile[preset].at(-1) as number) + 4);
  const labels = spread(ends, 14, height - 4);
  const ticks = [...new Set([low, 0, high])];
  return html`<svg class="front profile" viewBox="0 0 ${width} ${height}" role="img" aria-label="MSI (${preset}) against α_min of ${lines.length} explanations">
${[0, 0.25, 0.5, 0.75, 1].map((at) => html`<line class="grid" x1="${x(at)}" x2="${x(at)}" y1="${margin.top}" y2="${y(low)}"/><text class="axis" x="${x(at)}" y="${y(low) + 18}" text-anchor="middle">${at}</text>`)}
${ticks.map((value) => html`<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y(value)}" y2="${y(value)}"/><text class="axis" x="${margin.left - 8}" y="${y(value) + 4}" text-anchor="end">${numberText(value, 2)}</text>`)}
<line class="chosen" x1="${x(chosen)}" x2="${x(chosen)}" y1="${margin.top}" y2="${y(low)}"/>
<text class="axis" x="${(margin.left + width - margin.right) / 2}" y="${height - 6}" text-anchor="middle">α_min</text>
<text class="axis" transform="translate(14 ${(margin.top + y(low)) / 2}) rotate(-90)" text-anchor="middle">MSI (${preset})</text>
${lines.map(({ row, profile, hue, again }, i) => html`<g style="--hue:${hue}"><path class="${row.control ? 'wrong' : again ? 'again' : ''}" d="${profile.alphaMin.map((at, k) => `${k ? 'L' : 'M'}${x(at).toFixed(1)} ${y(profile[preset][k]).toFixed(1)}`).join('')}"/><path class="leader" d="M${x(profile.alphaMin.at(-1) as number).toFixed(1)} ${(ends[i] - 4).toFixed(1)}L${x(1) + 6} ${(labels[i] - 4).toFixed(1)}"/><text x="${x(1) + 9}" y="${labels[i].toFixed(1)}">${titles[i]}</text></g>`)}
</svg>`;
}

export const profileStyle = `
:root{--tone:48%}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){--tone:76%}}
:root[data-theme=dark]{--tone:76%}
.profile g text{fill:oklch(var(--tone) .12 var(--hue))}
.profile path{fill:none;stroke:oklch(var(--tone) .12 var(--hue));stroke-width:1.6}.profile path.wrong{stroke-dasharray:4 3}.profile path.again{stroke-dasharray:9 2 2 2}
.profile path.leader{stroke-width:.6}.profile .chosen{stroke:var(--quiet);stroke-dasharray:2 3}
`;

/** Heights at least `gap` apart, in the same order, none below `last`. */
function spread(heights: readonly number[], gap: number, last: number): number[] {
  const order = heights.map((_, i) => i).sort((a, b) => heights[a] - heights[b]);
  const result = [...heights];
  order.forEach((i, k) => {
    if (k > 0) result[i] = Math.max(result[i], result[order[k - 1]] + gap);
  });
  for (let k = order.length - 1; k >= 0; k--) {
    const limit = k === order.length - 1 ? last : result[order[k + 1]] - gap;
    result[order[k]] = Math.min(result[order[k]], limit);
  }
  return result;
}
