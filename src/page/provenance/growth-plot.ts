import { effectText } from '../../provenance/verify/verdict.ts';
import type { GrownEffect } from '../../provenance/verify/verification-told.ts';
import { type Html, html } from '../html.ts';

const [width, height] = [260, 170];
const [left, right, top, bottom] = [44, 12, 14, 34];

/** How the effect grows with the images removed for each prompt, a plot for each stratum, all on one scale. */
export function growthSection(growth: readonly GrownEffect[]): Html {
  const strata = Object.keys(growth[0].effects);
  return html`<section><h2>How the effect grows with what is removed</h2><p class="quiet">Cost of the items without the traced images, more than under full data, by how many of them were removed for each prompt; means with 95 % intervals. A family has to be removed whole: what is left of it teaches it still.</p><div class="plots">${strata.map((stratum) => plot(stratum, growth))}</div></section>`;
}

function plot(stratum: string, growth: readonly GrownEffect[]): Html {
  const [low, high] = rangeOf(growth);
  const most = growth[growth.length - 1].removed;
  const x = (removed: number) => left + ((width - left - right) * removed) / most;
  const y = (effect: number) => top + ((height - top - bottom) * (high - effect)) / (high - low);
  const points = growth.map(({ removed, effects }) => ({ removed, effect: effects[stratum] }));
  const line = points.map(({ removed, effect }) => `${x(removed).toFixed(1)},${y(effect.mean).toFixed(1)}`).join(' ');
  const told = points.map(({ removed, effect }) => `${removed}: ${effectText(effect)}`).join('; ');
  return html`<figure class="growth"><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${stratum}: ${told}"><path d="M${left} ${y(0).toFixed(1)}H${width - right}" stroke="var(--line)"/><polyline points="${line}" fill="none" stroke="var(--accent)" stroke-width="1.5"/>${points.map(({ removed, effect: { mean, low: from, high: to } }) => html`${from !== undefined && to !== undefined && html`<path d="M${x(removed).toFixed(1)} ${y(from).toFixed(1)}V${y(to).toFixed(1)}" stroke="var(--accent)" stroke-width="1.5"/>`}<circle cx="${x(removed).toFixed(1)}" cy="${y(mean).toFixed(1)}" r="3" fill="var(--accent)"/><text x="${x(removed).toFixed(1)}" y="${height - 18}" text-anchor="middle">${removed}</text>`)}${[low, high].filter((value) => Math.abs(value) > 0.05 * (high - low)).map((value) => html`<text x="${left - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${value.toFixed(1)}</text>`)}<text x="${left - 6}" y="${(y(0) + 4).toFixed(1)}" text-anchor="end">0</text><text x="${(left + width - right) / 2}" y="${height - 3}" text-anchor="middle">removed for a prompt</text></svg><figcaption>${stratum}</figcaption></figure>`;
}

/** From the lowest to the highest end of all intervals, 0 among them. */
function rangeOf(growth: readonly GrownEffect[]): readonly [number, number] {
  let [low, high] = [0, 0];
  for (const { effects } of growth)
    for (const { mean, low: from = mean, high: to = mean } of Object.values(effects))
      [low, high] = [Math.min(low, from), Math.max(high, to)];
  return [low, high === low ? low + 1 : high];
}
