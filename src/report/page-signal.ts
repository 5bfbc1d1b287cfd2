import { cssColour, divergingColour } from './colour-map.ts';
import type { Features } from './features.ts';
import { type Html, html } from './html.ts';
import { signedText } from './number-text.ts';

/** Strips that a picture of a signal has at most: more places than that are added up. */
const mostStrips = 400;
/** Channels that are drawn at most; all of them count. */
const mostLines = 6;

/** A signal as a line over strips in the colour of each place's share. */
export function renderSignal({ shares }: Features, signal: readonly (readonly number[])[]): Html {
  const count = shares.length;
  const strips = Math.min(count, mostStrips);
  const sums = new Float64Array(strips);
  shares.forEach(({ share }, i) => {
    sums[Math.floor((i * strips) / count)] += share;
  });
  const largest = sums.reduce((most, sum) => Math.max(most, Math.abs(sum)), Number.MIN_VALUE);
  const width = count / strips;
  const lines = signal.slice(0, mostLines).map((values) => line(values));
  const strongest = sums.reduce((best, sum, i) => (Math.abs(sum) > Math.abs(sums[best]) ? i : best), 0);
  const place = Math.round((strongest + 0.5) * width);
  const more = signal.length > mostLines ? `; ${mostLines} of ${signal.length} channels are drawn` : '';
  return html`<div class="signal"><svg viewBox="0 0 ${count} 100" preserveAspectRatio="none" role="img" aria-label="The signal over strips coloured by their share, strongest around place ${place} (${signedText(sums[strongest], 2)})">
${Array.from(sums, (sum, i) => html`<rect x="${(i * width).toFixed(2)}" y="0" width="${(width * 1.02).toFixed(2)}" height="100" fill="${cssColour(divergingColour(sum / largest))}"/>`)}
${lines.map((points) => html`<polyline points="${points}" fill="none" stroke="#1a1a1a" stroke-width="1.5" vector-effect="non-scaling-stroke"/>`)}
</svg>
<p class="ends"><span>place 0</span><span>${count - 1}</span></p>
<p class="quiet">Red places raised the output, blue ones lowered it; the end colour is ${signedText(largest, 2)} a strip of ${Number(width.toFixed(1))} places${more}.</p></div>`;
}

/** Points of a line from the top (5) to the bottom (95) of its own range. */
function line(values: readonly number[]): string {
  const least = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const range = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - least || 1;
  return values.map((value, i) => `${i + 0.5},${(95 - (90 * (value - least)) / range).toFixed(1)}`).join(' ');
}
