import { extname } from 'node:path';
import type { DatasetOptions } from '../data/datasets/dataset-options.ts';
import type { ColumnSummary } from '../data/datasets/inspect/column-statistics.ts';
import type { Duplicates } from '../data/datasets/inspect/duplicates.ts';
import { inspectDataset } from '../data/datasets/inspect/inspect-dataset.ts';
import type { DatasetInspection } from '../data/datasets/inspect/inspection.ts';
import { isDataset } from '../data/datasets/open-contents.ts';
import { openDataset } from '../data/datasets/open-dataset.ts';
import { formatDuration, showProgress } from './progress.ts';
import { formatNumber, formatShare, formatTable } from './table-text.ts';
import { print, printJson, visibleAll } from './terminal.ts';

/** Options of `inspect` for a data set. */
export interface InspectDataOptions {
  readonly label?: string;
  readonly labels?: string;
  readonly id?: string;
  readonly text?: string;
  readonly image?: string;
  readonly metadata?: string[];
  readonly kind?: DatasetOptions['kind'];
  readonly rows?: number;
  readonly json?: boolean;
}

/** Whether what is to be inspected is a data set rather than a model. */
export const isData = (path: string): Promise<boolean> => isDataset(path, extname(path).toLowerCase());

/** Prints what is known of a data set without a model. */
export async function inspectData(path: string, options: InspectDataOptions, signal: AbortSignal): Promise<void> {
  const { rows: limit, json, ...described } = options;
  const dataset = await openDataset(path, described);
  const progress = showProgress(process.stderr);
  const began = performance.now();
  try {
    const onProgress = (done: number, total: number) => {
      const left = ((performance.now() - began) / 1000 / done) * (total - done);
      const text = () =>
        `${done.toLocaleString('en')} of ${total.toLocaleString('en')} rows, about ${formatDuration(left)} left`;
      // What is done within a moment needs no line.
      if (done < total && performance.now() - began > patienceMilliseconds) progress.update(done / total, text);
    };
    const inspection = await inspectDataset(dataset, { limit, signal, onProgress });
    progress.clear();
    if (json) printJson(inspection);
    else print(datasetText(visibleAll(inspection)));
  } finally {
    progress.clear();
  }
}

const patienceMilliseconds = 1000;

/** An inspection as a person reads it. */
export function datasetText(inspection: DatasetInspection): string {
  const { name, kind, rows, columns, labels, broken, exact, near, notes } = inspection;
  const blocks = [
    [`${name}: ${count(rows, 'row')} of ${kind === 'table' ? 'a table' : `${kind}s`}`, ...notes].join('\n'),
    ['Columns', formatTable([['  name', 'type', 'missing', 'distinct', 'values'], ...columns.map(columnCells)])].join(
      '\n',
    ),
  ];
  if (labels?.kind === 'class') {
    const cells = labels.classes.map((one) => [
      `  ${one.name}`,
      one.count.toLocaleString('en'),
      formatShare(one.count / rows),
    ]);
    const hidden = cells.length - mostClasses;
    blocks.push(
      [
        `Classes (${cells.length})`,
        formatTable([['  class', 'rows', 'share'], ...cells.slice(0, mostClasses)]),
        ...(hidden > 0 ? [`  … and ${hidden} more (--json lists all)`] : []),
      ].join('\n'),
    );
  } else if (labels) {
    const { least, mean, most } = labels;
    blocks.push(`Labels\n  values from ${formatNumber(least)} to ${formatNumber(most)}, mean ${formatNumber(mean)}`);
  } else blocks.push('Labels\n  none (--label COLUMN or --labels FILE names them)');
  blocks.push(
    [
      'Broken rows',
      ...(broken.count === 0 ? ['  none'] : broken.shown.map(({ where, why }) => `  ${where}: ${why}`)),
      ...(broken.count > broken.shown.length ? [`  … and ${broken.count - broken.shown.length} more`] : []),
    ].join('\n'),
    duplicateText('Exact duplicates', exact),
    duplicateText('Near duplicates', near),
  );
  return blocks.join('\n\n');
}

const mostClasses = 30;
const mostGroups = 5;

const count = (n: number, what: string) => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;

function columnCells({ name, type, missing, distinct, range, common }: ColumnSummary): string[] {
  const values = common
    ? common.map(({ value, count: times }) => `${value} (${times})`).join(', ')
    : range
      ? `${formatNumber(range.least)} to ${formatNumber(range.most)}, mean ${formatNumber(range.mean)}`
      : '';
  const many = distinct === undefined ? '' : distinct.toLocaleString('en');
  return [`  ${name}`, type, missing.toLocaleString('en'), many, short(values)];
}

const longest = 70;
const short = (text: string) => (text.length > longest ? `${text.slice(0, longest - 1)}…` : text);

function duplicateText(title: string, { rule, groups, rows, labelsDiffer, shown }: Duplicates): string {
  if (groups === 0) return `${title} (${rule})\n  none`;
  const differ = labelsDiffer === 0 ? '' : `, ${labelsDiffer} of them with different labels`;
  return [
    `${title} (${rule})`,
    `  ${count(rows, 'row')} in ${count(groups, 'group')}${differ}`,
    ...shown.slice(0, mostGroups).map(({ places, rows: all, labelsDiffer: isMixed }) => {
      const rest = all.length > places.length ? `, … (${all.length})` : '';
      return `  ${isMixed ? 'different labels: ' : ''}${places.join(', ')}${rest}`;
    }),
    ...(groups > mostGroups ? [`  … and ${groups - mostGroups} more groups (--json lists them)`] : []),
  ].join('\n');
}
