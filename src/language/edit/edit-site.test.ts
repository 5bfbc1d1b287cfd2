import { afterAll, expect, it } from 'vitest';
import { byteTokenizerPath, languageFixtures } from '../../../test/language/byte-tokenizer.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { producersOf } from '../../onnx/graph.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { type LanguageModel, openLanguageModel } from '../model/language-model.ts';
import { logitsAt } from '../model/run.ts';
import { editSite } from './edit-site.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** The product behind a value as PyTorch exports that of GPT-2: rows flat, and a Gemm. */
function withFlatRows(language: LanguageModel, product: string, inner: number, width: number): LanguageModel {
  const { graph } = language.model;
  const builder = new GraphBuilder({ ...graph, nodes: [], values: new Map() }, { prefix: 'flat/' });
  for (const node of graph.nodes) {
    if (node.outputs[0] !== product) {
      builder.append(node);
      continue;
    }
    const [key, weight] = node.inputs;
    const rows = builder.op('Reshape', [key, builder.ints([-1, inner])]);
    const size = builder.op('Concat', [builder.op('Shape', [key], { start: 0, end: 2 }), builder.ints([width])], {
      axis: 0,
    });
    builder.op('Reshape', [builder.op('Gemm', [rows, weight]), size], {}, { outputs: [product] });
  }
  return { ...language, model: { ...language.model, graph: builder.build() } };
}

it('is the same where rows are made flat for a Gemm', async () => {
  const language = await openLanguageModel(`${languageFixtures}/gpt2`, { tokenizer: byteTokenizerPath, runtime });
  const site = await editSite(language, 0);
  const producers = producersOf(language.model.graph);
  const last = producers.get(site.value);
  const product = last?.inputs.map((name) => producers.get(name)).find((one) => one?.op === 'MatMul');
  const flat = withFlatRows(language, product?.outputs[0] as string, 48, 32);
  const ids = [1, 260, 69, 102];
  const [as, was] = [await logitsAt(flat, ids), await logitsAt(language, ids)];
  for (const [i, value] of was.entries()) expect(as[i]).toBeCloseTo(value, 4);
  expect(await editSite(flat, 0)).toEqual(site);
  await language.close();
});
