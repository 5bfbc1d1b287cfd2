import { type Attribution, attribute } from '../../src/attribution/attribute.ts';
import { WhereforeError } from '../../src/errors.ts';
import { effort, type Row, requestFor, rowsFor, type Subject } from './question.ts';

/** The errors of one method at one layer, over all inputs. */
export interface Cell {
  /** Median of E / |T|. */
  readonly median: number;
  /** Median of the error against the method's own target, relative to it; undefined where it has none. */
  readonly own: number | undefined;
  readonly inputs: number;
}

export type Table = ReadonlyMap<Row, readonly (Cell | undefined)[]>;

/** Differences smaller than this share of the output say little about a method: relative errors explode. */
const smallestShare = 0.01;

/**
 * Every method at every layer, the cheapest first. Inputs whose output hardly differs from the baseline's are left out,
 * the same for all methods.
 * @param onRow gets the table so far
 */
export async function measure(subject: Subject, onRow: (row: Row, table: Table) => void): Promise<Table> {
  const rows = rowsFor(subject);
  const measured = new Map<Row, readonly (Cell | undefined)[]>();
  const inOrder = (): Table =>
    new Map(rows.flatMap((row) => (measured.has(row) ? [[row, measured.get(row) ?? []] as const] : [])));
  for (const row of [...rows].sort((a, b) => effort(subject, a).passes - effort(subject, b).passes)) {
    const cells: (Cell | undefined)[] = [];
    for (const layer of subject.layers) {
      const results: Attribution[] = [];
      for (let k = 0; k < effort(subject, row).inputs; k++) {
        const request = requestFor(subject, row, layer, k);
        if (!request) break;
        results.push(await attribute(subject.model, request));
      }
      cells.push(results.length ? cellOf(results) : undefined);
    }
    measured.set(row, cells);
    onRow(row, inOrder());
  }
  return inOrder();
}

function cellOf(results: readonly Attribution[]): Cell {
  const kept = results.filter(
    ({ attributionTarget, value }) => Math.abs(attributionTarget as number) > smallestShare * Math.abs(value),
  );
  if (kept.length === 0) throw new WhereforeError('invalid-data', 'no input differs from the baseline');
  const own = kept.flatMap(({ implicitError, implicitTarget }) =>
    implicitError === undefined || !implicitTarget ? [] : [implicitError / Math.abs(implicitTarget)],
  );
  return {
    median: median(kept.map(({ relativeError }) => relativeError as number)),
    own: own.length ? median(own) : undefined,
    inputs: kept.length,
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
}

/** A number of three digits, or with an exponent where it is small. */
function show(value: number): string {
  if (value === 0) return '0';
  if (value < 0.001) return value.toExponential(1);
  return value < 10 ? value.toFixed(value < 0.1 ? 4 : 3) : value.toFixed(1);
}

/** A Markdown table: the error against T, and in brackets against the method's own target. */
export function markdown({ title, description, layers }: Subject, table: Table): string {
  const cellText = (cell: Cell | undefined) => {
    if (!cell) return '';
    return cell.own === undefined ? show(cell.median) : `${show(cell.median)} (${show(cell.own)})`;
  };
  return [
    `## ${title}`,
    '',
    description,
    '',
    `| method | ${layers.map((layer) => layer.title).join(' | ')} | inputs |`,
    `|---|${layers.map(() => '---|').join('')}---|`,
    ...[...table].map(
      ([row, cells]) => `| ${row.title} | ${cells.map(cellText).join(' | ')} | ${cells.find(Boolean)?.inputs} |`,
    ),
  ].join('\n');
}
