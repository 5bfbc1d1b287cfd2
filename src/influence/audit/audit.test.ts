import { afterAll, describe, expect, it } from 'vitest';
import { clusters, contextOf, type Labelled } from '../../../test/influence/softmax-regression.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { random } from '../../tensor/random.ts';
import { kMeans } from '../clusters.ts';
import { type Matrix, matrixOf, rowOf } from '../matrix.ts';
import { nearestNeighbours } from '../neighbours.ts';
import { type AuditedRows, type AuditOptions, audit } from './audit.ts';
import { shareBelow } from './label-evidence.ts';
import { outliers } from './outliers.ts';
import { atLeast, suspiciousGroups } from './suspicious-groups.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const lines = (x: Matrix) => Array.from({ length: x.rows }, (_, i) => Array.from(rowOf(x, i)));

/** Rows as an audit takes them, predicted by a softmax regression that was trained on them. */
function audited(
  { x, y, classes }: Labelled,
  columns: ReadonlyMap<string, readonly string[]> = new Map(),
): AuditedRows {
  const { predictions } = contextOf({ x, y, classes }, clusters(1, x.columns, classes, 9));
  return {
    ids: Array.from(y, (_, i) => `id${i}`),
    hashes: lines(x).map((row) => row.join()),
    from: Array.from(y, (_, i) => `row ${i + 1}`),
    content: x,
    labels: y,
    probabilities: predictions?.rows,
    columns,
  };
}

const names = ['zero', 'one', 'two'];
const run = (rows: AuditedRows, more: Partial<AuditOptions> = {}) =>
  audit({ rows, classes: names, outOfSample: true, runtime, seed: 1, ...more });
const kindsOf = (found: Awaited<ReturnType<typeof run>>, row: number) =>
  found.rows.find((one) => one.row === row)?.problems.map(({ kind }) => kind) ?? [];

describe('an audit', () => {
  const clean = clusters(90, 4, 3, 5, 0.6);

  it('finds planted problems, each as its own kind, and little else', async () => {
    const rows = lines(clean.x);
    const y = Int32Array.from(clean.y);
    y[4] = (y[4] + 1) % 3;
    rows[10] = rows[13].slice(); // 10 and 13 are both of class 1: a copy.
    rows[20] = rows[21].slice(); // 20 is of class 2, 21 of class 0: a contradiction.
    rows[30] = rows[33].map((value) => value + 1e-4); // a near copy of the same class.
    rows[40] = [60, 60, -60, 60]; // far from all.
    const found = await run(audited({ x: matrixOf(rows), y, classes: 3 }));
    expect(kindsOf(found, 4)).toContain('label');
    expect([kindsOf(found, 10), kindsOf(found, 13)]).toEqual([['duplicate'], ['duplicate']]);
    expect([kindsOf(found, 20), kindsOf(found, 21)].map((kinds) => kinds.includes('contradiction'))).toEqual([
      true,
      true,
    ]);
    expect([kindsOf(found, 30), kindsOf(found, 33)]).toEqual([['near-duplicate'], ['near-duplicate']]);
    expect(kindsOf(found, 40)).toContain('outlier');
    expect(found.rows.length).toBeLessThan(12);
    expect(found.counts).toMatchObject({ duplicate: 2, contradiction: 2, 'near-duplicate': 2 });
    const evidence = found.rows.find(({ row }) => row === 4);
    expect(evidence?.label).toMatchObject({ given: y[4], suggested: clean.y[4] });
    expect(evidence?.label?.lossRank).toBeLessThan(5);
    expect(evidence?.neighbours.every(({ label }) => label === clean.y[4])).toBe(true);
    // The list is in the order of severity: contradictions, then the label, then copies.
    expect(found.rows.map(({ severity }) => severity)).toEqual(
      found.rows.map(({ severity }) => severity).sort((a, b) => b - a),
    );
    expect(found.orders?.suspicion.slice(0, 4)).toContain(4);
  });

  it('puts loss and confident learning beside its own order, each over all rows', async () => {
    const { orders } = await run(audited(clean));
    for (const order of Object.values(orders ?? {}))
      expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 90 }, (_, i) => i));
  });

  it('finds held-out rows among the training rows', async () => {
    const other = clusters(30, 4, 3, 6, 0.6);
    const rows = lines(other.x);
    rows[2] = lines(clean.x)[50];
    rows[3] = lines(clean.x)[51].map((value) => value - 1e-4);
    const found = await run(audited(clean), { heldOut: audited({ ...other, x: matrixOf(rows) }) });
    expect(found.dataSet.leaks).toEqual({ exact: 1, near: 1, heldOut: 30 });
    expect(kindsOf(found, 50)).toContain('leak');
    expect(kindsOf(found, 51)).toContain('near-leak');
  });

  it('ranks a thinned slice among the first two undersampled regions', async () => {
    const source = random(3);
    const all = clusters(600, 4, 3, 8, 0.6);
    const sites = Array.from({ length: 600 }, () => ['north', 'south', 'east', 'west'][source.integer(4)]);
    const kept = Array.from({ length: 400 }, (_, i) => i).filter((i) => sites[i] !== 'east' || source.uniform() < 0.05);
    const held = Array.from({ length: 200 }, (_, i) => 400 + i);
    const part = (at: readonly number[]) =>
      audited(
        { x: matrixOf(at.map((i) => lines(all.x)[i])), y: Int32Array.from(at, (i) => all.y[i]), classes: 3 },
        new Map([['site', at.map((i) => sites[i])]]),
      );
    const { dataSet } = await run(part(kept), { heldOut: part(held) });
    expect(dataSet.undersampled[0]).toMatchObject({ column: 'site', value: 'east' });
    expect(dataSet.undersampled.length).toBeLessThanOrEqual(2);
    expect((await run(part(held), { heldOut: part(kept.slice(0, 150)) })).dataSet.undersampled).toEqual([]);
  });

  it('names an annotator whose labels are often wrong, and none where errors are even', async () => {
    const source = random(4);
    const y = clean.y.map((label, i) => (i % 6 === 0 && source.uniform() < 0.6 ? (label + 1) % 3 : label));
    const annotators = new Map([['annotator', Array.from(y, (_, i) => (i % 6 === 0 ? 'eve' : `a${i % 5}`))]]);
    const { dataSet } = await run(audited({ ...clean, y }, annotators));
    expect(dataSet.groups.map(({ column, value }) => [column, value])).toEqual([['annotator', 'eve']]);
    expect(suspiciousGroups(annotators, clean.y.map(() => 0) as unknown as Uint8Array)).toEqual([]);
  });

  it('gives the same when the rows come in another order', async () => {
    const y = clean.y.map((label, i) => (i === 7 || i === 8 ? (label + 1) % 3 : label));
    const turned = (of: Labelled): Labelled => ({
      ...of,
      x: matrixOf(lines(of.x).reverse()),
      y: Int32Array.from(of.y).reverse(),
    });
    const [one, other] = [await run(audited({ ...clean, y })), await run(audited(turned({ ...clean, y })))];
    expect(other.rows.map(({ row }) => 89 - row).sort()).toEqual(one.rows.map(({ row }) => row).sort());
  });

  it('works without a model: copies and outliers only, and says so', async () => {
    const { labels: _, probabilities: __, ...rest } = audited(clean);
    const found = await run(rest);
    expect(found.orders).toBeUndefined();
    expect(found.notes.join()).toContain('no labels');
  });

  it.each<[string, (rows: AuditedRows) => AuditedRows, string]>([
    ['one row', (rows) => ({ ...rows, ids: rows.ids.slice(0, 1) }), 'invalid-data'],
    ['no row', (rows) => ({ ...rows, ids: [] }), 'invalid-data'],
    ['one class', (rows) => ({ ...rows, labels: new Int32Array(90) }), 'invalid-data'],
    [
      'a label beyond the classes',
      (rows) => ({ ...rows, labels: rows.labels?.map((k, i) => (i === 3 ? 3 : k)) }),
      'out-of-range',
    ],
    ['labels of another data set', (rows) => ({ ...rows, labels: rows.labels?.slice(1) }), 'wrong-shape'],
    [
      'probabilities of another model',
      (rows) => ({ ...rows, probabilities: matrixOf(Array(90).fill([0.5, 0.5])) }),
      'wrong-shape',
    ],
    [
      'a content that is not finite',
      (rows) => ({
        ...rows,
        content: matrixOf(lines(rows.content).map((row, i) => (i === 2 ? row.map(() => Number.NaN) : row))),
      }),
      'not-finite',
    ],
  ])('refuses %s before it works', async (_, change, code) => {
    await expect(run(change(audited(clean)))).rejects.toMatchObject({ code });
  });
});

describe('the nearest rows', () => {
  it('are those of all distances in float64, whatever the block, far from the origin too', async () => {
    const source = random(1);
    const rows = matrixOf(Array.from({ length: 300 }, () => Array.from({ length: 6 }, () => 1000 + source.normal())));
    const { indices, distances } = await nearestNeighbours(runtime, rows, rows, 5, { exceptSelf: true });
    for (let q = 0; q < 300; q += 7) {
      const all = Array.from({ length: 300 }, (_, i) => ({
        i,
        d: Math.hypot(...Array.from(rowOf(rows, q), (value, j) => value - rowOf(rows, i)[j])),
      }))
        .filter(({ i }) => i !== q)
        .sort((a, b) => a.d - b.d);
      expect([...indices.subarray(q * 5, q * 5 + 5)]).toEqual(all.slice(0, 5).map(({ i }) => i));
      for (let j = 0; j < 5; j++) expect(distances[q * 5 + j]).toBeCloseTo(all[j].d, 12);
    }
  });
});

describe('the parts of an audit', () => {
  it('tell the chance of a group by hand', () => {
    // 4 rows, 2 flagged; both of 2 drawn: 1 of 6 pairs.
    expect(atLeast(2, 2, 2, 4)).toBeCloseTo(1 / 6, 12);
    expect(atLeast(0, 2, 2, 4)).toBe(1);
  });

  it('tell shares below, equal values halved', () => {
    expect([...shareBelow(Float64Array.of(1, 1, 2))]).toEqual([0.25, 0.25, 1]);
  });

  it('score outliers by the logarithm of the distance', () => {
    // log distances 0, 0, 1, 1, 3 (one neighbour each): median 1, deviations 1, 1, 0, 0, 2: MAD 1.
    const distances = Float64Array.of(1, 1, Math.E, Math.E, Math.E ** 3);
    const { scores } = outliers({ count: 1, indices: new Uint32Array(5), distances }, 5);
    expect(scores[4]).toBeCloseTo(0.6745 * 2, 10);
  });

  it('cluster what lies apart', () => {
    const rows = matrixOf([[0], [0.1], [10], [10.1], [0.2]]);
    const { assignment } = kMeans(rows, 2, 1);
    expect(new Set([assignment[0], assignment[1], assignment[4]]).size).toBe(1);
    expect(assignment[2]).toBe(assignment[3]);
    expect(assignment[0]).not.toBe(assignment[2]);
  });
});
