import { signedNumber } from '../../influence/retraining/judge-experiment.ts';
import type { Estimate } from '../../influence/retraining/paired.ts';
import type { MeasuredQuantity } from '../../influence/retraining/retrain-document.ts';
import { maxOf, minOf } from '../../tensor/extremes.ts';
import { escapeText, type Html, raw } from '../html.ts';

/** Rules of a page that shows one. */
export const plotStyle =
  '.plot{max-width:44rem;margin:0 0 1.8rem}.plot svg{width:100%;height:auto;font:13px system-ui,sans-serif;fill:var(--ink)}.plot text{fill:var(--ink)}.plot .mark-text{fill:var(--quiet);font-size:11px}';

const size = { width: 640, left: 150, right: 20, row: 44, top: 16, bottom: 34 } as const;

/** A line of a plot: a mean with its interval and, where there are some, a dot for each seed. */
interface PlotRow {
  readonly name: string;
  readonly estimate: Estimate;
  readonly dots?: readonly number[];
  readonly colour?: string;
}

/** Differences to the unchanged training, a dot for each seed, with the mean and its interval: the change, and random rows. */
export function dotPlot({ values, effect, random, title, unit }: MeasuredQuantity): Html {
  const differences = (arm: 'changed' | 'control') =>
    values[arm].map((value, i) => value - values.with[i % values.with.length]);
  const rows = [
    { name: 'the change', dots: differences('changed'), estimate: effect, colour: 'var(--accent)' },
    { name: 'random rows left out', dots: differences('control'), estimate: random, colour: 'var(--total)' },
  ];
  return intervalPlot(rows, `change of ${title}${unit && ` in ${unit}`}, by seed`);
}

/** Means with their intervals, one below the other, around a line at 0. @param label what is drawn, for those who cannot see it */
export function intervalPlot(rows: readonly PlotRow[], label: string): Html {
  const all = [
    0,
    ...rows.flatMap(({ dots = [], estimate: { mean, low, high } }) => [...dots, mean, low ?? 0, high ?? 0]),
  ];
  const [least, most] = [minOf(all), maxOf(all)];
  const span = most - least || 1;
  const x = (value: number) =>
    (size.left + (0.04 + (0.92 * (value - least)) / span) * (size.width - size.left - size.right)).toFixed(1);
  // Without dots a row is half as high.
  const step = rows.some(({ dots }) => dots) ? size.row : size.row / 2;
  const height = size.top + rows.length * step + size.bottom;
  const lines = rows.map(({ name, dots = [], estimate: { mean, low, high }, colour = 'var(--accent)' }, i) => {
    const y = size.top + (i + 0.5) * step + (step < size.row ? 9 : 0);
    const interval =
      low === undefined || high === undefined
        ? ''
        : `<path d="M${x(low)} ${y - 9}H${x(high)}" stroke="${colour}" stroke-width="3"/>`;
    const marks = dots.map(
      (value) => `<circle cx="${x(value)}" cy="${y + 7}" r="4" fill="${colour}" fill-opacity=".6"/>`,
    );
    const base = step < size.row ? y - 5 : y + 4;
    return `<text x="${size.left - 12}" y="${base}" text-anchor="end">${escapeText(name)}</text>${interval}<path d="M${x(mean)} ${y - 15}v12" stroke="${colour}" stroke-width="3"/>${marks.join('')}`;
  });
  const bottom = height - size.bottom;
  const marks = [...new Set([least, 0, most])].map(
    (value) =>
      `<text x="${x(value)}" y="${bottom + 18}" text-anchor="middle" class="mark-text">${signedNumber(value)}</text>`,
  );
  return raw(
    `<svg viewBox="0 0 ${size.width} ${height}" role="img" aria-label="${escapeText(label)}"><path d="M${x(0)} ${size.top}V${bottom}" stroke="var(--line)" stroke-width="2"/>${lines.join('')}${marks.join('')}</svg>`,
  );
}
