import * as z from 'zod/mini';
import { checked } from '../checked.ts';
import { WhereforeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';

/** What a person decided about a row. */
export const decisionSchema = z.strictObject({
  /** Stable name of the row in its data set. */
  id: z.string().check(z.minLength(1)),
  /** `keep`: the row is right as it is; `undo`: the last decision about the row no longer counts. */
  action: z.enum(['keep', 'relabel', 'drop', 'undo']),
  /** The new class by name, of `relabel`. */
  label: z.optional(z.string()),
  who: z.optional(z.string()),
  /** ISO 8601. */
  when: z.string(),
  why: z.optional(z.string()),
});

export type Decision = z.infer<typeof decisionSchema>;

/**
 * Decisions from JSON Lines: a line each, in the order in which they were made; files are only ever appended to.
 * @param where name of the file, for messages
 * @throws WhereforeError `invalid-data` with the line
 */
export function parseDecisions(text: string, where = 'decisions.jsonl'): Decision[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    const fail = (got: string) =>
      new WhereforeError('invalid-data', 'not a decision', {
        where: `${where}:${i + 1}`,
        got,
        expected: '{"id":"…","action":"keep | relabel | drop | undo","when":"…"}, with "label" for relabel',
      });
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw fail(line);
    }
    const parsed = checked(decisionSchema, value);
    if (!parsed.success) throw fail(`${parsed.error.issues[0].path.join('.')}: ${parsed.error.issues[0].message}`);
    if (parsed.data.action === 'relabel' && parsed.data.label === undefined) throw fail('relabel without a label');
    return [parsed.data];
  });
}

/** Decisions as lines to append to a file. */
export function formatDecisions(decisions: readonly Decision[]): string {
  return decisions.map((decision) => `${JSON.stringify(decision)}\n`).join('');
}

/** What stands of each row's decisions, after undoing, in the order in which they were made. */
function standingDecisions(decisions: readonly Decision[]): Map<string, Decision[]> {
  const standing = new Map<string, Decision[]>();
  for (const decision of decisions) {
    const before = standing.get(decision.id) ?? [];
    if (decision.action === 'undo') before.pop();
    else before.push(decision);
    standing.set(decision.id, before);
  }
  return standing;
}

/** The decision that counts for each row, after undoing. A row without one is as it was. */
export function settledDecisions(decisions: readonly Decision[]): Map<string, Decision> {
  const settled = new Map<string, Decision>();
  for (const [id, standing] of standingDecisions(decisions)) {
    const last = standing.at(-1);
    if (last) settled.set(id, last);
  }
  return settled;
}

/** What decisions make of rows: the labels that count, and which rows stay. */
export interface DecidedRows {
  /** Absent where the data have none. */
  readonly labels?: Int32Array;
  readonly kept: Uint8Array;
  /** Rows that a decision stands about. */
  readonly settled: Uint8Array;
  readonly relabelled: number;
  readonly dropped: number;
}

/**
 * @param where name of the file, for messages
 * @throws WhereforeError `unknown-name` for a row or a class that the data do not have; `invalid-data` where two people
 *   decided differently about a row and none of it was undone, or where data without classes are relabelled
 */
export function applyDecisions(
  decisions: readonly Decision[],
  ids: readonly string[],
  labels: Int32Array | undefined,
  classes: readonly string[],
  where = 'decisions.jsonl',
): DecidedRows {
  const position = new Map(ids.map((id, i) => [id, i]));
  const settled = settledDecisions(decisions);
  const unknown = [...settled.keys()].filter((id) => !position.has(id));
  if (unknown.length > 0)
    throw new WhereforeError('unknown-name', `decisions name rows that the data do not have: ${unknown.length}`, {
      where,
      got: unknown.slice(0, 5).join(', '),
      expected: `ids such as ${ids.slice(0, 2).join(', ')}`,
      fix: 'give the data that were audited, as they were then; ids hold the label where the data name no rows',
    });
  checkAgreement(decisions, where);
  const result = {
    labels: labels && Int32Array.from(labels),
    kept: new Uint8Array(ids.length).fill(1),
    settled: new Uint8Array(ids.length),
    relabelled: 0,
    dropped: 0,
  };
  for (const { id, action, label } of settled.values()) {
    const row = position.get(id) as number;
    result.settled[row] = 1;
    if (action === 'drop') {
      result.kept[row] = 0;
      result.dropped++;
    } else if (action === 'relabel') {
      if (!result.labels)
        throw new WhereforeError('invalid-data', 'the data have no classes, so that a row cannot be given another', {
          where,
          got: `relabel ${id}`,
        });
      const k = classes.indexOf(label ?? '');
      if (k < 0) throw unknownName(`row "${id}" is given a class that there is not:`, label ?? '', classes, { where });
      if (k !== result.labels[row]) result.relabelled++;
      result.labels[row] = k;
    }
  }
  return result;
}

/** @throws WhereforeError `invalid-data` where decisions of two people about one row stand against each other */
function checkAgreement(decisions: readonly Decision[], where: string): void {
  for (const [id, standing] of standingDecisions(decisions)) {
    const last = standing.at(-1);
    const other = standing.find(
      ({ who, action, label }) => who !== last?.who && (action !== last?.action || label !== last?.label),
    );
    if (!last || !other) continue;
    const said = ({ who = 'somebody', action, label }: Decision) =>
      `${who}: ${[action, label].filter(Boolean).join(' ')}`;
    throw new WhereforeError('invalid-data', `two people decided differently about row "${id}"`, {
      where,
      got: `${said(other)}; ${said(last)}`,
      fix: `add a line that undoes the later one: {"id":"${id}","action":"undo","when":"…"}`,
    });
  }
}
