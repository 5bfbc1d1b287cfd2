import type { Validation } from '../explainer/index.ts';
import { maxOf, minOf } from '../tensor/extremes.ts';
import { escapeText } from './html.ts';

/** A curve over the steps of a training. */
interface Curve {
  readonly title: string;
  readonly lines: readonly { readonly name: string; readonly colour: string; readonly values: readonly Point[] }[];
}

type Point = readonly [step: number, value: number];

const size = { width: 640, height: 220, left: 72, right: 150, top: 28, bottom: 28 } as const;
const colours = ['#0b6fa4', '#c2410c', '#4d7c0f', '#7e22ce'] as const;
const coloursAtNight = ['#6db9ea', '#f2a272', '#a6d168', '#cf9df5'] as const;

/** What is otherwise in the dark; everything else stands in attributes, for programs that read no style sheets. */
const night = `@media (prefers-color-scheme:dark){.ground{fill:#171614}text{fill:#eceae4}.grid{stroke:#3a3833}${coloursAtNight
  .map((colour, i) => `path.line-${i}{stroke:${colour}}circle.line-${i},text.line-${i}{fill:${colour}}`)
  .join('')}}`;

/**
 * The loss of every step and the validation after every epoch of an explainer's training, as one SVG image.
 * The loss is a mean over a tenth of an epoch where there are many steps.
 */
export function trainingCurves(losses: Float64Array, validations: readonly Validation[], epochs: number): string {
  const perEpoch = losses.length / epochs;
  const window = Math.max(1, Math.round(perEpoch / 10));
  const smooth: Point[] = [];
  for (let start = 0; start < losses.length; start += window) {
    const part = losses.subarray(start, start + window);
    smooth.push([start + part.length, part.reduce((sum, value) => sum + value, 0) / part.length]);
  }
  const over = (what: keyof Validation): Point[] => validations.map((found) => [found.epoch * perEpoch, found[what]]);
  const lines = (...names: (keyof Validation)[]) =>
    names.map((name, i) => ({ name, colour: colours[i], values: over(name) }));
  const curves: Curve[] = [
    {
      title: window > 1 ? `loss, mean of ${window} batches` : 'loss of each batch',
      lines: [{ name: 'loss', colour: colours[0], values: smooth }],
    },
    { title: 'held-out: parts of the loss', lines: lines('sufficiency', 'necessity') },
    { title: 'held-out: the mask', lines: lines('kept', 'removed', 'area', 'saturated') },
  ];
  const height = curves.length * size.height;
  const parts = curves.map((curve, i) => `<g transform="translate(0 ${i * size.height})">${drawn(curve)}</g>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${height}" width="${size.width}" height="${height}" style="max-width:100%;height:auto" font-family="system-ui, sans-serif" font-size="12"><style>${night}</style><rect class="ground" width="100%" height="100%" fill="white"/>${parts.join('')}</svg>\n`;
}

function drawn({ title, lines }: Curve): string {
  const points = lines.flatMap(({ values }) => values);
  const last = maxOf([1, ...points.map(([step]) => step)]);
  const low = minOf([0, ...points.map(([, value]) => value)]);
  const high = maxOf([low + 1e-6, ...points.map(([, value]) => value)]);
  const x = (step: number) => (size.left + (step / last) * (size.width - size.left - size.right)).toFixed(1);
  const y = (value: number) =>
    (size.height - size.bottom - ((value - low) / (high - low)) * (size.height - size.top - size.bottom)).toFixed(1);
  const label = (text: string, at: string, anchor: string) => `<text ${at} text-anchor="${anchor}">${text}</text>`;
  const axes = [low, (low + high) / 2, high].map(
    (value) =>
      `<path d="M${x(0)} ${y(value)}H${x(last)}" class="grid" stroke="#ddd"/>${label(String(Number(value.toPrecision(3))), `x="${size.left - 6}" y="${y(value)}" dy="4"`, 'end')}`,
  );
  const drawnLines = lines.map(({ name, colour, values }, i) => {
    const path = values.map(([step, value], k) => `${k ? 'L' : 'M'}${x(step)} ${y(value)}`).join('');
    const dots =
      values.length < 60
        ? values
            .map(
              ([step, value]) =>
                `<circle cx="${x(step)}" cy="${y(value)}" r="2.5" class="line-${i}" fill="${colour}"/>`,
            )
            .join('')
        : '';
    const end = values.at(-1)?.[1];
    const text = `${escapeText(name)}${end === undefined ? '' : ` ${end.toPrecision(3)}`}`;
    const at = `x="${size.width - size.right + 10}" y="${size.top + 12 + 18 * i}" class="line-${i}" fill="${colour}"`;
    return `<path d="${path}" class="line-${i}" fill="none" stroke="${colour}" stroke-width="1.5"/>${dots}${label(text, at, 'start')}`;
  });
  const step = label(`step ${Math.round(last)}`, `x="${x(last)}" y="${size.height - 8}"`, 'end');
  return `${label(title, `x="${size.left}" y="16" font-weight="600"`, 'start')}${axes.join('')}${step}${drawnLines.join('')}`;
}
