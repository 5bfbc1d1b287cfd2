import { type Attribution, attribute } from '../../src/attribution/attribute.ts';
import { WhereforeError } from '../../src/errors.ts';
import { effort, type Position, type Row, requestFor, rowsFor, type Subject } from './question.ts';

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

/** What one method said of one layer, input by input. */
export interface Errors {
  /** E / |T|; null where the output hardly differs from the baseline's. */
  readonly relative: readonly (number | null)[];
  /** The same against the method's own target, where it has one. */
  readonly own: readonly (number | null)[];
  readonly seconds: number;
}

/** Keeps what was measured, so that a run that was stopped goes on where it was. */
export interface Store {
  read(row: Row, layer: string, inputs: number): Errors | undefined;
  write(row: Row, layer: string, inputs: number, errors: Errors): void;
}

/**
 * Every method at every layer, the cheapest first. Inputs whose output hardly differs from the baseline's are left out,
 * the same for all methods.
 * @param onRow gets the table so far
 */
export async function measure(
  subject: Subject,
  store: Store,
  onRow: (row: Row, table: Table, seconds: number) => void,
): Promise<Table> {
  const rows = rowsFor(subject);
  const measured = new Map<Row, readonly (Cell | undefined)[]>();
  const inOrder = (): Table =>
    new Map(rows.flatMap((row) => (measured.has(row) ? [[row, measured.get(row) ?? []] as const] : [])));
  for (const row of [...rows].sort((a, b) => effort(subject, a).passes - effort(subject, b).passes)) {
    const cells: (Cell | undefined)[] = [];
    let seconds = 0;
    for (const layer of subject.layers) {
      const { inputs } = effort(subject, row);
      let errors = store.read(row, layer.title, inputs);
      if (!errors) {
        errors = await errorsOf(subject, row, layer, inputs);
        if (errors) store.write(row, layer.title, inputs, errors);
      }
      seconds += errors?.seconds ?? 0;
      cells.push(errors && cellOf(errors));
    }
    measured.set(row, cells);
    onRow(row, inOrder(), seconds);
  }
  return inOrder();
}

/** Undefined where the method does not explain such a layer. */
async function errorsOf(subject: Subject, row: Row, layer: Position, inputs: number): Promise<Errors | undefined> {
  const results: Attribution[] = [];
  for (let k = 0; k < inputs; k++) {
    const request = requestFor(subject, row, layer, k);
    if (!request) return undefined;
    results.push(await attribute(subject.model, request));
  }
  const kept = ({ attributionTarget, value }: Attribution) =>
    Math.abs(attributionTarget as number) > smallestShare * Math.abs(value);
  return {
    relative: results.map((result) => (kept(result) ? (result.relativeError as number) : null)),
    own: results.map((result) => {
      const { implicitError, implicitTarget } = result;
      return kept(result) && implicitError !== undefined && implicitTarget
        ? implicitError / Math.abs(implicitTarget)
        : null;
    }),
    seconds: results.reduce((sum, { cost }) => sum + cost.seconds, 0),
  };
}

function cellOf({ relative, own }: Errors): Cell {
  const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null);
  if (known(relative).length === 0) throw new WhereforeError('invalid-data', 'no input differs from the baseline');
  return {
    median: median(known(relative)),
    own: known(own).length ? median(known(own)) : undefined,
    inputs: known(relative).length,
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
    ...[...table].flatMap(([row, cells]) => {
      const first = cells.find(Boolean);
      return first ? [`| ${row.title} | ${cells.map(cellText).join(' | ')} | ${first.inputs} |`] : [];
    }),
  ].join('\n');
}
