import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltCommand, buildCommand } from '../../test/built-command.ts';
import { type Ran, wherefore } from '../../test/command.ts';
import { writeTrainedTable } from '../../test/influence/trained-table.ts';
import type { CalibrationDocument } from '../influence/calibration/calibration-document.ts';
import type { InfluenceDocument } from '../influence/influence-document.ts';

const root = mkdtempSync(join(tmpdir(), 'wherefore-calibrate-'));
const at = (name: string) => join(root, name);
let command: BuiltCommand;
beforeAll(async () => {
  command = await buildCommand();
  await writeTrainedTable(root);
}, 120_000);
afterAll(() => {
  command.remove();
  rmSync(root, { recursive: true, force: true });
});

/** In processes of its own: a pool trains. */
function run(words: readonly string[]): Promise<Ran> {
  const child = command.start(words);
  let [output, errors] = ['', ''];
  child.stdout?.on('data', (text) => (output += text));
  child.stderr?.on('data', (text) => (errors += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code: code ?? -1, output, errors })));
}

const rows = () => ['--data', at('rows.csv'), '--label', 'label', '--id', 'id'];
const asked = () => ['influence', '3', '--from', at('test.csv'), '--model', at('trained/model.onnx'), ...rows()];
const calibrating = ['--calibrate', '--removals', '12', '--retrainings', '2'];

function read<T>(out: string, begins: RegExp, name: string): T {
  const made = readdirSync(at(out)).find((folder) => begins.test(folder)) as string;
  return JSON.parse(readFileSync(join(at(out), made, name), 'utf8')) as T;
}
const pageOf = (out: string) => {
  const made = readdirSync(at(out)).find((folder) => folder.includes('-influence-')) as string;
  return readFileSync(join(at(out), made, 'index.html'), 'utf8');
};
const influence = (out: string) => read<InfluenceDocument>(out, /-influence-/, 'influence.json');
const record = (out: string) => read<CalibrationDocument>(out, /^calibration-/, 'calibration.json');

const trainer = `import { readFileSync } from 'node:fs';
const [, , data, seed] = process.argv;
const rows = readFileSync(data, 'utf8').trim().split('\\n').slice(1).map((line) => line.split(','));
const ofB = rows.filter((row) => row[3] === 'b').map((row) => Number(row[1]));
console.log(ofB.reduce((sum, u) => sum + u, 0) / ofB.length + Number(seed));
`;

describe('wherefore influence --calibrate', () => {
  it('measures how large effects are, shows changes in nats, and is used by later queries', async () => {
    const first = await run([...asked(), ...calibrating, '--out', at('a')]);
    expect(first.errors).toMatch(
      /calibration: 26 trainings \(12 sets of rows left out, and none, for each of 2 seeds; 16 queries/,
    );
    expect(first.errors).not.toMatch(/error/);
    expect(first.code).toBe(0);
    const { slope, r2, points, trainings, seeds, removals } = record('a');
    // 12 removals, each seen by 16 queries; two seeds of one on all rows and one without each removal.
    expect([points.length, trainings, seeds.length, removals.length]).toEqual([192, 26, 2, 12]);
    // A softmax regression near its optimum: effects of single rows are known to first order.
    expect(slope.mean).toBeGreaterThan(0.3);
    expect(slope.mean).toBeLessThan(2);
    expect(r2).toBeGreaterThan(0.8);
    const { whatIfs, calibration, notes } = influence('a');
    expect(calibration?.key).toBe(record('a').key);
    const single = whatIfs.find(({ action, rows: count }) => action === 'remove' && count === 1);
    expect(single?.effect?.mean).toBeCloseTo(slope.mean * (single?.predicted ?? 0), 12);
    expect(whatIfs.map(({ action }) => action)).toContain('relabel');
    expect(first.output).toMatch(/What if, the largest rise of f first\n.*nats \[/);
    expect(notes.join()).toMatch(/calibrated: measured changes were/);

    const page = pageOf('a');
    expect(page).toMatch(/<h2>Calibration<\/h2>[\s\S]*predicted against measured changes, 192 points/);
    expect(page).not.toMatch(/chip uncalibrated/);

    const later = await wherefore(...asked().with(1, '7'), '--out', at('a'), '--json');
    expect((JSON.parse(later.output) as InfluenceDocument).calibration?.key).toBe(record('a').key);
  }, 60_000);

  it('measures a gap between slices, for these slices alone', async () => {
    const gap = [
      'influence',
      '--gap',
      'label=b',
      '--from',
      at('test.csv'),
      '--model',
      at('trained/model.onnx'),
      ...rows(),
    ];
    const { output, errors, code } = await run([...gap, ...calibrating, '--out', at('gap')]);
    expect(errors).not.toMatch(/^error/m);
    expect(code).toBe(0);
    expect(output).toMatch(/What if, what narrows the gap most first\n.*nats \[/);
    const { queries, measured, points, slope } = record('gap');
    expect([queries.length, points.length]).toEqual([1, 12]);
    expect(measured.title).toMatch(/less that where/);
    // Near the optimum of a convex model scores are right to first order.
    expect(slope.mean).toBeGreaterThan(0.3);
    expect(slope.mean).toBeLessThan(2);
    const other = await wherefore(...asked(), '--out', at('gap'), '--json');
    expect((JSON.parse(other.output) as InfluenceDocument).calibration).toBeUndefined();
  }, 60_000);

  it.skipIf(!process.env.WHEREFORE_FULL)(
    'is the same after a kill, and after a change of nothing',
    async () => {
      const words = [...asked(), ...calibrating, '--out', at('killed')];
      const child = command.start(words, true);
      const ended = new Promise((resolve) => child.on('close', resolve));
      child.stderr?.on('data', (text: Buffer) => {
        if (/\d+ of 26 trainings/.test(String(text))) process.kill(-(child.pid as number), 'SIGKILL');
      });
      await ended;
      expect((await run(words)).code).toBe(0);
      const { command: _, ...again } = record('killed');
      const { command: __, ...once } = record('a');
      expect(again).toEqual(once);
    },
    60_000,
  );

  it('says which rows to add, and gives ranks alone without a record', async () => {
    const words = ['--add', at('test.csv'), '--out', at('b'), '--json'];
    const { output, code } = await wherefore(...asked(), ...words);
    expect(code).toBe(0);
    const { whatIfs, calibration } = JSON.parse(output) as InfluenceDocument;
    expect(calibration).toBeUndefined();
    expect(whatIfs.filter(({ action }) => action === 'add')).toHaveLength(5);
    expect(whatIfs.every(({ effect, unknown }) => effect === undefined && unknown === 'uncalibrated')).toBe(true);
    expect(whatIfs.map(({ rank }) => rank)).toEqual(whatIfs.map((_, i) => i + 1));
    expect(pageOf('b')).toMatch(/What if <span class="chip uncalibrated">uncalibrated/);
  });

  it('trains and measures by a command that takes a seed', async () => {
    writeFileSync(at('train.mjs'), trainer);
    const words = ['--calibrate', '--removals', '10', '--retrainings', '2', '--out', at('command')];
    const { code, errors } = await run([...asked(), ...words, '--train', `node ${at('train.mjs')} {data} {seed}`]);
    expect(errors).not.toMatch(/error/);
    expect(code).toBe(0);
    const { measured, queries, points, notes } = record('command');
    expect(measured.title).toBe('what the command measured');
    expect([queries.length, points.length]).toEqual([1, 10]);
    expect(notes.join()).toMatch(/measured on one query/);
    // The mean of u of the rows of class b, with a seed that changes nothing of a difference.
    expect(points.every((point) => Number.isFinite(point.measured))).toBe(true);
    expect(new Set(points.map((point) => point.measured)).size).toBeGreaterThan(5);
  }, 60_000);

  it.each<[string, string[], RegExp]>([
    ['options of a calibration without one', ['--removals', '20'], /--removals belongs to --calibrate/],
    ['too few removals', ['--calibrate', '--removals', '3'], /at least 10/],
    ['one seed', ['--calibrate', '--retrainings', '1'], /one seed says nothing/],
    ['a command without a seed', ['--calibrate', '--train', 'node x {rows}'], /takes no \{seed\}/],
    ['scores that may not be added up', ['--calibrate', '--method', 'grad-cos'], /may not be added up/],
    ['a model of unknown training', ['--calibrate', '--training', root], /not known how the model was trained/],
    ['a file that is no record', ['--calibration', 'package.json'], /not a calibration record/],
  ])('refuses %s with one message', async (_, words, message) => {
    const { code, errors } = await wherefore(...asked(), ...words, '--out', at('refused'));
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });

  it('refuses the record of another method', async () => {
    const made = readdirSync(at('a')).find((folder) => folder.startsWith('calibration-')) as string;
    const words = ['--calibration', join(at('a'), made, 'calibration.json'), '--method', 'grad-dot'];
    const { code, errors } = await wherefore(...asked(), ...words, '--out', at('refused'));
    expect(code).toBe(1);
    expect(errors).toMatch(/calibration is of other scores/);
  });
});
