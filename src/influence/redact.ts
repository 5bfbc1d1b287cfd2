import type { AuditDocument, SourceCount } from './audit/document.ts';
import type { InfluenceDocument } from './influence-document.ts';
import type { Redacted } from './redacted.ts';
import type { RetrainDocument } from './retraining/retrain-document.ts';

/** Fewer rows than this could be told apart by who knows the others. */
const leastRows = 5;

/** The value under which small groups of a column stand together. */
export const smallGroups = `groups of fewer than ${leastRows} rows`;

const redacted: Redacted = { leastRows };

/** Columns that say nothing of who a row is. */
const ofTheModel: ReadonlySet<string> = new Set(['class', 'cluster']);

/** Values of columns by row, those that fewer than five rows have under one name. */
export function pooledColumns(columns: ReadonlyMap<string, readonly string[]>): Map<string, readonly string[]> {
  const pooled = new Map<string, readonly string[]>();
  for (const [column, values] of columns) {
    const counts = new Map<string, number>();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    pooled.set(
      column,
      values.map((value) => ((counts.get(value) as number) < leastRows ? smallGroups : value)),
    );
  }
  return pooled;
}

const isTold = ({ rows }: { readonly rows: number }) => rows >= leastRows;

/**
 * An influence document that names no training row: no ids, no positions, no contents; what remains of the rows are sums
 * over groups of at least five. Its groups are those of {@link pooledColumns}.
 */
export function redactInfluence(document: InfluenceDocument): InfluenceDocument {
  const none = { proponents: [], opponents: [] };
  const { sameWords: _, sameClass, groups, kinds, whatIfs, ...rest } = document;
  return {
    ...rest,
    all: none,
    ...(sameClass && { sameClass: none }),
    nearest: [],
    groups: groups.filter(isTold),
    ...(kinds && { kinds: kinds.filter(({ count }) => count >= leastRows).map((kind) => ({ ...kind, rows: [] })) }),
    // A change of a few rows names them.
    whatIfs: whatIfs.filter(isTold).map(({ ids: _ids, ...one }) => one),
    redacted,
  };
}

/**
 * An audit document that names no row: counts of every kind of problem and of every source remain.
 * @param columns values of each column of metadata, by row
 */
export function redactAudit(document: AuditDocument, columns: ReadonlyMap<string, readonly string[]>): AuditDocument {
  const { orders: _, ...rest } = document;
  const { dataSet } = document;
  const undersampled = dataSet.undersampled.filter((region) => ofTheModel.has(region.column) || isTold(region));
  return {
    ...rest,
    rows: [],
    groups: [],
    dataSet: { ...dataSet, undersampled },
    sources: sourceCounts(document, pooledColumns(columns)),
    redacted: { ...redacted, listed: document.rows.length },
  };
}

/** A retrain document that names no row: what the change does remains. */
export function redactRetrain(document: RetrainDocument): RetrainDocument {
  const { change, groups } = document;
  return {
    ...document,
    ...(change && { change: { ...change, rows: [] } }),
    ...(groups && { groups: { ...groups, effects: groups.effects.filter(isTold) } }),
    leftOut: [],
    redacted,
  };
}

/** For each value of each column: its rows, and how many of them show a problem, the largest share first. */
function sourceCounts({ rows }: AuditDocument, columns: ReadonlyMap<string, readonly string[]>): SourceCount[] {
  const listed = new Set(rows.map(({ row }) => row));
  const counts: SourceCount[] = [];
  for (const [column, values] of columns) {
    const groups = new Map<string, { rows: number; problems: number }>();
    for (const [row, value] of values.entries()) {
      const group = groups.get(value) ?? { rows: 0, problems: 0 };
      group.rows++;
      group.problems += Number(listed.has(row));
      groups.set(value, group);
    }
    for (const [value, group] of groups) if (isTold(group)) counts.push({ column, value, ...group });
  }
  return counts.sort((a, b) => b.problems / b.rows - a.problems / a.rows || b.rows - a.rows);
}
