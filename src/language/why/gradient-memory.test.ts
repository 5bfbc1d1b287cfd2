import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byteTokenizerPath, languageFixtures } from '../../../test/language/byte-tokenizer.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32 } from '../../tensor/tensor.ts';
import { type LanguageModel, openLanguageModel } from '../model/language-model.ts';
import { openEmbeddingProgram } from './embedding-program.ts';
import { gradientFit } from './gradient-memory.ts';
import { questionOf } from './question.ts';

const runtime = createNodeRuntime({ threads: 1 });
let language: LanguageModel;
beforeAll(async () => {
  language = await openLanguageModel(`${languageFixtures}/llama`, { tokenizer: byteTokenizerPath, runtime });
});
afterAll(async () => {
  await language.close();
  await runtime.close();
});

/** y = x + w, with x and y of 1,000 numbers, and a weight of as many. */
function added() {
  const builder = new GraphBuilder();
  const x = builder.input('x', 'float32', [1000]);
  const y = builder.op('Add', [x, builder.initializer('w', float32([1000], new Float32Array(1000)))]);
  builder.output(y, 'float32');
  const graph = builder.build();
  const names = ['x', 'w', y];
  return {
    graph,
    facts: {
      shapes: new Map(names.map((name) => [name, [1000]])),
      types: new Map(names.map((name) => [name, 'float32'] as const)),
      constants: new Map(),
    },
  };
}

describe('whether a gradient fits', () => {
  // Two values of 4,000 bytes, forward and backward; the weight is not counted.
  const bytes = 16_000;
  const asked = { tokens: 64, width: 16, whole: added() };

  it('counts values and not weights', async () => {
    expect(await gradientFit(language, { ...asked, memory: bytes })).toEqual({ bytes });
  });

  it('takes smaller pieces where there is less memory, and says what would do where none is small enough', async () => {
    const pieces: number[] = [];
    let message = '';
    let refused = 0;
    for (let memory = 2 ** 24; message === '' && memory > 1; memory /= 2) {
      const fit = await gradientFit(language, { ...asked, whole: large(memory), memory }).catch((error) => {
        message = String(error);
        refused = memory;
      });
      if (fit) pieces.push(fit.piece as number);
    }
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces).toEqual([...pieces].sort((a, b) => b - a));
    expect(pieces.at(-1)).toBeLessThan(pieces[0]);
    const [, least] = /nor do its pieces.*expected (\d+) MB in pieces of 8 tokens/.exec(message) ?? [];
    expect(Number(least) * 2 ** 20).toBeGreaterThan(refused);
    // What the message asks for suffices.
    const memory = Number(least) * 2 ** 20;
    expect((await gradientFit(language, { ...asked, whole: large(memory), memory })).piece).toBeGreaterThanOrEqual(8);
  });

  it('gives the same gradient in pieces, through the program', async () => {
    const question = await questionOf(language, { prompt: 'the b c and the d', answer: ' a b', against: ' c' });
    const whole = await openEmbeddingProgram(language, question);
    expect(whole.fit.piece).toBeUndefined();
    const parts = await openEmbeddingProgram(language, question, { memory: whole.fit.bytes - 1 });
    expect(parts.fit.piece).toBeGreaterThan(0);
    const [a, b] = [await whole.gradients([whole.vectors]), await parts.gradients([whole.vectors])];
    expect(b.values[0]).toBeCloseTo(a.values[0], 4);
    const most = a.gradients[0].reduce((sum, one) => Math.max(sum, Math.abs(one)), 0);
    // Sums of float32 in another order.
    for (const [i, one] of b.gradients[0].entries())
      expect(Math.abs(one - a.gradients[0][i])).toBeLessThan(1e-5 * most);
  });
});

/** The same with values that are larger than the memory. */
function large(memory: number) {
  const { graph, facts } = added();
  return { graph, facts: { ...facts, shapes: new Map([...facts.shapes].map(([name]) => [name, [memory]])) } };
}
