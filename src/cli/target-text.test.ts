import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { handModel } from '../../test/attribution-models.ts';
import { loadModel } from '../data/model/load-model.ts';
import { preprocessingOf } from '../explain/preprocessing-of.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { encodeModel } from '../onnx/encode.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { parseTarget } from './target-text.ts';

const runtime = createNodeRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), 'wherefore-similar-'));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await runtime.close();
});

it('compares the output that is said to be an embedding, not the first one', async () => {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['batch', 2]);
  builder.op('Neg', ['x'], {}, { outputs: ['scores'] });
  builder.op('Abs', ['scores'], {}, { outputs: ['vector'] });
  for (const name of ['scores', 'vector']) builder.output(name, 'float32', ['batch', 2]);
  const path = join(folder, 'two.onnx');
  writeFileSync(path, encodeModel(handModel(runtime, builder.build()).source));
  writeFileSync(join(folder, 'wherefore.yaml'), 'outputs:\n  vector: { kind: embedding }\n');
  const model = await loadModel(path, { runtime });
  const preprocessing = preprocessingOf(model, {});
  expect(await parseTarget('similar:x=[[3,-4]]', model, preprocessing)).toMatchObject({
    kind: 'similarity',
    output: 'vector',
    to: [3, 4],
  });
  await expect(parseTarget('similar:', model, preprocessing)).rejects.toThrow(/nothing to compare with/);
  await model.close();
});
