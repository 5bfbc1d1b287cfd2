import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { wherefore } from '../../test/command.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { encodeModel } from '../onnx/encode.ts';
import { float32 } from '../tensor/tensor.ts';

const root = mkdtempSync(join(tmpdir(), 'wherefore-tables-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

/** A folder with a model y = x · [1, 2, 3, …] of rows of so many numbers, and a table. */
function folderWith(width: number, csv: string): { model: string; csv: string; out: string } {
  const folder = mkdtempSync(join(root, `${++folders}-`));
  const b = new GraphBuilder();
  b.input('x', 'float32', ['N', width]);
  const weights = float32(
    [width, 1],
    Float32Array.from({ length: width }, (_, i) => i + 1),
  );
  b.op('MatMul', ['x', b.constant(weights)], {}, { outputs: ['y'] });
  b.output('y', 'float32', ['N', 1]);
  const model = join(folder, 'model.onnx');
  const opsets = new Map([['', 20]]);
  const graph = b.build();
  writeFileSync(
    model,
    encodeModel({ irVersion: 9, producer: 'test', opsets, graph, functions: [], metadata: new Map() }),
  );
  const table = join(folder, 'rows.csv');
  writeFileSync(table, csv);
  return { model, csv: table, out: join(folder, 'runs') };
}

interface Told {
  explanations: { input: { source: string; groups: { names: string[] } }; value: number; notes: string[] }[];
}

async function explain(source: string, { model, out }: { model: string; out: string }, ...words: string[]) {
  const result = await wherefore('explain', source, '--model', model, '--out', out, '--json', ...words);
  return { ...result, told: () => JSON.parse(result.output) as Told };
}

describe('a table without a description', () => {
  const people = 'age,job,answer\n30,cook,yes\n40,smith,no\n50,cook,yes\n';

  it('inspect --data describes it, and explain takes its rows', async () => {
    // age, two jobs: 3 numbers; the last column is the target.
    const files = folderWith(3, people);
    const inspected = await wherefore('inspect', files.model, '--data', files.csv);
    expect(inspected.errors).toBe('');
    expect(inspected.output).toMatch(/To be checked: the order of the features/);
    const yaml = readFileSync(join(files.model, '..', 'wherefore.yaml'), 'utf8');
    expect(yaml).toMatch(/- \{name: job, encode: onehot, categories: \[cook, smith\], unknown: zeros\}/);
    expect(yaml).toMatch(/# Concluded: "answer" is taken for what is predicted/);
    const { told } = await explain(files.csv, files, '--row', '1', '--baseline', 'zero');
    const [{ input, value }] = told().explanations;
    expect(input.source).toMatch(/rows\.csv#1$/);
    expect(input.groups.names).toEqual(['age', 'job']);
    // 40 · 1 + 0 · 2 + 1 · 3
    expect(value).toBe(43);
    const again = await wherefore('inspect', files.model, '--data', files.csv);
    expect(again.code).toBe(1);
    expect(again.errors).toMatch(/described already/);
  });

  it('columns of numbers that fit need no description', async () => {
    const files = folderWith(2, 'age,income,y\n30,1,0.5\n40,2,1.5\n');
    const { told } = await explain(`${files.csv}#0`, files);
    const [{ input, value, notes }] = told().explanations;
    expect(value).toBe(32);
    expect(input.groups.names).toEqual(['age', 'income']);
    expect(notes.join('\n')).toMatch(/no wherefore\.yaml describes the columns: .*: age, income/);
    expect(notes.join('\n')).toMatch(/"y" is taken for what is predicted/);
  });

  it('rows of such a table are a baseline', async () => {
    const files = folderWith(2, 'age,income,y\n30,1,0.5\n40,2,1.5\n');
    const { told, errors } = await explain(`${files.csv}#0`, files, '--baseline', `sample:${files.csv}#1`);
    expect(errors).toBe('');
    expect(told().explanations[0].value).toBe(32);
  });

  it('categories need one, and the error says how to get it', async () => {
    const files = folderWith(3, people);
    const { code, errors } = await explain(`${files.csv}#0`, files);
    expect(code).toBe(1);
    expect(errors).toMatch(/wherefore inspect model\.onnx --data rows\.csv/);
  });

  it('a first line of numbers is data', async () => {
    const files = folderWith(2, '30,1\n40,2\n');
    await wherefore('inspect', files.model, '--data', files.csv);
    const { told } = await explain(files.csv, files, '--row', '0');
    const [{ value, input }] = told().explanations;
    expect(value).toBe(32);
    expect(input.groups.names).toEqual(['column 1', 'column 2']);
  });
});
