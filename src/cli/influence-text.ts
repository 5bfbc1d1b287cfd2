import type { InfluenceDocument, InfluentialKind, InfluentialRow } from '../influence/influence-document.ts';
import { effectText } from '../influence/retraining/judge-experiment.ts';
import { type MeasuredQuery, measureText, unitOf } from '../influence/slices/measured-query.ts';
import { isMeasured, textOfF, unitOfF } from '../influence/text-of-f.ts';
import type { WhatIf } from '../influence/what-if.ts';
import { kindWords } from '../page/influence/kinds-section.ts';
import { plainAnswer, plainExamples, type RowDocument } from '../page/influence/plain-words.ts';
import { signedText } from '../page/number-text.ts';
import { formatTable } from './table-text.ts';

/** Rows of each list that the terminal shows. */
const shown = 5;

/** Proposed changes that the terminal shows. */
const shownChanges = 8;

/** The rows that {@link influenceText} lists. */
export function influenceShown({ all, nearest, sameWords = [], kinds = [], redacted }: InfluenceDocument): number[] {
  if (redacted) return [];
  return [all.proponents, all.opponents, nearest, sameWords]
    .flatMap((list) => list.slice(0, shown))
    .concat(kinds.flatMap(({ rows }) => rows.slice(0, shownOfKind)))
    .map(({ row }) => row);
}

/**
 * Which rows are behind a prediction, for the terminal.
 * @param texts how the rows that it lists begin, where they are texts
 */
export function influenceText(
  document: InfluenceDocument,
  page: string,
  texts: ReadonlyMap<number, string> = new Map(),
): string {
  const { query, method, classes, groups, whatIfs, notes, likeSimilarity } = document;
  const name = (k: number | undefined) => (k === undefined ? '' : (classes[k] ?? String(k)));
  const table = (rows: readonly InfluentialRow[]) =>
    rows.length === 0
      ? '  none'
      : formatTable(
          rows
            .slice(0, shown)
            .map(({ row, from, label, score, similarity, reliability }) => [
              `  ${signedText(score, 2)}`,
              name(label),
              from,
              similarity === undefined ? '' : `similarity ${similarity.toFixed(2)}`,
              reliability ?? '',
              texts.get(row) ?? '',
            ]),
        );
  return [
    ...(isMeasured(query)
      ? measuredLines(query, classes)
      : [
          `${query.from}: ${name(query.predicted)} (${query.probability.toFixed(3)})${query.label === undefined ? '' : `, labelled ${name(query.label)}`}`,
        ]),
    `scored: ${textOfF(document)}, by ${method.title}, ${method.unit}, of ${method.question}`,
    ...(document.redacted ? ['\nThe training rows are held back (--redact)'] : lists(document, table)),
    ...(groups.length
      ? [
          '\nGroups, by the sum of their rows',
          formatTable(
            groups
              .slice(0, shown)
              .map(({ column, value, rows, score, understated, newton }) => [
                `  ${signedText(score, 2)}`,
                `${column} ${value}`,
                `${rows} rows${newton !== undefined ? `, by one Newton step ${effectText({ mean: newton }, unitOfF(document))}` : understated ? ', more than the sum says' : ''}`,
              ]),
          ),
        ]
      : []),
    ...(document.kinds ? kindLines(document.kinds, texts) : []),
    ...(whatIfs.length
      ? [
          `\nWhat if, ${isMeasured(query) && query.kind === 'gap' ? 'what narrows the gap most' : 'the largest rise of f'} first${document.calibration ? '' : ' (uncalibrated: ranks alone)'}`,
          changes(whatIfs, unitOfF(document)),
        ]
      : []),
    '',
    ...(likeSimilarity === undefined
      ? []
      : [`the order agrees with similarity alone by ${likeSimilarity.toFixed(2)} (Spearman)`]),
    ...notes.map((note) => `note: ${note}`),
    `\n${page}`,
  ].join('\n');
}

/** Rows of each kind that the terminal names. */
const shownOfKind = 3;

/** The strongest rows by why they act. */
function kindLines(kinds: readonly InfluentialKind[], texts: ReadonlyMap<number, string>): string[] {
  return [
    '\nKinds of rows, by why they act',
    ...kinds.map((kind) => {
      const { title, facts } = kindWords(kind);
      const rows = kind.rows.slice(0, shownOfKind).map(({ row, from }) => texts.get(row) ?? from);
      return `  ${title}: ${facts}${rows.length ? `\n    such as ${rows.join(', ')}` : ''}`;
    }),
    ...(kinds.length ? [] : ['  none']),
  ];
}

/** What is measured in the slices. */
function measuredLines(query: MeasuredQuery, classes: readonly string[]): string[] {
  const { kind, from, slices } = query;
  return [
    `${from}: ${kind === 'gap' ? 'a gap' : 'a slice'} in ${measureText(query, classes)}`,
    formatTable(
      slices.map(({ filter, rows, value, accuracy }) => [
        `  ${filter}`,
        `${rows} rows`,
        effectText({ mean: value }, unitOf(query)),
        accuracy === undefined ? '' : `accuracy ${(100 * accuracy).toFixed(1)} %`,
      ]),
    ),
  ];
}

/** The rows behind the prediction, and those that only look alike. */
function lists(
  { all, nearest, sameWords }: InfluenceDocument,
  table: (rows: readonly InfluentialRow[]) => string,
): string[] {
  return [
    '\nProponents',
    table(all.proponents),
    '\nOpponents',
    table(all.opponents),
    '\nNearest rows',
    table(nearest),
    ...(sameWords ? ['\nMost words in common (BM25)', table(sameWords)] : []),
  ];
}

function changes(whatIfs: readonly WhatIf[], unit: string): string {
  return formatTable(whatIfs.slice(0, shownChanges).map((one) => [`  ${one.words}`, changeText(one, unit)]));
}

/** Its effect, or its place where that is not known. */
function changeText({ effect, rank, of, unknown, understated }: WhatIf, unit: string): string {
  const also = understated ? ', more than 5 % of the rows: the sum says too little' : '';
  if (effect) return `${effectText(effect, unit)}${also}`;
  return `rank ${rank} of ${of}${unknown === 'uncalibrated' ? '' : ` (${unknown})`}${also}`;
}

/** What a terminal shows a person whom the prediction is about: no numbers. */
export function plainText(document: RowDocument, page: string): string {
  const { said, rare, basis } = plainAnswer(document);
  const examples = plainExamples(document).map(({ row, words }) => [
    `  ${document.classes[row.label ?? -1] ?? ''}`,
    row.from,
    words,
  ]);
  return [
    said,
    ...(rare ? [rare] : []),
    ...(examples.length ? ['', basis, formatTable(examples)] : []),
    `\n${page}`,
  ].join('\n');
}
