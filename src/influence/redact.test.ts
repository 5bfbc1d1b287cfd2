import { describe, expect, it } from 'vitest';
import type { AuditDocument } from './audit/document.ts';
import type { InfluenceDocument, InfluentialRow } from './influence-document.ts';
import { pooledColumns, redactAudit, redactInfluence, redactRetrain, smallGroups } from './redact.ts';
import type { RetrainDocument } from './retraining/retrain-document.ts';

const row: InfluentialRow = { row: 7, id: 'patient-7', from: 'rows.csv row 7', score: 1 };
const list = { proponents: [row], opponents: [row] };
const group = (value: string, rows: number, score: number) => ({
  ...{ column: 'clinic', value, rows, score, share: rows / 100, understated: rows > 5 },
});

describe('holding rows back', () => {
  it('puts values that fewer than five rows have under one name', () => {
    const values = ['A', 'A', 'A', 'A', 'A', 'Doe', 'Roe', 'Roe'];
    expect(pooledColumns(new Map([['clinic', values]])).get('clinic')).toEqual([
      ...['A', 'A', 'A', 'A', 'A'],
      ...[smallGroups, smallGroups, smallGroups],
    ]);
  });

  it('leaves of an influence document what is of at least five rows', () => {
    const whatIf = (rows: number, words: string) => ({
      action: 'remove',
      rows,
      words,
      predicted: 1,
      rank: 1,
      of: 2,
      ids: ['patient-7'],
    });
    const document = {
      ...{ all: list, sameClass: list, nearest: [row], sameWords: [row], notes: [], format: 'wherefore-influence' },
      groups: [group('A', 60, 2), group('B', 5, -1), group('Doe', 4, 0.25)],
      whatIfs: [whatIf(60, 'remove the rows of clinic A'), whatIf(1, 'remove rows.csv row 7')],
    } as unknown as InfluenceDocument;
    const { groups, redacted, ...rest } = redactInfluence(document);
    expect(JSON.stringify({ groups, rest })).not.toMatch(/patient|row 7|Doe/);
    expect(redacted).toEqual({ leastRows: 5 });
    expect(groups).toEqual([group('A', 60, 2), group('B', 5, -1)]);
    expect(rest.whatIfs.map(({ words }) => words)).toEqual(['remove the rows of clinic A']);
  });

  it('counts the problems of an audit by source, and names no row', () => {
    const region = (column: string, value: string, rows: number) => ({ column, value, rows, heldOut: 9, ratio: 0.1 });
    const document = {
      rows: [0, 1, 6].map((one) => ({ row: one, id: `patient-${one}`, from: `rows.csv row ${one}` })),
      groups: [{ kind: 'exact', rows: [0, 1], conflict: false }],
      orders: { suspicion: [1, 0], loss: [0, 1], 'confident-learning': [0, 1] },
      dataSet: { undersampled: [region('class', 'cat', 1), region('clinic', 'Doe', 1), region('clinic', 'A', 5)] },
      counts: { label: 3 },
    } as unknown as AuditDocument;
    const clinics = ['A', 'A', 'A', 'A', 'A', 'Doe', 'Roe', 'Roe', 'Roe', 'Roe'];
    const { sources, ...rest } = redactAudit(document, new Map([['clinic', clinics]]));
    expect(JSON.stringify({ sources, rest })).not.toMatch(/patient|row 1|Doe|Roe/);
    expect(rest.orders).toBeUndefined();
    expect(rest.groups).toEqual([]);
    expect(rest.redacted).toEqual({ leastRows: 5, listed: 3 });
    expect(rest.counts).toEqual({ label: 3 });
    expect(rest.dataSet.undersampled.map(({ value }) => value)).toEqual(['cat', 'A']);
    // Rows 0 and 1 of A, row 6 of the others.
    expect(sources).toEqual([
      { column: 'clinic', value: 'A', rows: 5, problems: 2 },
      { column: 'clinic', value: smallGroups, rows: 5, problems: 1 },
    ]);
  });

  it('leaves of a retrain document what the change does', () => {
    const changed = [{ row: 3, id: 'patient-3', from: 'rows.csv row 3' }];
    const document = {
      change: { dropped: 1, relabelled: 0, rows: changed, sameClasses: true },
      leftOut: changed,
      answer: 'The change helps.',
    } as unknown as RetrainDocument;
    const found = redactRetrain(document);
    expect(JSON.stringify(found)).not.toMatch(/patient|row 3/);
    expect(found).toMatchObject({ answer: 'The change helps.', change: { dropped: 1, rows: [] } });
  });
});
