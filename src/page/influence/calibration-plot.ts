import type { CalibrationDocument } from '../../influence/calibration/calibration-document.ts';
import { signedNumber } from '../../influence/retraining/judge-experiment.ts';
import { maxOf, minOf } from '../../tensor/extremes.ts';
import { type Html, html } from '../html.ts';

const size = { width: 560, height: 360, left: 70, right: 16, top: 14, bottom: 46 } as const;

/** Predicted against measured changes of f: a dot for each removal and query, the slope with its interval. */
export function calibrationPlot({ points, slope, removals, measured }: CalibrationDocument): Html {
  const bounds = (values: readonly number[]): [number, number] => {
    const [least, most] = [Math.min(0, minOf(values)), Math.max(0, maxOf(values))];
    const pad = 0.05 * (most - least || 1);
    return [least - pad, most + pad];
  };
  const [left, right] = bounds(points.map(({ predicted }) => predicted));
  const [low, high] = bounds(points.map((point) => point.measured));
  const bottom = size.height - size.bottom;
  const x = (value: number) =>
    Number((size.left + ((value - left) / (right - left)) * (size.width - size.left - size.right)).toFixed(1));
  const y = (value: number) => Number((bottom - ((value - low) / (high - low)) * (bottom - size.top)).toFixed(1));
  const line = (by: number) => `M${x(left)} ${y(by * left)}L${x(right)} ${y(by * right)}`;
  const [flat, steep] = [slope.low ?? slope.mean, slope.high ?? slope.mean];
  const band = `M${x(left)} ${y(flat * left)}L${x(0)} ${y(0)}L${x(right)} ${y(flat * right)}V${y(steep * right)}L${x(0)} ${y(0)}L${x(left)} ${y(steep * left)}Z`;
  const most = maxOf(removals.map(({ rows }) => rows));
  const radius = (rows: number) => (2 + 3 * Math.sqrt(rows / most)).toFixed(1);
  const unit = measured.unit && `, ${measured.unit}`;
  return html`<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="predicted against measured changes, ${points.length} points">
<clipPath id="calibration-area"><rect x="${size.left}" y="${size.top}" width="${size.width - size.left - size.right}" height="${bottom - size.top}"/></clipPath>
<g clip-path="url(#calibration-area)"><path d="${band}" fill="var(--accent)" fill-opacity=".15"/><path d="M${x(left)} ${y(0)}H${x(right)}M${x(0)} ${y(low)}V${y(high)}" stroke="var(--line)"/><path d="${line(1)}" stroke="var(--quiet)" stroke-dasharray="4 4"/>${points.map(
    ({ removal, query, predicted, measured: change }) =>
      html`<circle cx="${x(predicted)}" cy="${y(change)}" r="${radius(removals[removal].rows)}" fill="${query === 0 ? 'var(--accent)' : 'var(--total)'}" fill-opacity=".5"/>`,
  )}<path d="${line(slope.mean)}" stroke="var(--accent)" stroke-width="2"/></g>
${[left, right].map((value, i) => html`<text x="${x(value)}" y="${bottom + 18}" text-anchor="${i ? 'end' : 'start'}" class="mark-text">${signedNumber(value)}</text>`)}
${[low, high].map((value, i) => html`<text x="${size.left - 8}" y="${y(value) + (i ? 10 : 0)}" text-anchor="end" class="mark-text">${signedNumber(value)}</text>`)}
<text x="${(size.left + size.width - size.right) / 2}" y="${size.height - 6}" text-anchor="middle">predicted by the scores</text>
<text transform="translate(14 ${(size.top + bottom) / 2}) rotate(-90)" text-anchor="middle">measured by retraining${unit}</text>
</svg>`;
}
