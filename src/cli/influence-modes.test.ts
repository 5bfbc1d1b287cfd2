import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../test/command.ts';
import { clusters } from '../../test/influence/softmax-regression.ts';
import { writeTextClassifier } from '../../test/text-models.ts';
import { openDataset } from '../data/datasets/open-dataset.ts';
import { writeNpy } from '../data/formats/npy.ts';
import { loadPreprocessing } from '../data/model/preprocessing-file.ts';
import type { AuditDocument } from '../influence/audit/document.ts';
import type { InfluenceDocument } from '../influence/influence-document.ts';
import { smallGroups } from '../influence/redact.ts';
import { encodeModel } from '../onnx/encode.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { int64 } from '../tensor/tensor.ts';
import { linear, Network, train } from '../train/index.ts';

// Patients in two clusters, from a large clinic, a middle one, and two small ones; the last query lies far from all.
const folder = mkdtempSync(join(tmpdir(), 'influence-modes-'));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rows = clusters(80, 2, 2, 5, 0.7);
const clinicOf = (i: number) => (i < 50 ? 'North' : i < 75 ? 'South' : i < 78 ? 'Doe' : 'Roe');
const line = (i: number, x: readonly number[], y: number) => [`patient-${i}`, ...x, 'ab'[y], clinicOf(i)].join();

beforeAll(async () => {
  const lines = Array.from(rows.y, (y, i) => line(i, [rows.x.data[2 * i], rows.x.data[2 * i + 1]], y));
  // The first row has the other label; it is what an audit finds.
  lines[0] = lines[0].replace(/,([ab]),/, (_, label) => (label === 'a' ? ',b,' : ',a,'));
  writeFileSync(at('rows.csv'), `id,u,v,label,clinic\n${lines.join('\n')}\n`);
  const [u, v] = [rows.x.data[2], rows.x.data[3]];
  writeFileSync(at('query.csv'), `id,u,v,label,clinic\n${line(1, [u, v], rows.y[1])}\n${line(2, [-9, 9], 0)}\n`);
  const yaml = `inputs:
  x:
    kind: table
    columns: [{ name: u, encode: number }, { name: v, encode: number }]
labels: [a, b]
`;
  writeFileSync(at('wherefore.yaml'), yaml);
  const { preprocessing } = await loadPreprocessing(at('wherefore.yaml'));
  const samples = await openDataset(at('rows.csv'), { label: 'label', id: 'id', metadata: ['clinic'], preprocessing });
  const network = new Network({ seed: 1 });
  const model = network.build([linear(network, network.input('x', 'float32', ['N', 2]), 'logits', { features: 2 })]);
  const runtime = createNodeRuntime({ threads: 1 });
  const trained = await train({
    ...{ model, samples, seed: 1, epochs: 30, batchSize: 10, runtime },
    ...{ loss: { kind: 'cross-entropy' }, optimizer: { kind: 'sgd' } },
    schedule: { kind: 'constant', learningRate: 0.2 },
  });
  await runtime.close();
  writeFileSync(at('model.onnx'), encodeModel(trained.model));
}, 60_000);

const data = () => ['--data', at('rows.csv'), '--label', 'label', '--id', 'id', '--metadata', 'clinic'];
const common = () => ['--model', at('model.onnx'), ...data()];
const ask = (out: string, row: string, ...words: string[]) =>
  wherefore('influence', row, '--from', at('query.csv'), ...common(), '--out', at(out), ...words);

/** The one folder of a run, and a document in it. */
function made<T>(out: string, name: string): { folder: string; document: T; page: string } {
  const [run] = readdirSync(at(out));
  const read = (file: string) => readFileSync(join(at(out), run, file), 'utf8');
  return { folder: join(at(out), run), document: JSON.parse(read(name)) as T, page: read('index.html') };
}

describe('wherefore influence --plain', () => {
  it('says the answer first, and shows three examples at most; numbers wait behind a fold', async () => {
    const { code, output } = await ask('plain', '0', '--plain');
    expect(code).toBe(0);
    expect(output).toMatch(/^The model says [ab]\. It is /);
    expect(output).toMatch(/makes [ab] more likely/);
    const { page } = made<InfluenceDocument>('plain', 'influence.json');
    const shown = page.slice(page.indexOf('<main>'), page.indexOf('<details'));
    expect(shown.match(/<li>/g)?.length).toBeLessThanOrEqual(3);
    expect(shown).not.toMatch(/%|nats|log-probability/);
    expect(page).toMatch(/<summary>The numbers<\/summary>/);
  });

  it('says of a query far from all rows that few like it were seen', async () => {
    const { output } = await ask('rare', '1', '--plain');
    expect(output).toMatch(/has seen few examples like this one/);
    const { document, page } = made<InfluenceDocument>('rare', 'influence.json');
    expect(document.familiarity?.few).toBe(true);
    expect(page).toMatch(/has seen few examples like this one/);
  });
});

describe('texts', () => {
  it('shows the rows with most words in common beside the others', async () => {
    const place = at('texts');
    const model = await writeTextClassifier(place, {
      words: { good: [0, 2], fine: [0, 1], bad: [2, 0], film: [0, 0], plot: [0, 0] },
      classes: 2,
    });
    const texts = ['good film', 'fine film', 'bad film', 'bad plot', 'good plot', 'fine plot'];
    writeFileSync(join(place, 'rows.txt'), `${texts.join('\n')}\n`);
    const labels = texts.map((text) => Number(!text.includes('bad')));
    writeFileSync(join(place, 'labels.npy'), writeNpy(int64([texts.length], labels)));
    const words = ['--model', model, '--data', join(place, 'rows.txt'), '--labels', join(place, 'labels.npy')];
    const { code, output, errors } = await wherefore('influence', 'bad film', ...words, '--out', at('text-runs'));
    expect(errors).not.toMatch(/^error/m);
    expect(code).toBe(0);
    expect(output).toMatch(/Most words in common \(BM25\)/);
    const { document, page } = made<InfluenceDocument>('text-runs', 'influence.json');
    // Both words, then the rarer one; rows without a word in common are left out.
    expect(document.sameWords?.map(({ row }) => texts[row])).toEqual([
      'bad film',
      'bad plot',
      'good film',
      'fine film',
    ]);
    expect(page).toMatch(/Most words in common/);

    // Longer by a word: with [CLS] and [SEP] the longest has five tokens.
    writeFileSync(join(place, 'rows.txt'), `${texts.with(3, 'bad bad plot').join('\n')}\n`);
    const filled = await wherefore('influence', 'bad film', ...words, '--out', at('text-runs-1'));
    expect(filled.code).toBe(0);
    expect(filled.output).toMatch(/texts have 4 to 5 tokens: all are filled up to 5/);
    expect(filled.output).toMatch(/rows\.txt line 3 .*“bad bad plot”/);
    writeFileSync(
      join(dirname(model), 'wherefore.yaml'),
      'inputs:\n  input_ids: { kind: text, length: 5 }\n  attention_mask: { kind: text, part: mask }\n',
    );
    const read = await wherefore('influence', 'bad film', ...words, '--out', at('text-runs-2'));
    expect(read.errors).not.toMatch(/^error/m);
    expect(read.code).toBe(0);
  });
});

describe('--redact', () => {
  it('leaves sums over sources of an influence, and names no row anywhere', async () => {
    const { code, output } = await ask('held', '0', '--redact');
    expect(code).toBe(0);
    const { document, page } = made<InfluenceDocument>('held', 'influence.json');
    for (const text of [output, page, JSON.stringify(document)]) {
      expect(text).not.toMatch(/patient|Doe|Roe|rows\.csv row/);
      expect(text).toMatch(/North/);
    }
    // Three and two rows of the small clinics.
    expect(document.groups.find(({ value }) => value === smallGroups)).toMatchObject({ column: 'clinic', rows: 5 });
    expect(page).toMatch(/held back/);
    expect(output).toMatch(/held back/);
  });

  it('leaves counts by source of an audit', async () => {
    const { code, output } = await wherefore('audit', ...common(), '--redact', '--out', at('held-audit'));
    expect(code).toBe(0);
    const { document, page } = made<AuditDocument>('held-audit', 'audit.json');
    for (const text of [output, page, JSON.stringify(document)])
      expect(text).not.toMatch(/patient|Doe|Roe|rows\.csv row/);
    expect(document.redacted?.listed).toBeGreaterThan(0);
    const clinics = document.sources?.filter(({ column }) => column === 'clinic');
    expect(clinics?.map(({ value, rows: count }) => [value, count]).sort()).toEqual([
      ['North', 50],
      ['South', 25],
      [smallGroups, 5],
    ]);
    expect(output).toMatch(/By source/);
  });

  it.each<[string, string[], RegExp]>([['scores that do not add up', ['--method', 'grad-cos'], /do not add up/]])(
    'refuses %s',
    async (_, words, message) => {
      const { code, errors } = await ask('refused', '0', '--redact', ...words);
      expect(code).toBe(1);
      expect(errors).toMatch(message);
    },
  );
});

describe('wherefore replay', () => {
  const replayed = (out: string, name: string, ...words: string[]) =>
    wherefore('replay', join(made(out, name).folder, name), ...words);
  // What lies elsewhere than below this folder or that of the document is named.
  const files = (of: string = folder) =>
    ['model=model.onnx', 'data=rows.csv', 'from=query.csv'].flatMap((file) => ['--file', file.replace('=', `=${of}/`)]);

  it('asks an influence again, and finds the same', async () => {
    await ask('first', '0');
    const { code, output } = await replayed('first', 'influence.json', ...files());
    expect(output).toMatch(/for .*query\.csv/);
    expect(output).toMatch(/^identical$/m);
    expect(output).toMatch(/not checked: when and by which command/);
    expect(code).toBe(0);
  });

  it('makes an audit again, and finds the same', async () => {
    await wherefore('audit', ...common(), '--out', at('audited'));
    const { code, output } = await replayed('audited', 'audit.json', ...files().slice(0, 4));
    expect(output).toMatch(/^identical$/m);
    expect(code).toBe(0);
  });

  it('compares what is held back by its sums, and says so', async () => {
    const { code, output } = await replayed('held', 'influence.json', ...files());
    expect(output).toMatch(/not checked: which rows it was/);
    expect(code).toBe(0);
  });

  it('finds what was edited: a score, and a row', async () => {
    const { folder: run, document } = made<InfluenceDocument>('first', 'influence.json');
    const [first, second, ...rest] = document.all.proponents;
    const edited = {
      ...document,
      all: {
        ...document.all,
        proponents: [{ ...first, score: first.score * 1.5 }, { ...second, id: 'patient-x' }, ...rest],
      },
    };
    writeFileSync(join(run, 'edited.json'), JSON.stringify(edited));
    const { code, output, errors } = await wherefore('replay', join(run, 'edited.json'), ...files());
    expect(code).toBe(1);
    expect(output).toMatch(/differs: all\.proponents\[0\]/);
    expect(output).toMatch(/differs: all\.proponents\[1\]/);
    expect(errors).toMatch(/not what the document says/);
  });

  it('refuses other rows and another model before it computes', async () => {
    mkdirSync(at('other'));
    for (const name of ['model.onnx', 'query.csv', 'wherefore.yaml']) cpSync(at(name), at(`other/${name}`));
    writeFileSync(
      at('other/rows.csv'),
      readFileSync(at('rows.csv'), 'utf8').replace(/\npatient-1,[^,]*/, '\npatient-1,0'),
    );
    const { code, errors } = await replayed('first', 'influence.json', ...files(at('other')));
    expect(code).toBe(1);
    expect(errors).toMatch(/not the rows that were read then/);
    const missing = await replayed('first', 'influence.json', '--file', `model=${at('model.onnx')}`);
    expect(missing.code).toBe(1);
    expect(missing.errors).toMatch(/--file (data|from)=PATH/);
    const unnamed = await replayed('first', 'influence.json', '--file', 'rows.csv');
    expect(unnamed.errors).toMatch(/OPTION=PATH/);
  });
});
