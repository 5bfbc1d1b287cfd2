import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltCommand, buildCommand } from '../../test/built-command.ts';
import { wherefore } from '../../test/command.ts';
import { clusters } from '../../test/influence/softmax-regression.ts';
import { openDataset } from '../data/datasets/open-dataset.ts';
import { formatDecisions } from '../influence/decisions.ts';
import type { RetrainDocument } from '../influence/retraining/retrain-document.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { linear, Network, train, trainingFiles } from '../train/index.ts';

// Two clusters of 40 rows as a table; the first ten rows of class b are labelled a.
const root = mkdtempSync(join(tmpdir(), 'wherefore-retrain-'));
const at = (name: string) => join(root, name);
const wrong = Array.from({ length: 10 }, (_, i) => `r${2 * i + 1}`);
const runtime = createNodeRuntime({ threads: 1 });
let command: BuiltCommand;

function writeRows(name: string, seed: number, flipped: readonly string[]): void {
  const { x, y } = clusters(80, 2, 2, seed, 0.7);
  const lines = Array.from(y, (k, i) => {
    const label = flipped.includes(`r${i}`) ? 1 - k : k;
    return [`r${i}`, x.data[2 * i], x.data[2 * i + 1], 'ab'[label]].join();
  });
  writeFileSync(at(name), `id,u,v,label\n${lines.join('\n')}\n`);
}

beforeAll(async () => {
  command = buildCommand();
  writeRows('rows.csv', 5, wrong);
  writeRows('test.csv', 6, []);
  writeFileSync(at('wrong.txt'), wrong.join('\n'));
  mkdirSync(at('trained'));
  const yaml = [
    'inputs:',
    '  x:',
    '    kind: table',
    '    columns: [{ name: u, encode: number }, { name: v, encode: number }]',
    'labels: [a, b]',
  ];
  writeFileSync(at('trained/wherefore.yaml'), `${yaml.join('\n')}\n`);
  const network = new Network({ seed: 1 });
  const x = network.input('x', 'float32', ['N', 2]);
  const model = network.build([linear(network, x, 'logits', { features: 2 })]);
  const { loadPreprocessing } = await import('../data/model/preprocessing-file.ts');
  const { preprocessing } = await loadPreprocessing(at('trained/wherefore.yaml'));
  const data = await openDataset(at('rows.csv'), { label: 'label', id: 'id', preprocessing, classes: ['a', 'b'] });
  const options = {
    ...{ model, samples: data, seed: 1, epochs: 30, batchSize: 10, runtime },
    loss: { kind: 'cross-entropy' },
    optimizer: { kind: 'sgd' },
    schedule: { kind: 'constant', learningRate: 0.2 },
  } as const;
  const files = await trainingFiles(options, await train(options), { ids: await data.ids([...Array(80).keys()]) });
  for (const [name, bytes] of files) writeFileSync(at(`trained/${name}`), bytes);
}, 120_000);

const children: ChildProcess[] = [];
afterAll(async () => {
  await runtime.close();
  for (const child of children) child.kill('SIGKILL');
  command.remove();
  rmSync(root, { recursive: true, force: true });
});

const rows = () => ['--data', at('rows.csv'), '--label', 'label', '--id', 'id'];
const recipe = () => ['--model', at('trained/model.onnx'), ...rows(), '--held-out', at('test.csv')];

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

function ended(child: ChildProcess): Promise<Ended> {
  children.push(child);
  let [out, errors] = ['', ''];
  child.stdout?.on('data', (text) => (out += text));
  child.stderr?.on('data', (text) => (errors += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, errors })));
}

const run = (out: string, ...words: string[]) => ended(command.start(['retrain', ...words, '--out', at(out)]));

function documentOf(out: string): RetrainDocument {
  const [made] = readdirSync(at(out));
  expect(existsSync(join(at(out), made, 'index.html'))).toBe(true);
  return JSON.parse(readFileSync(join(at(out), made, 'retrain.json'), 'utf8')) as RetrainDocument;
}

describe('wherefore retrain', () => {
  it('measures that leaving out wrong labels helps, and goes on with the same bits after a kill', async () => {
    const words = ['--without', at('wrong.txt')];
    const { code, out, errors } = await run('whole', ...recipe(), ...words);
    expect(errors).toMatch(/15 trainings, 30 epochs each/);
    expect(errors).not.toMatch(/error/);
    expect(code).toBe(0);
    expect(out).toMatch(/^Without these 10 rows: .*The change helps/);
    const whole = documentOf('whole');
    expect(whole.measured.map(({ title }) => title)).toEqual(['mean log-probability of the label', 'accuracy']);
    expect(whole.measured[0].verdict).toBe('helps');
    expect(whole.classes.map(({ class: name, rows }) => [name, rows])).toEqual([
      ['a', 40],
      ['b', 40],
    ]);

    const killed = command.start(['retrain', ...recipe(), ...words, '--out', at('killed')], true);
    const end = ended(killed);
    killed.stderr?.on('data', (text: Buffer) => {
      if (/\d+ of 15 trainings/.test(String(text))) process.kill(-(killed.pid as number), 'SIGKILL');
    });
    await end;
    expect((await run('killed', ...recipe(), ...words)).code).toBe(0);
    const { command: _, ...again } = documentOf('killed');
    const { command: __, ...once } = whole;
    expect(again).toEqual(once);
  }, 120_000);

  it('reads decisions, holds out a fifth of the rows, and leaves the others of a seed as they were', async () => {
    const when = '2026-01-01T00:00:00Z';
    const decisions = wrong.map((id) => ({ id, action: 'relabel', label: 'b', when }) as const);
    writeFileSync(at('decisions.jsonl'), formatDecisions([...decisions, { id: 'r0', action: 'drop', when }]));
    const words = [
      '--model',
      at('trained/model.onnx'),
      ...rows(),
      '--decisions',
      at('decisions.jsonl'),
      '--seeds',
      '3',
    ];
    const { code, out } = await run('decided', ...words);
    expect(code).toBe(0);
    expect(out).toMatch(/With the decisions \(10 relabelled, 1 dropped\)/);
    const { measuredOn, change, notes } = documentOf('decided');
    expect(measuredOn).toEqual({ name: 'rows.csv', rows: 16, fromTraining: true });
    expect(change).toMatchObject({ dropped: 1, relabelled: 10 });
    expect(notes.join()).toMatch(/no --held-out/);
  }, 60_000);

  it('leaves out row by row by a command of the user', async () => {
    // A nearest mean by a shell's own means would be long: the share of rows labelled b, which every row changes alike.
    writeFileSync(at('train.mjs'), trainer);
    const train = `node ${at('train.mjs')} {data}`;
    const { code, out } = await run('each', ...rows(), '--train', train, '--without', 'r0,r1,r3', '--each');
    expect(code).toBe(0);
    expect(out).toMatch(/3 rows were left out one at a time/);
    // 50 of 80 rows are labelled a: without r0 (a) the share is 49/79, with it 50/80.
    const { leftOut, trainings } = documentOf('each');
    expect(trainings).toBe(4);
    expect(leftOut.map(({ effect }) => effect.mean)).toEqual([50 / 80 - 49 / 79, 50 / 80 - 49 / 79, 50 / 80 - 49 / 79]);
  }, 60_000);
});

const trainer = `import { readFileSync } from 'node:fs';
const [head, ...lines] = readFileSync(process.argv[2], 'utf8').trim().split('\\n');
if (head !== 'id,u,v,label') process.exit(3);
if (lines.some((line) => !line.split(',').slice(1, 3).every((cell) => Number.isFinite(Number(cell))))) process.exit(4);
console.log('trained');
console.log(lines.filter((line) => line.endsWith('a')).length / lines.length);
`;

it('wherefore audit --self-test trains on the errors that it plants, where the model has a manifest', async () => {
  const words = ['--model', at('trained/model.onnx'), ...rows(), '--self-test', '--out', at('tested')];
  const { code, output } = await wherefore('audit', ...words);
  expect(code).toBe(0);
  expect(output).toMatch(/the model was trained again on them/);
});

describe('wherefore retrain refuses, each with one message before it trains,', () => {
  const refuse = async (words: readonly string[]) => {
    const { code, errors, output } = await wherefore('retrain', ...words, '--out', at('refused'));
    expect(code).toBe(1);
    expect(errors.trim().split('\n')).toHaveLength(1);
    expect(errors + output).not.toMatch(/\d trainings/);
    return errors;
  };
  const when = '2026-01-01T00:00:00Z';
  const cases: readonly [string, () => readonly string[], RegExp][] = [
    ['no change', () => recipe(), /what is to be changed/],
    ['two changes', () => [...recipe(), '--without', 'r0', '--only', 'r1'], /one change at a time/],
    ['--each with other changes', () => [...recipe(), '--only', 'r1', '--each'], /--each leaves out rows/],
    ['no way to train', () => [...rows(), '--without', 'r0'], /not known how to train/],
    ['two ways', () => [...rows(), '--train', 'x {rows}', '--training', root, '--without', 'r0'], /two ways to train/],
    ['no manifest', () => [...rows(), '--training', root, '--without', 'r0'], /model|training\.json/],
    ['unknown rows', () => [...recipe(), '--without', 'r0,q1'], /no such rows: 1 of 2.*q1/],
    [
      'other rows',
      () => ['--model', at('trained/model.onnx'), '--data', at('test.csv'), '--label', 'label', '--without', 'r0'],
      /rows of another training/,
    ],
    ['one seed', () => [...recipe(), '--without', 'r0', '--seeds', '1'], /one seed says nothing/],
    ['a command without rows', () => [...rows(), '--train', 'true', '--without', 'r0'], /not told which rows/],
    ['an unknown placeholder', () => [...rows(), '--train', 'x {rows} {file}', '--without', 'r0'], /\{file\}/],
    ['--evaluate without --train', () => [...recipe(), '--evaluate', 'x', '--without', 'r0'], /belong to --train/],
    ['a query of no data', () => [...recipe().slice(0, -2), '--query', '3', '--without', 'r0'], /--query names rows/],
    [
      'everything left out',
      () => [...recipe(), '--without', Array.from({ length: 80 }, (_, i) => `r${i}`).join()],
      /no row is left/,
    ],
    ['labels that are no classes', () => [...recipe(), '--relabel', at('labels.csv')], /class that there is not.*cat/],
    ['a relabelling that changes nothing', () => [...recipe(), '--relabel', at('same.csv')], /nothing is changed/],
    [
      'decisions about other rows',
      () => [...recipe(), '--decisions', at('other.jsonl')],
      /rows that the data do not have: 1/,
    ],
    [
      'decisions against each other',
      () => [...recipe(), '--decisions', at('against.jsonl')],
      /two people decided differently.*ann: drop; bob: keep/,
    ],
    ['decisions that are none', () => [...recipe(), '--decisions', at('rows.csv')], /rows\.csv:1/],
  ];

  it.each(cases)('%s', async (_, words, message) => {
    writeFileSync(at('labels.csv'), 'r0,cat\n');
    writeFileSync(at('same.csv'), 'r0,a\n');
    writeFileSync(at('other.jsonl'), formatDecisions([{ id: 'q1', action: 'drop', when }]));
    const against = [
      { id: 'r0', action: 'drop', when, who: 'ann' },
      { id: 'r0', action: 'keep', when, who: 'bob' },
    ] as const;
    writeFileSync(at('against.jsonl'), formatDecisions(against));
    expect(await refuse(words())).toMatch(message);
  });
});
