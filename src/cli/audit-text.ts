import type { AuditDocument, SelfTest, SourceCount } from '../influence/audit/document.ts';
import { type ProblemKind, problemKinds } from '../influence/audit/problems.ts';
import { formatTable } from './table-text.ts';

/** Rows of the list that the terminal shows. */
const shown = 10;

/** The rows that {@link auditText} lists. */
export const auditShown = ({ rows }: AuditDocument): number[] => rows.slice(0, shown).map(({ row }) => row);

/**
 * What a terminal shows of an audit.
 * @param texts how the rows that it lists begin, where they are texts
 */
export function auditText(
  document: AuditDocument,
  page: string,
  texts: ReadonlyMap<number, string> = new Map(),
): string {
  const { counts, rows, classes, dataSet, notes, data } = document;
  const found = (Object.entries(counts) as [ProblemKind, number][]).filter(([, count]) => count > 0);
  const name = (k: number) => classes[k] ?? String(k);
  const list = rows
    .slice(0, shown)
    .map(({ row, from, problems, label }) => [
      `  ${from}`,
      [...new Set(problems.map(({ kind }) => problemKinds[kind].title))].join(', '),
      label && problems.some(({ kind }) => kind === 'label')
        ? `${name(label.given)} (${label.probability.toFixed(2)}) → ${name(label.suggested)} (${label.suggestedProbability.toFixed(2)})`
        : '',
      label?.agreement === undefined ? '' : `${Math.round(100 * label.agreement)} % of neighbours agree`,
      label ? `rank ${label.lossRank} by loss, ${label.confidentRank} by confident learning` : '',
      texts.get(row) ?? '',
    ]);
  const whole = [
    ...(dataSet.leaks.exact + dataSet.leaks.near > 0
      ? [
          `  ${dataSet.leaks.exact} of ${dataSet.leaks.heldOut} held-out rows are in the training data, ${dataSet.leaks.near} nearly`,
        ]
      : []),
    ...dataSet.groups.map(
      ({ column, value, rows: count, share: part, elsewhere }) =>
        `  ${column} ${value}: ${(100 * part).toFixed(0)} % of ${count} labels suspect, elsewhere ${(100 * elsewhere).toFixed(0)} %`,
    ),
    ...dataSet.undersampled
      .slice(0, 5)
      .map(
        ({ column, value, rows: count, heldOut, ratio }) =>
          `  ${column} ${value}: ${count} training rows for ${heldOut} held-out ones, ${ratio.toFixed(2)} of its share`,
      ),
    ...dataSet.confused
      .slice(0, 3)
      .map(({ given, suggested, rows: count }) => `  ${name(given)} → ${name(suggested)}: ${count} rows`),
  ];
  return [
    `${document.redacted?.listed ?? rows.length} of ${data.rows} rows show a problem`,
    ...(found.length
      ? [formatTable(found.map(([kind, count]) => [`  ${count}`, problemKinds[kind].title, problemKinds[kind].advice]))]
      : []),
    ...(list.length ? ['\nMost severe first', formatTable(list)] : []),
    ...(document.sources?.length ? ['\nBy source', formatTable(document.sources.slice(0, shown).map(sourceLine))] : []),
    ...(whole.length ? ['\nThe data set', ...whole] : []),
    ...(document.selfTest ? ['', selfTestText(document.selfTest)] : []),
    ...(notes.length ? ['', ...notes.map((note) => `note: ${note}`)] : []),
    `\n${page}`,
  ].join('\n');
}

const sourceLine = ({ column, value, rows, problems }: SourceCount) => [
  `  ${column} ${value}`,
  `${problems} of ${rows} rows`,
  `${((100 * problems) / rows).toFixed(0)} %`,
];

/** Planted errors that each order finds in its first tenth. */
function selfTestText({ retrained, share, kinds }: SelfTest): string {
  const percent = (value: number | undefined) => (value === undefined ? '–' : (100 * value).toFixed(0));
  const table = kinds.flatMap(({ kind, planted, methods }) => [
    [`  ${planted} wrong labels, ${kind}`, ''],
    ...methods.map(({ method, found }) => [
      `    ${method}`,
      `${percent(found.mean)} % [${percent(found.low)}, ${percent(found.high)}]`,
    ]),
  ]);
  const how = retrained
    ? 'the model was trained again on them'
    : 'the model was not trained on them, so that they are easier to find than real ones: name a --training';
  return [
    `Self-test: ${percent(share)} % of the labels were made wrong (${how}); found in the first tenth of each order`,
    formatTable(table),
  ].join('\n');
}
