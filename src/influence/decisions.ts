import * as z from 'zod';
import { WhereforeError } from '../errors.ts';

/** What a person decided about a row. */
export const decisionSchema = z.strictObject({
  /** Stable name of the row in its data set. */
  id: z.string().min(1),
  /** `keep`: the row is right as it is; `undo`: the last decision about the row no longer counts. */
  action: z.enum(['keep', 'relabel', 'drop', 'undo']),
  /** The new class by name, of `relabel`. */
  label: z.string().optional(),
  who: z.string().optional(),
  /** ISO 8601. */
  when: z.string(),
  why: z.string().optional(),
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
    const parsed = decisionSchema.safeParse(value);
    if (!parsed.success) throw fail(`${parsed.error.issues[0].path.join('.')}: ${parsed.error.issues[0].message}`);
    if (parsed.data.action === 'relabel' && parsed.data.label === undefined) throw fail('relabel without a label');
    return [parsed.data];
  });
}

/** Decisions as lines to append to a file. */
export function formatDecisions(decisions: readonly Decision[]): string {
  return decisions.map((decision) => `${JSON.stringify(decision)}\n`).join('');
}

/** The decision that counts for each row, after undoing. A row without one is as it was. */
export function settledDecisions(decisions: readonly Decision[]): Map<string, Decision> {
  const made = new Map<string, Decision[]>();
  for (const decision of decisions) {
    const before = made.get(decision.id) ?? [];
    if (decision.action === 'undo') before.pop();
    else before.push(decision);
    made.set(decision.id, before);
  }
  const settled = new Map<string, Decision>();
  for (const [id, kept] of made) {
    const last = kept.at(-1);
    if (last) settled.set(id, last);
  }
  return settled;
}

/** What decisions make of rows: the labels that count, and which rows stay. */
export interface DecidedRows {
  readonly labels: Int32Array;
  readonly kept: Uint8Array;
  readonly relabelled: number;
  readonly dropped: number;
}

/** @throws WhereforeError `unknown-name` for a row or a class that the data do not have */
export function applyDecisions(
  decisions: readonly Decision[],
  ids: readonly string[],
  labels: Int32Array,
  classes: readonly string[],
): DecidedRows {
  const position = new Map(ids.map((id, i) => [id, i]));
  const result = {
    labels: Int32Array.from(labels),
    kept: new Uint8Array(ids.length).fill(1),
    relabelled: 0,
    dropped: 0,
  };
  for (const { id, action, label } of settledDecisions(decisions).values()) {
    const row = position.get(id);
    if (row === undefined)
      throw new WhereforeError('unknown-name', `a decision is about a row "${id}" that the data do not have`, {
        fix: 'give the data that were audited',
      });
    if (action === 'drop') {
      result.kept[row] = 0;
      result.dropped++;
    } else if (action === 'relabel') {
      const k = classes.indexOf(label ?? '');
      if (k < 0)
        throw new WhereforeError('unknown-name', `a decision gives row "${id}" a class that there is not`, {
          got: label,
          expected: classes.join(', '),
        });
      if (k !== result.labels[row]) result.relabelled++;
      result.labels[row] = k;
    }
  }
  return result;
}
