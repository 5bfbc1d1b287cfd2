import { metrics as metricTable } from '../../src/evaluation/metrics/index.ts';
import { bootstrap, type Interval } from '../../src/evaluation/statistics.ts';
import type { Adapted } from '../../src/explainer/index.ts';
import { type Found, judged, leftOut, type Row } from './compare.ts';
import type { Subject } from './subjects.ts';

const cell = ({ mean, low, high }: Interval) =>
  low === undefined || high === undefined
    ? mean.toFixed(3)
    : `${mean.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;

/** An explainer that was trained just now, and how long that took. */
export interface Trained {
  readonly adapted: Adapted;
  readonly seconds: number;
}

/** The comparison as Markdown, the best MSI first. */
export function table(subject: Subject, found: Found, trained?: Trained): string {
  const { failed, passing, images, kind, reference } = found;
  const left = [...Object.entries(leftOut), ...failed].map(([name, why]) => `${name}: ${why}`);
  return `## ${subject.title}
${images} ${kind} images, judged with ${reference}, which leaves the class near chance in ${passing} of them. ${trained ? trainingOf(subject, trained) : 'The explainer was trained before.'}

${rowsOf(found)}

Left out: ${left.join('; ')}.
`;
}

function trainingOf({ unlabelled }: Subject, { adapted: { facts, comparison }, seconds }: Trained): string {
  const layers = facts.layers.map(({ name }) => name).join(', ');
  const bits = comparison.identical ? 'yes' : `no, they differ by ${comparison.difference}`;
  return `Trained with the references ${facts.references.join(', ')}: ${facts.parameters} parameters on ${layers}, ${unlabelled.length} unlabelled images, ${facts.settings.epochs} epochs, ${seconds.toFixed(0)} s. Predictions with and without the explainer have the same bits: ${bits} (${comparison.images} images).`;
}

/** The same maps, judged with a reference that the explainer was trained with. */
export function trainedTable(found: Found): string {
  const { passing, images, kind, reference } = found;
  return `### Judged with a reference that it was trained with
The same maps of the ${images} ${kind} images, judged with ${reference}, which leaves the class near chance in ${passing} of them.

${rowsOf(found)}
`;
}

/** A line a method, the best MSI first. */
function rowsOf({ rows }: Found): string {
  const sorted = [...rows].sort((a, b) => mean(b, judged[0].key) - mean(a, judged[0].key));
  const arrow = (name: string) => (metricTable[name].direction === 'higher' ? '↑' : '↓');
  const lines = sorted.map(
    ({ method, scores, seconds: each }) =>
      `| ${method} | ${judged.map(({ key }) => cell(scores.get(key) as Interval)).join(' | ')} | ${(1000 * each).toFixed(0)} ms |`,
  );
  return `| method | ${judged.map(({ key, metric, regions }) => `${regions ? key : metricTable[metric].title} ${arrow(metric)}`).join(' | ')} | an image |
|---|${judged.map(() => '---|').join('')}---|
${lines.join('\n')}`;
}

/** For each metric, whether the explainer's interval lies beyond that of every other method. */
export function verdict({ rows }: Found): string[] {
  const lax = rows.find(({ method }) => method === 'lax');
  if (!lax) return [];
  return judged.map(({ key, metric }) => {
    const higher = metricTable[metric].direction === 'higher';
    const own = lax.scores.get(key) as Interval;
    const others = rows.filter(({ method }) => method !== 'lax');
    const near = others.filter(({ scores }) => {
      const other = scores.get(key) as Interval;
      return higher ? (other.high as number) >= (own.low as number) : (other.low as number) <= (own.high as number);
    });
    const said = near.length
      ? `not clear of ${near.map(({ method }) => method).join(', ')}`
      : 'clear of every other method';
    return `${key}: ${said}; ${paired(lax, others, key, higher)}`;
  });
}

/** How far the explainer is ahead of the best other method, image by image: a narrower question than two means. */
function paired(lax: Row, others: readonly Row[], key: string, higher: boolean): string {
  const sign = higher ? 1 : -1;
  const [best] = [...others].sort((a, b) => sign * (mean(b, key) - mean(a, key)));
  if (!best) return 'no other method';
  const theirs = best.each.get(key) ?? [];
  const ahead = (lax.each.get(key) ?? []).map((value, i) => sign * (value - theirs[i]));
  return `ahead of ${best.method} by ${cell(bootstrap(ahead, { seed: 1 }))} on the same images`;
}

const mean = (row: Row, name: string) => row.scores.get(name)?.mean ?? Number.NEGATIVE_INFINITY;
