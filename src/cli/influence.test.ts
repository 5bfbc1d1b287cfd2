import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../test/command.ts';
import { clusters, softmaxRegression, withRows } from '../../test/influence/softmax-regression.ts';
import { writeNpy } from '../data/formats/npy.ts';
import type { AuditDocument } from '../influence/audit/document.ts';
import { formatDecisions } from '../influence/decisions.ts';
import type { InfluenceDocument, InfluenceList } from '../influence/influence-document.ts';
import { rowOf } from '../influence/matrix.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { decodeModel } from '../onnx/decode.ts';
import { encodeModel } from '../onnx/encode.ts';
import { float32, int64 } from '../tensor/tensor.ts';
import { linear } from '../train/layers/index.ts';
import { Network } from '../train/network.ts';
import { withParameters } from '../train/parameters.ts';

const folder = mkdtempSync(join(tmpdir(), 'influence-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);

// 60 rows of three classes; row 60 is a copy of the query, row 61 one with another label.
const query = clusters(1, 4, 3, 9, 0.6);
const data = withRows(clusters(60, 4, 3, 5, 0.6), [rowOf(query.x, 0), rowOf(query.x, 0)], [0, 1]);
const rows = data.x.rows;

function writeFiles(): void {
  const model = softmaxRegression(data, 0.01);
  const theta = model.fit(new Uint32Array(rows).fill(1));
  const network = new Network({ seed: 1 });
  const x = network.input('x', 'float32', ['N', 4]);
  const built = network.build([linear(network, x, 'logits', { features: 3 })]);
  const weight = built.graph.initializers.get('logits.weight');
  const isTurned = weight?.shape[0] === 4;
  const weights = Array.from({ length: 12 }, (_, j) =>
    isTurned ? theta[(j % 3) * 5 + Math.floor(j / 3)] : theta[Math.floor(j / 4) * 5 + (j % 4)],
  );
  const fitted = withParameters(
    built,
    new Map([
      ['logits.weight', float32(weight?.shape ?? [], weights)],
      ['logits.bias', float32([3], [theta[4], theta[9], theta[14]])],
    ]),
  );
  writeFileSync(at('model.onnx'), encodeModel(fitted));
  writeFileSync(at('rows.npy'), writeNpy(float32([rows, 4], Float32Array.from(data.x.data))));
  writeFileSync(at('labels.npy'), writeNpy(int64([rows], data.y)));
  writeFileSync(at('query.npy'), writeNpy(float32([1, 4], Float32Array.from(query.x.data))));
  writeFileSync(at('bad.npy'), writeNpy(int64([rows - 1], data.y.slice(1))));
}
writeFiles();

const common = ['--model', at('model.onnx'), '--data', at('rows.npy'), '--labels', at('labels.npy')];
const run = (out: string, ...words: string[]) => wherefore(...words, ...common, '--out', at(out));
const document = <T>(out: string, name: string): T => {
  const [made] = readdirSync(at(out));
  expect(existsSync(join(at(out), made, 'index.html'))).toBe(true);
  return JSON.parse(readFileSync(join(at(out), made, name), 'utf8')) as T;
};

describe('a table that no wherefore.yaml describes', () => {
  const table = (name: string, head: string, cells: (row: number) => readonly (string | number)[]) => {
    const lines = Array.from({ length: rows }, (_, i) => [...rowOf(data.x, i), ...cells(i)].join(','));
    writeFileSync(at(name), `${[head, ...lines].join('\n')}\n`);
  };
  table('rows.csv', 'a,b,c,d,label,who', (i) => [`class ${data.y[i]}`, i % 2 ? 'ann' : 'bob']);
  const asked = ['--model', at('model.onnx'), '--data', at('rows.csv'), '--label', 'label'];

  it('gives its columns of numbers to a model of as many, also those of the query', async () => {
    const words = [...asked, '--metadata', 'who', '--class', 'class 0', '--json'];
    const ofRow = await wherefore('influence', '3', '--from', at('rows.csv'), ...words, '--out', at('t1'));
    const ofFile = await wherefore('influence', `${at('rows.csv')}#3`, ...words, '--out', at('t2'));
    const arrays = await run('t3', 'influence', '3', '--from', at('rows.npy'), '--class', '0', '--json');
    expect(ofRow.output).toContain('as they are, in the order of the file: a, b, c, d');
    const order = ({ output }: { output: string }) =>
      (JSON.parse(output) as InfluenceDocument).all.proponents.map(({ row }) => row);
    expect(order(ofRow)).toEqual(order(arrays));
    expect(order(ofFile)).toEqual(order(arrays));
  });

  it('is refused where columns are no numbers, or too many', async () => {
    const names = await wherefore('influence', '3', '--from', at('rows.csv'), ...asked, '--out', at('t4'));
    expect(names.errors).toMatch(/columns hold no numbers.*\(got who\).*--metadata/s);
    table('wide.csv', 'a,b,c,d,e,label', (i) => [i, `class ${data.y[i]}`]);
    const wide = ['--model', at('model.onnx'), '--data', at('wide.csv'), '--label', 'label', '--out', at('t5')];
    expect((await wherefore('audit', ...wide)).errors).toMatch(/got 5: a, b, c, d, e, expected 4 for "x"/);
  });
});

describe('wherefore influence', () => {
  it('lists rows that help and rows that harm, with notes and a page', async () => {
    const { code, output, errors } = await run(
      'a',
      'influence',
      '0',
      '--from',
      at('query.npy'),
      '--class',
      '0',
      '--weight-decay',
      '0.01',
    );
    expect(errors).not.toMatch(/error/);
    expect(errors).toMatch(/first look: the model says \w+ \(0\.\d{3}\); nearest rows: (.+ \(\w+\), ){4}.+ \(\w+\)\n/);
    expect(code).toBe(0);
    expect(output).toMatch(/Proponents[\s\S]*Opponents[\s\S]*Nearest rows/);
    const found = document<InfluenceDocument>('a', 'influence.json');
    expect(found.method.name).toBe('influence');
    expect(found.all.proponents.every(({ score }) => score > 0)).toBe(true);
    expect(found.all.opponents[0].row).toBe(61);
    expect(found.all.opponents.every(({ score }) => score < 0)).toBe(true);
    expect((found.sameClass as InfluenceList).proponents.every(({ label }) => label === 0)).toBe(true);
    expect(found.notes.join()).toMatch(/uncalibrated/);
  });

  it.each(['influence', 'ek-fac'])('reads the scores before a softmax that a model ends in: %s', async (method) => {
    const { graph, ...rest } = decodeModel(readFileSync(at('model.onnx')));
    const builder = new GraphBuilder({ ...graph, outputs: [] });
    builder.op('Softmax', [graph.outputs[0].name], { axis: -1 }, { outputs: ['p'] });
    builder.output('p', 'float32', ['N', 3]);
    writeFileSync(at('softmax.onnx'), encodeModel({ ...rest, graph: builder.build() }));
    const scores = async (model: string) => {
      const rowsOf = ['--data', at('rows.npy'), '--labels', at('labels.npy'), '--from', at('query.npy')];
      const words = ['influence', '0', ...rowsOf, '--class', '0', '--method', method, '--json'];
      const { output } = await wherefore(...words, '--model', at(model), '--out', at(`${method}-${model}`));
      const { proponents, opponents } = (JSON.parse(output) as InfluenceDocument).all;
      return [...proponents, ...opponents];
    };
    const [plain, behind] = [await scores('model.onnx'), await scores('softmax.onnx')];
    expect(behind.map(({ row }) => row)).toEqual(plain.map(({ row }) => row));
    // The same graph but for a node behind what is read: float32 rounds the same way.
    for (const [k, { score }] of plain.entries()) expect(behind[k].score).toBeCloseTo(score, 6);
  });

  it('takes gradients of a model whose one number tells two classes apart', async () => {
    const asked = clusters(1, 4, 2, 9, 0.6);
    // Row 40 is a copy of the query, row 41 one with the other label: no row harms more.
    const two = withRows(clusters(40, 4, 2, 5, 0.6), [rowOf(asked.x, 0), rowOf(asked.x, 0)], [0, 1]);
    const theta = softmaxRegression(two, 0.01).fit(new Uint32Array(42).fill(1));
    const builder = new GraphBuilder();
    builder.input('x', 'float32', ['N', 4]);
    const difference = Float32Array.from({ length: 5 }, (_, j) => theta[5 + j] - theta[j]);
    builder.initializer('W', float32([4, 1], difference.slice(0, 4)));
    builder.initializer('b', float32([1], difference.slice(4)));
    builder.op('Sigmoid', [builder.op('Gemm', ['x', 'W', 'b'])], {}, { outputs: ['p'] });
    builder.output('p', 'float32', ['N', 1]);
    const { graph: _, ...rest } = decodeModel(readFileSync(at('model.onnx')));
    writeFileSync(at('binary.onnx'), encodeModel({ ...rest, graph: builder.build() }));
    writeFileSync(at('two.npy'), writeNpy(float32([42, 4], Float32Array.from(two.x.data))));
    writeFileSync(at('two-labels.npy'), writeNpy(int64([42], two.y)));
    const words = ['--data', at('two.npy'), '--labels', at('two-labels.npy'), '--class', '0', '--json'];
    const { output, errors } = await wherefore(
      ...['influence', '40', '--from', at('two.npy'), '--model', at('binary.onnx'), ...words, '--out', at('binary')],
    );
    expect(errors).not.toMatch(/error/);
    const found = JSON.parse(output) as InfluenceDocument;
    expect(found.method.name).toBe('influence');
    expect(found.all.opponents[0].row).toBe(41);
  });

  it('asks about a slice of arrays, whose classes have numbers for names', async () => {
    const from = ['--from', at('rows.npy'), '--from-labels', at('labels.npy')];
    const words = ['influence', '--slice', 'label=1 and confidence>0.5', ...from, '--json'];
    const { output, errors } = await run('slice', ...words);
    expect(errors).toBe('');
    const { query, all } = JSON.parse(output) as InfluenceDocument;
    expect(query).toMatchObject({ kind: 'slice', measure: 'log-probability' });
    expect(all.proponents[0].label).toBe(1);
  });

  it('takes Newton steps without large groups, and gradients of a loss as a formula', async () => {
    const words = ['influence', '0', '--from', at('query.npy'), '--class', '0', '--weight-decay', '0.01', '--json'];
    const { output } = await run('newton', ...words, '--newton');
    const { groups, notes } = JSON.parse(output) as InfluenceDocument;
    const own = groups.find(({ value }) => value === '0');
    // Without its whole class the class is lost: much more than the sum says.
    expect(own?.newton).toBeGreaterThan(own?.score as number);
    expect(notes.join()).toMatch(/3 groups by one Newton step.*a step on all rows would change f by (0|[^ ]*e-\d)/);

    const focal = await run('focal', ...words, '--loss', '-(1-p)*(1-p)*log(p)');
    const found = JSON.parse(focal.output) as InfluenceDocument;
    expect(found.notes.join()).toMatch(/loss of a row: -\(1-p\)/);
    expect(found.all.opponents[0].row).toBe(61);
    const wrong = await run('wrong', ...words, '--loss', 'log(q)');
    expect([wrong.code, wrong.errors]).toEqual([1, expect.stringMatching(/no output "q"/)]);
  });

  it.each<[string, string[], RegExp]>([
    ['a row beyond the data', ['9', '--from', at('query.npy')], /0 to 0/],
    ['a number without data', ['0'], /--from/],
    ['a class that is not there', ['0', '--from', at('query.npy'), '--class', 'cat'], /class "cat"/],
    ['a class beyond the model', ['0', '--from', at('query.npy'), '--class', '7'], /0 to 2/],
    ['a method that is not there', ['0', '--from', at('query.npy'), '--method', 'ekfac'], /ek-fac/],
    ['too few seeds', ['0', '--from', at('query.npy'), '--seeds', at('model.onnx')], /at least 5/],
  ])('refuses %s with one message', async (_, words, message) => {
    const { code, errors } = await run('refused', 'influence', ...words);
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });
});

describe('wherefore audit', () => {
  it('finds the contradiction and the leak, and writes a page', async () => {
    const { code, output, errors } = await run('b', 'audit', '--held-out', at('query.npy'));
    expect(errors).not.toMatch(/error/);
    expect(code).toBe(0);
    expect(output).toMatch(/same content, other label/);
    const found = document<AuditDocument>('b', 'audit.json');
    expect(
      found.rows
        .filter(({ problems }) => problems.some(({ kind }) => kind === 'contradiction'))
        .map(({ row }) => row)
        .sort(),
    ).toEqual([60, 61]);
    expect(found.dataSet.leaks.exact).toBe(1);
  });

  it('applies the decisions of a review, and does not list their rows again', async () => {
    const [made] = readdirSync(at('b'));
    const { rows: listed } = JSON.parse(readFileSync(join(at('b'), made, 'audit.json'), 'utf8')) as AuditDocument;
    const id = listed.find(({ row }) => row === 61)?.id as string;
    writeFileSync(at('decisions.jsonl'), formatDecisions([{ id, action: 'drop', when: '2026-01-01T00:00:00Z' }]));
    const { code, errors } = await run('d', 'audit', '--decisions', at('decisions.jsonl'));
    expect(code).toBe(0);
    expect(errors).toMatch(/decisions: 0 rows have another label, 1 are left out/);
    const found = document<AuditDocument>('d', 'audit.json');
    expect(found.data.rows).toBe(61);
    expect(found.counts.contradiction).toBe(0);
  });

  it('says how well it finds errors that it plants, with the model as it is', async () => {
    const { code, output } = await run('e', 'audit', '--self-test');
    expect(code).toBe(0);
    expect(output).toMatch(/Self-test: 5 % of the labels were made wrong \(the model was not trained on them/);
    const { selfTest } = document<AuditDocument>('e', 'audit.json');
    expect(selfTest?.kinds.map(({ kind, planted }) => [kind, planted])).toEqual([
      ['uniform', 3],
      ['confusable', 3],
    ]);
    expect(selfTest?.kinds[0].methods.map(({ method }) => method)).toContain('neighbours');
  });

  it('refuses labels of other data', async () => {
    const words = ['audit', '--model', at('model.onnx'), '--data', at('rows.npy'), '--labels', at('bad.npy')];
    const { code, errors } = await wherefore(...words, '--out', at('c'));
    expect(code).toBe(1);
    expect(errors).toMatch(/61|62/);
  });
});
