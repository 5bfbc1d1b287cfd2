import { afterAll, expect, it } from 'vitest';
import { byteTokenizerPath, languageFixtures } from '../../../test/language/byte-tokenizer.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { openLanguageModel } from '../model/language-model.ts';
import { logitsAt } from '../model/run.ts';
import { taught } from './taught.ts';
import { layerWeights } from './taught-weights.ts';
import { traceable } from './traceable.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

it.each([
  ['int8', 2 * 7],
  ['gpt2', 6],
  ['llama-4bit', 7],
])('%s says the same without a mask, and its layers have the weights that it stands for', async (name, matrices) => {
  const language = await openLanguageModel(`${languageFixtures}/${name}`, { tokenizer: byteTokenizerPath, runtime });
  const open = await traceable(language);
  expect(open.model.graph.inputs.map((input) => input.name)).not.toContain('attention_mask');
  const ids = [1, 260, 69, 102, 261, 80];
  const [as, was] = [await logitsAt(open, ids), await logitsAt(language, ids)];
  for (const [i, value] of was.entries()) expect(as[i]).toBeCloseTo(value, 4);
  const { initializers } = open.model.graph;
  const weights = (await layerWeights(open)).map((one) => initializers.get(one)?.shape ?? []);
  // Those of attention and MLP in each layer; vectors of positions are a table, too.
  const ofLayers = weights.filter((shape) => shape.length === 2 && !shape.includes(64));
  expect(ofLayers).toHaveLength(matrices);
  await language.close();
});

it('texts are traced through a model of 8 bits', async () => {
  const language = await openLanguageModel(`${languageFixtures}/int8`, { tokenizer: byteTokenizerPath, runtime });
  const texts = ['the b a', 'c b the', 'a a c', 'b c b'];
  const { movers, against } = await taught(language, { prompt: 'the b', answer: ' a', texts });
  expect(movers[0].text).toBe('the b a');
  expect(movers.length + against.length).toBe(4);
  await language.close();
});
