import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltCommand, buildCommand } from '../../test/built-command.ts';
import { wherefore } from '../../test/command.ts';
import { writeTrainedTable, wrongRows } from '../../test/influence/trained-table.ts';
import { hasRedis, startRedis } from '../../test/redis-server.ts';
import { openDataset } from '../data/datasets/open-dataset.ts';
import { loadPreprocessing } from '../data/model/preprocessing-file.ts';
import { formatDecisions } from '../influence/decisions.ts';
import type { RetrainDocument } from '../influence/retraining/retrain-document.ts';
import { decodeModel } from '../onnx/decode.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { openRowLosses, readParameters, trainableParameters } from '../train/index.ts';

const root = mkdtempSync(join(tmpdir(), 'wherefore-retrain-'));
const at = (name: string) => join(root, name);
let command: BuiltCommand;

beforeAll(async () => {
  command = await buildCommand();
  await writeTrainedTable(root);
  writeFileSync(at('wrong.txt'), wrongRows.join('\n'));
}, 120_000);

const children: ChildProcess[] = [];
afterAll(() => {
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

    // The model that is left is the one that was measured.
    const [folder] = readdirSync(at('whole'));
    const changed = decodeModel(readFileSync(join(at('whole'), folder, whole.model as string)));
    const { preprocessing } = await loadPreprocessing(join(at('whole'), folder, 'wherefore.yaml'));
    const samples = await openDataset(at('test.csv'), { label: 'label', id: 'id', classes: ['a', 'b'], preprocessing });
    const runtime = createNodeRuntime({ threads: 1 });
    const losses = await openRowLosses({ model: changed, loss: { kind: 'cross-entropy' }, runtime, samples });
    const { losses: found } = await losses.at(readParameters(changed, trainableParameters(changed)));
    await runtime.close();
    const mean = found.reduce((sum, loss) => sum - loss / 80, 0);
    expect(mean).toBeCloseTo(whole.measured[0].values.changed[0], 6);

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
    const decisions = wrongRows.map((id) => ({ id, action: 'relabel', label: 'b', when }) as const);
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

describe('wherefore retrain on groups', () => {
  it('leaves out one class at a time', async () => {
    const { code, out } = await run('groups', ...recipe(), '--each-group', 'class', '--seeds', '2');
    expect(code).toBe(0);
    expect(out).toMatch(/With the group, less without it, mean log-probability of the label, nats\n {2}class [ab] /);
    const { groups, trainings, leftOut } = documentOf('groups');
    expect([trainings, groups?.how, leftOut.length]).toEqual([6, 'without', 0]);
    // Without a whole class its held-out rows are lost: a harm of more than a nat on the mean of both.
    for (const { effect } of groups?.effects ?? []) expect(effect.mean).toBeGreaterThan(0.5);
  }, 60_000);

  it('shares out f among them by Shapley: with the training on no rows they add up', async () => {
    const words = ['--shapley', 'class', '--seeds', '2', '--json'];
    const { code, out } = await run('shapley', ...recipe(), ...words);
    expect(code).toBe(0);
    const { groups, trainings } = JSON.parse(out) as RetrainDocument;
    expect([trainings, groups?.how]).toEqual([8, 'shapley']);
    expect(groups?.effects.map(({ value }) => value).sort()).toEqual(['a', 'b']);
  }, 60_000);

  it.each<[string, string[], RegExp]>([
    ['two questions', ['--each-group', 'class', '--each'], /one question at a time/],
    ['a column that is not there', ['--each-group', 'source'], /no column "source"/],
    ['a column that names every row', ['--shapley', 'u'], /too many groups/],
  ])('refuses %s', async (_, words, message) => {
    const { code, errors } = await wherefore('retrain', ...recipe(), ...words, '--out', at('refused'));
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });
});

describe.skipIf(!hasRedis || !process.env.WHEREFORE_FULL)('wherefore retrain on a queue', () => {
  it('finds by three workers what a pool finds, and when one of them is killed (in full mode: its shard is waited for)', async () => {
    const redis = await startRedis();
    try {
      const workers = [1, 2, 3].map(() => command.start(['worker', redis.url]));
      const told = workers.map(ended);
      const words = [...recipe(), '--without', wrongRows.join()];
      const over = run('queued', ...words, '--queue', redis.url);
      const records = () =>
        existsSync(at('queued'))
          ? readdirSync(at('queued'), { recursive: true, encoding: 'utf8' }).filter((name) => /\d\.json$/.test(name))
          : [];
      while (records().length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
      if (process.env.WHEREFORE_FULL) workers[0].kill('SIGKILL');
      expect((await over).code).toBe(0);
      for (const worker of workers) worker.kill('SIGTERM');
      await Promise.all(told);
      expect((await run('pooled', ...words)).code).toBe(0);
      const [{ command: _, ...queued }, { command: __, ...pooled }] = [documentOf('queued'), documentOf('pooled')];
      expect(queued).toEqual(pooled);
    } finally {
      redis.remove();
    }
  }, 120_000);
});
