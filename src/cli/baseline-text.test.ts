import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sharedData } from '../../test/shared-data.ts';
import { loadModel } from '../data/load-model.ts';
import type { ModelInput } from '../data/model-input.ts';
import { preprocessingOf } from '../report/explain.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { parseBaseline } from './baseline-text.ts';

const runtime = createNodeRuntime({ threads: 1 });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherefore-baseline-'));
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

const [model, tokenizer] = ['stories260k.onnx', 'tokenizer.json'].map((name) => sharedData(`stories260k/${name}`));

it.skipIf(!model || !tokenizer)('a numbered token leaves the mark of the beginning where it is', async () => {
  await copyFile(tokenizer as string, join(folder, 'tokenizer.json'));
  const yaml = join(folder, 'wherefore.yaml');
  await writeFile(yaml, 'task: language\ninputs:\n  input_ids: { kind: text, tokenizer: tokenizer.json }\n');
  const loaded = await loadModel(model as string, { runtime, preprocessing: yaml });
  const read = await parseBaseline('tokens:3', loaded, preprocessingOf(loaded, {}));
  // <unk>, <s> and </s>.
  expect(read({} as ModelInput)).toMatchObject({ kind: 'tokens', id: 3, keep: [0, 1, 2] });
  await loaded.close();
});

it('a file of several inputs is not one baseline', async () => {
  const table = join(folder, 'rows.csv');
  await writeFile(table, 'a,b,c\n1,2,3\n4,5,6\n7,8,9\n');
  const yaml = join(folder, 'table.yaml');
  const columns = ['a', 'b', 'c'].map((name) => `      - { name: ${name}, encode: number }`).join('\n');
  await writeFile(yaml, `inputs:\n  row:\n    kind: table\n    columns:\n${columns}\n`);
  const tree = new URL('../../test/fixtures/command-line/tree.onnx', import.meta.url).pathname;
  const loaded = await loadModel(tree, { runtime, preprocessing: yaml });
  const preprocessing = preprocessingOf(loaded, {});
  await expect(parseBaseline(`${table}#0,2`, loaded, preprocessing)).rejects.toThrow(
    /one input to compare with \(got 2 inputs.*sample:.*rows\.csv#0,2/,
  );
  await loaded.close();
});
