import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Target } from '../../src/attribution/targets/kinds/index.ts';
import { readTokenizer } from '../../src/data/inputs/tokenizer-file.ts';
import { loadModel } from '../../src/data/model/load-model.ts';
import type { Model } from '../../src/runtime/model.ts';
import type { Runtime, Tensors } from '../../src/runtime/runtime.ts';
import { toNumbers } from '../../src/tensor/convert.ts';
import { int64, type Tensor } from '../../src/tensor/tensor.ts';
import { parts, type Subject } from './question.ts';

const story =
  'Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. She wanted to play with it, but it was too high. Lily asked her mom';
/** Tokens of one question; all have the same number, so that one graph serves them all. */
const length = 24;
const questions = 16;

/** A language model of the shared data, where that is present: which tokens make it say the next one? */
export async function storySubject(data: string, runtime: Runtime): Promise<Subject | undefined> {
  const folder = join(data, 'stories260k');
  if (!existsSync(folder)) return undefined;
  const model = await loadModel(join(folder, 'stories260k.onnx'), { runtime });
  const { ids } = (await readTokenizer(join(folder, 'tokenizer.json'))).encode(story);
  const [start, ...words] = ids;
  const inputs = Array.from(
    { length: questions },
    (_, i): Tensors =>
      new Map([
        ['input_ids', int64([1, length], [start, ...words.slice(2 * i, 2 * i + length - 1)])],
        ['attention_mask', int64([1, length], new BigInt64Array(length).fill(1n))],
      ]),
  );
  const at = (title: string, name: string) => ({
    title,
    name,
    groups: () => parts(name, [1, length, 64], 1),
  });
  return {
    title: 'A language model',
    description: `Five layers, 260,000 parameters. ${questions} parts of a story, ${length} tokens each; the logarithm of the probability of the most probable next token, unknown tokens as the baseline. The input is the embedding, the layers are what goes on from block to block. Methods that perturb hide nine parts of neighbouring tokens.`,
    model,
    input: 'input_ids',
    inputs,
    layout: {},
    targets: await continuations(model, inputs),
    baseline: { kind: 'tokens', id: 0 },
    layers: [
      at('embedding', 'embedding'),
      at('block 1', 'add_386'),
      at('block 3', 'add_958'),
      at('block 5', 'add_1530'),
    ],
    perturbs: true,
    costly: 8,
  };
}

/** The token that the model finds most probable after each beginning. */
async function continuations(model: Model, inputs: readonly Tensors[]): Promise<Target[]> {
  const targets: Target[] = [];
  for (const feeds of inputs) {
    const logits = (await model.executor.run(model.graph, feeds, ['logits'])).get('logits') as Tensor;
    const last = toNumbers(logits).slice(-logits.shape[2]);
    targets.push({ kind: 'tokenLogProbability', position: -1, id: last.indexOf(Math.max(...last)) });
  }
  return targets;
}
