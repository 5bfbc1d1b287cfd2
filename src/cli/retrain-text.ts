import { dirname, join } from 'node:path';
import { effectText, meanText } from '../influence/retraining/judge-experiment.ts';
import type { MeasuredQuantity, RetrainDocument } from '../influence/retraining/retrain-document.ts';
import { formatTable } from './table-text.ts';

/** Rows of a list that the terminal shows. */
const shown = 10;

/** What retraining found, for the terminal. */
export function retrainText(document: RetrainDocument, page: string): string {
  const { answer, measured, classes, leftOut, groups, notes, seeds } = document;
  return [
    answer,
    ...(measured.length ? ['', quantities(measured, seeds.length)] : []),
    ...(classes.length > 1
      ? [
          '\nBy class of the measured rows (intervals hold together)',
          formatTable(
            [...classes]
              .sort((a, b) => Math.abs(b.effect.mean) - Math.abs(a.effect.mean))
              .slice(0, shown)
              .map(({ class: name, rows, effect }) => [
                `  ${name}`,
                effectText(effect, measured[0].unit),
                `${rows} rows`,
              ]),
          ),
        ]
      : []),
    ...(leftOut.length
      ? [
          '\nMost harmful',
          formatTable(
            leftOut
              .slice(0, shown)
              .map(({ from, label, effect, reliability }) => [
                `  ${effectText(effect, '')}`,
                label ?? '',
                from,
                reliability ?? '',
              ]),
          ),
        ]
      : []),
    ...(groups
      ? [
          `\n${groups.how === 'shapley' ? 'Shapley values' : 'With the group, less without it'}, ${groups.title}${groups.unit && `, ${groups.unit}`}`,
          formatTable(
            groups.effects.map(({ value, rows, effect }) => [
              `  ${groups.column} ${value === '' ? 'missing' : value}`,
              effectText(effect, ''),
              `${rows} rows`,
            ]),
          ),
        ]
      : []),
    ...(notes.length ? ['', ...notes.map((note) => `note: ${note}`)] : []),
    ...(document.model === undefined
      ? []
      : [`model of the first seed after the change: ${join(dirname(page), document.model)}`]),
    `\n${page}`,
  ].join('\n');
}

function quantities(measured: readonly MeasuredQuantity[], seeds: number): string {
  const head = ['', 'as it is', 'changed', 'random rows left out', 'change', 'change less random'];
  return formatTable([
    [`mean of ${seeds} seeds`, ...head.slice(1)],
    ...measured.map(({ title, unit, values, effect, beyond }) => [
      `  ${title}${unit && `, ${unit}`}`,
      meanText(values.with),
      meanText(values.changed),
      meanText(values.control),
      effectText(effect, ''),
      effectText(beyond, ''),
    ]),
  ]);
}
