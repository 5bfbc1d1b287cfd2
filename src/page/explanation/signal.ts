import { cssColour, divergingColour } from '../colour-map.ts';
import type { Channel, Features } from '../features.ts';
import { type Html, html } from '../html.ts';
import { signedText } from '../number-text.ts';

/** Strips that an image of a signal has at most: more positions than that are added up. */
const mostStrips = 400;
/** Channels that are drawn at most; all of them count. */
const mostLanes = 6;

/** A signal as a line for each channel, over strips in the colour of each position's share. */
export function renderSignal(
  { shares, positionName = 'position', channelName = 'channel', rate }: Features,
  signal: readonly Channel[],
): Html {
  const count = shares.length;
  const strips = Math.min(count, mostStrips);
  const together = stripSums(
    shares.map(({ share }) => share),
    strips,
  );
  const lanes = signal.slice(0, mostLanes).map(({ values, shares: own }) => ({
    values,
    sums: own ? stripSums(own, strips) : together,
  }));
  const largest = lanes
    .flatMap(({ sums }) => [...sums])
    .reduce((most, sum) => Math.max(most, Math.abs(sum)), Number.MIN_VALUE);
  const width = count / strips;
  const strongest = together.reduce((best, sum, i) => (Math.abs(sum) > Math.abs(together[best]) ? i : best), 0);
  const place = Math.floor((strongest + 0.5) * width);
  const at = (index: number) => placeText(index, positionName, rate);
  const unit =
    rate !== undefined
      ? `a strip of ${secondsText(width / rate)}`
      : width > 1
        ? `a strip of ${Number(width.toFixed(1))} positions`
        : 'a position';
  const apart =
    signal.length > 1 &&
    (signal[0].shares ? `each ${channelName} has its own colours` : `colours add up every ${channelName}`);
  const more = signal.length > mostLanes && `${mostLanes} of ${signal.length} are drawn`;
  const facts = [`the end colour is ${signedText(largest, 2)} ${unit}`, apart, more].filter(Boolean).join('; ');
  return html`<div class="signal">${lanes.map(
    (
      { values, sums },
      channel,
    ) => html`<div class="lane">${lanes.length > 1 && html`<span class="lane-name">${channelName} ${channel}</span>`}
<svg viewBox="0 0 ${count} 100" preserveAspectRatio="none" role="img" aria-label="${lanes.length > 1 ? `${channelName} ${channel} of the signal` : 'The signal'} over strips coloured by their share, strongest around ${at(place)} (${signedText(together[strongest], 2)})">
${Array.from(sums, (sum, i) => html`<rect x="${(i * width).toFixed(2)}" y="0" width="${(width * 1.02).toFixed(2)}" height="100" fill="${cssColour(divergingColour(sum / largest))}"/>`)}
<polyline points="${line(values)}" fill="none" stroke="#1a1a1a" stroke-width="1.5" vector-effect="non-scaling-stroke"/>
</svg></div>`,
  )}
<p class="ends"><span>${at(0)}</span><span>${rate === undefined ? count - 1 : at(count)}</span></p>
<p class="quiet">Red positions raised the output, blue ones lowered it; ${facts}.</p></div>`;
}

/** A place along a signal: the seconds of a recording, else its number. */
export function placeText(index: number, positionName: string, rate: number | undefined): string {
  return rate === undefined ? `${positionName} ${index}` : secondsText(index / rate);
}

const secondsText = (seconds: number) => `${Number(seconds.toPrecision(3))} s`;

function stripSums(shares: readonly number[], strips: number): Float64Array {
  const sums = new Float64Array(strips);
  shares.forEach((share, i) => {
    sums[Math.floor((i * strips) / shares.length)] += share;
  });
  return sums;
}

/** Points that a line has at most; of more, the least and the largest of each stretch are drawn. */
const mostPoints = 4000;

/** Points of a line from the top (5) to the bottom (95) of its own range. */
function line(values: readonly number[]): string {
  const least = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const range = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - least || 1;
  const point = (i: number) => `${i + 0.5},${(95 - (90 * (values[i] - least)) / range).toFixed(1)}`;
  return drawnPositions(values).map(point).join(' ');
}

function drawnPositions(values: readonly number[]): number[] {
  if (values.length <= mostPoints) return values.map((_, i) => i);
  const stretches = mostPoints / 2;
  return Array.from({ length: stretches }, (_, stretch) => {
    const from = Math.floor((stretch * values.length) / stretches);
    const to = Math.floor(((stretch + 1) * values.length) / stretches);
    let [low, high] = [from, from];
    for (let i = from; i < to; i++) {
      if (values[i] < values[low]) low = i;
      if (values[i] > values[high]) high = i;
    }
    return low === high ? [low] : low < high ? [low, high] : [high, low];
  }).flat();
}
