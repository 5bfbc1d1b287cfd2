import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removePath, writeAtomically } from '../data/files/files.ts';
import { temporaryPath } from '../data/files/temporary.ts';
import { WhereforeError } from '../errors.ts';
import type { PlannedTraining } from '../influence/retraining/retraining.ts';
import { shellWord } from './options.ts';

/** What a training by a command reads of the rows. */
export interface CommandRows {
  readonly ids: readonly string[];
  /** Names of the classes of the rows; absent where they have none. */
  readonly labels?: readonly string[];
  readonly classes: readonly string[];
  /** The table that the rows are of: its columns, and the cells of every row. */
  readonly table?: {
    readonly columns: readonly string[];
    /** The column of labels. */
    readonly label?: string;
    readonly cells: readonly (readonly string[])[];
  };
}

/** Commands of a user that train and measure, as a shell takes them. */
export interface TrainCommand {
  readonly train: string;
  /** Prints the measured number last; absent where `train` does. */
  readonly evaluate?: string;
  readonly lowerIsBetter: boolean;
}

/** What may stand in the commands, in words. */
export const placeholders = {
  rows: 'a CSV file of the rows to train on: row (from 0), id, label',
  data: 'the table cut down to these rows, with their labels, as a CSV file',
  seed: 'a whole number that decides everything random in the training',
  model: 'a path for what the training leaves',
} as const;

type Placeholder = keyof typeof placeholders;

/** The placeholders that commands name. @throws WhereforeError `invalid-argument` for an unknown one, or none that names rows */
export function checkCommands({ train, evaluate }: TrainCommand, hasTable: boolean): ReadonlySet<Placeholder> {
  const named = new Set<Placeholder>();
  for (const [, name] of `${train} ${evaluate ?? ''}`.matchAll(/\{(\w+)\}/g)) {
    if (!Object.hasOwn(placeholders, name))
      throw new WhereforeError('invalid-argument', `the command names {${name}}, which means nothing`, {
        expected: Object.entries(placeholders)
          .map(([known, what]) => `{${known}}: ${what}`)
          .join('; '),
      });
    named.add(name as Placeholder);
  }
  if (!/\{(rows|data)\}/.test(train))
    throw new WhereforeError('invalid-argument', 'the training command is not told which rows to train on', {
      where: '--train',
      got: train,
      fix: `write {rows} in it (${placeholders.rows}) or {data} (${placeholders.data})`,
    });
  if (named.has('data') && !hasTable)
    throw new WhereforeError('invalid-argument', '{data} is for tables', {
      where: '--train',
      fix: `write {rows} instead: ${placeholders.rows}`,
    });
  return named;
}

/** Trains once by the commands and gives the measured number, so that larger is better. */
export async function trainByCommand(
  commands: TrainCommand,
  rows: CommandRows,
  planned: PlannedTraining,
  signal: AbortSignal,
): Promise<number> {
  const folder = temporaryPath(join(tmpdir(), 'wherefore-training'));
  try {
    const paths: Record<Placeholder, string> = {
      rows: join(folder, 'rows.csv'),
      data: join(folder, 'data.csv'),
      model: join(folder, 'model'),
      seed: String(planned.seed),
    };
    await writeAtomically(paths.rows, rowsFile(rows, planned));
    if (rows.table) await writeAtomically(paths.data, tableFile(rows, planned));
    const filled = (command: string) => command.replace(/\{(\w+)\}/g, (_, name: Placeholder) => shellWord(paths[name]));
    const { train, evaluate, lowerIsBetter } = commands;
    const trained = await output(filled(train), signal);
    const measured = evaluate === undefined ? trained : await output(filled(evaluate), signal);
    const value = numberOf(measured, evaluate ?? train);
    return lowerIsBetter ? -value : value;
  } finally {
    await removePath(folder);
  }
}

/** The rows of a training, one as often as it is used. */
function used<T>({ counts }: PlannedTraining, of: (row: number) => T): T[] {
  const all: T[] = [];
  for (const [row, count] of counts.entries()) for (let i = 0; i < count; i++) all.push(of(row));
  return all;
}

const labelOf = ({ labels, classes }: CommandRows, { labels: other }: PlannedTraining, row: number): string => {
  const k = other?.get(row);
  return k === undefined ? (labels?.[row] ?? '') : classes[k];
};

/** A line for a program: no cell is made safe for spreadsheets, which would change negative numbers. */
const csvLine = (cells: readonly string[]): string =>
  cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');

function rowsFile(rows: CommandRows, planned: PlannedTraining): string {
  const lines = used(planned, (row) => csvLine([String(row), rows.ids[row], labelOf(rows, planned, row)]));
  return `row,id,label\n${lines.join('\n')}\n`;
}

function tableFile(rows: CommandRows, planned: PlannedTraining): string {
  const { columns, label, cells } = rows.table as NonNullable<CommandRows['table']>;
  const at = label === undefined ? -1 : columns.indexOf(label);
  const lines = used(planned, (row) =>
    csvLine(cells[row].map((cell, j) => (j === at && planned.labels?.has(row) ? labelOf(rows, planned, row) : cell))),
  );
  return `${csvLine(columns)}\n${lines.join('\n')}\n`;
}

/** The number on the last line of what a command printed. */
function numberOf(text: string, command: string): number {
  const last = text.trimEnd().split('\n').at(-1)?.trim() ?? '';
  const value = last === '' ? Number.NaN : Number(last);
  if (Number.isFinite(value)) return value;
  throw new WhereforeError('invalid-data', 'the command printed no number at the end', {
    where: command,
    got: last.slice(0, 200) || 'nothing',
    expected: 'the measured number alone on the last line',
  });
}

/** Bytes of output that are kept, the last ones. */
const keptBytes = 2 ** 16;

/** What a command printed. @throws WhereforeError `runtime` where it fails; `cancelled` */
export async function output(command: string, signal: AbortSignal): Promise<string> {
  // A group of its own, so that what the shell started ends with it.
  const isUnix = process.platform !== 'win32';
  const child = spawn(command, { shell: true, detached: isUnix, stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = () => {
    if (isUnix && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    else child.kill('SIGKILL');
  };
  const end = () => {
    try {
      kill();
    } catch (error) {
      // It ended by itself meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  signal.addEventListener('abort', end);
  process.on('exit', end);
  let [printed, said] = ['', ''];
  child.stdout.on('data', (part) => {
    printed = (printed + part).slice(-keptBytes);
  });
  child.stderr.on('data', (part) => {
    said = (said + part).slice(-keptBytes);
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    if (signal.aborted) throw new WhereforeError('cancelled', 'stopped while a command trained');
    if (code === 0) return printed;
    const lines = said.trimEnd().split('\n').slice(-3).join(' | ');
    throw new WhereforeError('runtime', 'the training command failed', {
      where: command,
      got: `exit code ${code}${lines ? `: ${lines}` : ''}`,
      fix: 'run it by itself to see what it says',
    });
  } finally {
    signal.removeEventListener('abort', end);
    process.off('exit', end);
  }
}
