import { type Difference, documentDifferences, type IsNear } from '../explain/compare-documents.ts';
import type { AuditDocument } from './audit/document.ts';
import type { InfluenceDocument, InfluenceList, InfluentialRow } from './influence-document.ts';

/** How a document that was computed again compares with the recorded one. */
export interface ComparedDocuments {
  readonly differences: readonly Difference[];
  /** What could not be checked, and why. */
  readonly unchecked: readonly string[];
  /** Whether the two are the same but for what says when and by whom they were made. */
  readonly identical: boolean;
}

/** Fields that say who made a document, or that are compared in another way. */
const aside: ReadonlySet<string> = new Set(['wherefore', 'command', 'asked', 'notes']);

const noRows: InfluenceList = { proponents: [], opponents: [] };

/** Compares an influence document with the same question asked again. @param tolerance as a share of the largest score */
export function compareInfluence(
  recorded: InfluenceDocument,
  now: InfluenceDocument,
  tolerance: number,
): ComparedDocuments {
  const lists = ['all', 'sameClass', 'nearest'] as const;
  const size = Math.max(
    largest([...recorded.all.proponents, ...recorded.all.opponents]),
    largest([...now.all.proponents, ...now.all.opponents]),
    Math.abs(recorded.groups[0]?.score ?? 0),
  );
  const isNear: IsNear = (field, a, b) => {
    const own = Math.max(Math.abs(a), Math.abs(b));
    return Math.abs(a - b) <= tolerance * (field.endsWith('.score') ? size : own);
  };
  return compared(recorded, now, isNear, new Set([...aside, ...lists]), [
    ...(['all', 'sameClass'] as const).flatMap((name) =>
      listDifferences(recorded[name] ?? noRows, now[name] ?? noRows, name, tolerance * size),
    ),
    ...rowDifferences(recorded.nearest, now.nearest, 'nearest', ({ similarity = 0 }) => similarity, tolerance),
  ]);
}

/** Compares an audit with the same audit made again. */
export function compareAudit(recorded: AuditDocument, now: AuditDocument, tolerance: number): ComparedDocuments {
  const isNear: IsNear = (_, a, b) => Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b), 1e-6);
  const orders = Object.keys(recorded.orders ?? {}) as (keyof NonNullable<AuditDocument['orders']>)[];
  const moved = orders.flatMap((name): Difference[] => {
    const [was, is] = [recorded.orders?.[name] ?? [], now.orders?.[name] ?? []];
    const count = was.filter((row, i) => row !== is[i]).length;
    return count === 0 && was.length === is.length
      ? []
      : [{ field: `orders.${name}`, recorded: 'another order', now: `${count} of ${was.length} places differ` }];
  });
  return compared(recorded, now, isNear, new Set([...aside, 'orders']), moved);
}

type Compared = InfluenceDocument | AuditDocument;

function compared(
  recorded: Compared,
  now: Compared,
  isNear: IsNear,
  skipped: ReadonlySet<string>,
  further: readonly Difference[],
): ComparedDocuments {
  const plain = (document: Compared): unknown => JSON.parse(JSON.stringify(document));
  const differences = [...documentDifferences(plain(recorded), plain(now), isNear, skipped), ...further];
  const isSame: IsNear = () => false;
  return {
    differences: [
      ...differences,
      ...now.notes
        .filter((note) => !recorded.notes.includes(note))
        .map((note) => ({ field: 'notes', recorded: 'nothing', now: JSON.stringify(note) })),
    ],
    unchecked: [
      ...(recorded.redacted ? ['which rows it was: they are held back, and only sums and counts can be compared'] : []),
      ...('calibration' in recorded && recorded.calibration
        ? ['the calibration, which was taken over: trainings measured it']
        : []),
      ...recorded.notes.filter((note) => !now.notes.includes(note)).map((note) => `the note ${JSON.stringify(note)}`),
      'when and by which command it was made',
    ],
    identical:
      further.length === 0 &&
      documentDifferences(plain(recorded), plain(now), isSame, new Set(['wherefore', 'command', 'asked'])).length === 0,
  };
}

const largest = (rows: readonly InfluentialRow[]): number =>
  rows.reduce((most, { score }) => Math.max(most, Math.abs(score)), 0);

function listDifferences(was: InfluenceList, is: InfluenceList, field: string, near: number): Difference[] {
  const scoreOf = ({ score }: InfluentialRow) => score;
  return (['proponents', 'opponents'] as const).flatMap((side) =>
    rowDifferences(was[side], is[side], `${field}.${side}`, scoreOf, near),
  );
}

/**
 * What two lists of rows do not share. Rows whose numbers are nearer to each other than the tolerance may have changed
 * places, or one may have left the end of the list.
 */
function rowDifferences(
  was: readonly InfluentialRow[],
  is: readonly InfluentialRow[],
  field: string,
  numberOf: (row: InfluentialRow) => number,
  near: number,
): Difference[] {
  if (was.length !== is.length) return [{ field, recorded: `${was.length} rows`, now: `${is.length} rows` }];
  const now = new Map(is.map((row) => [row.id, row]));
  return was.flatMap((row, i): Difference[] => {
    const again = now.get(row.id) ?? is[i];
    const isThere = now.has(row.id) || Math.abs(numberOf(row) - numberOf(is[is.length - 1])) <= near;
    if (isThere && Math.abs(numberOf(row) - numberOf(again)) <= near) return [];
    return [
      {
        field: `${field}[${i}]`,
        recorded: `${row.from} ${numberOf(row).toPrecision(4)}`,
        now: now.has(row.id) ? numberOf(again).toPrecision(4) : `${again.from} ${numberOf(again).toPrecision(4)}`,
      },
    ];
  });
}
