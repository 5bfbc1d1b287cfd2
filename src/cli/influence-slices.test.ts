import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../test/command.ts';
import { clusters } from '../../test/influence/softmax-regression.ts';
import { writeTrainedTable } from '../../test/influence/trained-table.ts';
import type { InfluenceDocument } from '../influence/influence-document.ts';
import type { MeasuredQuery } from '../influence/slices/measured-query.ts';

const root = mkdtempSync(join(tmpdir(), 'influence-slices-'));
const at = (name: string) => join(root, name);
afterAll(() => rmSync(root, { recursive: true, force: true }));

// Two clusters, a and b; ten rows of b are labelled a. Held-out rows have a column beside: which site they are of.
beforeAll(async () => {
  await writeTrainedTable(root);
  const { x, y } = clusters(80, 2, 2, 6, 0.7);
  const lines = Array.from(y, (k, i) =>
    [`r${i}`, x.data[2 * i], x.data[2 * i + 1], 'ab'[k], i < 60 ? 'north' : 'south'].join(),
  );
  writeFileSync(at('held.csv'), `id,u,v,label,site\n${lines.join('\n')}\n`);
}, 60_000);

const rows = () => ['--data', at('rows.csv'), '--label', 'label', '--id', 'id'];
// A folder for each run: names of runs have the second that they began in.
let runs = 0;
const outOf = () => at(`out-${runs++}`);
const common = () => ['--model', at('trained/model.onnx'), ...rows(), '--from', at('held.csv'), '--out', outOf()];
const ask = (...words: string[]) => wherefore('influence', ...words, ...common());
async function asked(...words: string[]): Promise<InfluenceDocument> {
  const { output, errors, code } = await ask(...words, '--json', '--rows', '80');
  expect(errors).toBe('');
  expect(code).toBe(0);
  return JSON.parse(output) as InfluenceDocument;
}
const scores = ({ all }: InfluenceDocument) =>
  new Map([...all.proponents, ...all.opponents].map(({ id, score }) => [id, score]));
const slicesOf = ({ query }: InfluenceDocument) => (query as MeasuredQuery).slices;

describe('wherefore influence --slice, --gap', () => {
  it('scores a slice as the mean of its rows, and a gap as the difference of two slices', async () => {
    const [one, two] = [await asked('3', '--class', 'b'), await asked('5', '--class', 'b')];
    const ofBoth = await asked('--slice', 'id!=none and label=b and site=north');
    const [third, fifth] = [await asked('--slice', 'id=r3'), await asked('--slice', 'id=r5')];
    // Rows 3 and 5 are of class b: a slice of one row asks what the row asks about its label.
    for (const [slice, row] of [
      [third, one],
      [fifth, two],
    ])
      for (const [id, score] of scores(row)) expect(scores(slice).get(id)).toBeCloseTo(score, 6);
    expect(slicesOf(ofBoth)).toEqual([expect.objectContaining({ rows: 30 })]);
    const gap = await asked('--gap', 'id=r3', '--against', 'id=r5');
    const [lower, higher] = slicesOf(gap);
    expect(lower.value).toBeLessThanOrEqual(higher.value);
    const [a, b] = lower.filter === 'id=r3' ? [one, two] : [two, one];
    for (const [id, score] of scores(gap))
      expect(score).toBeCloseTo((scores(a).get(id) as number) - (scores(b).get(id) as number), 6);
  }, 60_000);

  it('finds the wrong labels behind a gap, and says what would narrow it', async () => {
    const { output, errors, code } = await ask('--gap', 'label=b', '--kinds');
    expect(errors).not.toMatch(/^error/m);
    expect(code).toBe(0);
    expect(output).toMatch(/held\.csv: a gap in mean log-probability of the label\n {2}label=b +40 rows/);
    expect(output).toMatch(/not \(label=b\)/);
    expect(output).toMatch(/What if, what narrows the gap most first/);
    const out = `out-${runs - 1}`;
    const [made] = readdirSync(at(out));
    const document = JSON.parse(readFileSync(join(at(out), made, 'influence.json'), 'utf8')) as InfluenceDocument;
    // r1, r3, … r19 are of b and labelled a.
    const wrong = document.all.opponents.filter(({ id, label }) => label === 0 && Number(id.slice(1)) % 2 === 1);
    expect(wrong.length).toBeGreaterThanOrEqual(8);
    expect(document.sameClass).toBeUndefined();
    const page = readFileSync(join(at(out), made, 'index.html'), 'utf8');
    expect(page).toMatch(/Asked: the gap in the mean log-probability of the label/);
    expect(page).toMatch(/With them the gap is narrower/);
    // The wrongly labelled rows act alike.
    const [kind] = (document.kinds ?? []).filter(({ helps }) => !helps);
    expect(kind.rows.filter(({ id, label }) => label === 0 && Number(id.slice(1)) % 2 === 1)).toHaveLength(5);
    expect(page).toMatch(/<h2>Kinds of rows/);
    expect(output).toMatch(/Kinds of rows, by why they act/);
    // Groups, which are behind many rows, come before single ones.
    expect(page.indexOf('<h2>Groups')).toBeLessThan(page.indexOf('<h2>Proponents'));
    const again = await wherefore(
      ...['replay', join(at(out), made, 'influence.json')],
      ...['model=trained/model.onnx', 'data=rows.csv', 'from=held.csv'].flatMap((one) => [
        '--file',
        one.replace('=', `=${root}/`),
      ]),
    );
    expect(again.output).toMatch(/^identical$/m);
  }, 60_000);

  it('asks about the rate of a class, which needs no labels, and answers without gradients', async () => {
    const rate = await asked('--slice', 'u>0', '--measure', 'rate', '--class', 'a');
    expect(slicesOf(rate)[0].value).toBeGreaterThan(0);
    expect(slicesOf(rate)[0].value).toBeLessThan(1);
    expect(rate.method.unit).toBe('probability');
    expect(rate.sameClass?.proponents.every(({ label }) => label === 0)).toBe(true);
    const votes = await asked('--slice', 'label=b', '--method', 'knn-shapley');
    expect(votes.notes.join()).toMatch(/the mean of the scores for each of 40 rows/);
    // Shapley values of the rows add up to the share of votes for the label, less what no row gives.
    expect([...scores(votes).values()].reduce((sum, one) => sum + one, 0)).toBeGreaterThan(0.5);
    expect(votes.all.proponents.every(({ label }) => label === 1)).toBe(true);
  }, 60_000);

  it.each<[string, string[], RegExp]>([
    ['neither query nor slice', [], /no query/],
    ['a query and a slice', ['3', '--slice', 'label=b'], /two queries/],
    ['a slice and a gap', ['--slice', 'label=b', '--gap', 'label=a'], /two queries/],
    ['--against alone', ['3', '--against', 'label=b'], /belongs to --slice or --gap/],
    ['--against of a slice', ['--slice', 'label=a', '--against', 'label=b'], /belongs to --gap/],
    ['a rate of no class', ['--slice', 'u>0', '--measure', 'rate'], /which class/],
    ['a class of no rate', ['--slice', 'u>0', '--class', 'a'], /belongs to --measure rate/],
    ['--plain', ['--slice', 'u>0', '--plain'], /whom one prediction is about/],
    ['slices that share rows', ['--gap', 'site=north', '--against', 'label=b'], /share rows[\s\S]*30 rows/],
    ['a gap to nothing', ['--gap', 'id!=none'], /there is no gap to others/],
    ['a control of rows alone', ['--gap', 'label=b', '--method', 'loss'], /says nothing of a gap/],
    ['a column that is not there', ['--slice', 'place=north'], /no column/],
    ['kinds without gradients', ['3', '--kinds', '--method', 'knn-shapley'], /told by gradients/],
    ['kinds of a plain page', ['3', '--kinds', '--plain'], /not on the page/],
  ])('refuses %s', async (_, words, message) => {
    const { code, errors } = await ask(...words);
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });
});
