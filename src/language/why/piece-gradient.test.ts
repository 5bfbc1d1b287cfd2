import { afterAll, describe, expect, it } from 'vitest';
import { byteTokenizerPath, languageFixtures } from '../../../test/language/byte-tokenizer.ts';
import { openReader, readerText } from '../../../test/language/reader.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { random } from '../../tensor/random.ts';
import { type LanguageModel, openLanguageModel } from '../model/language-model.ts';
import { openEmbeddingProgram } from './embedding-program.ts';
import { gradientInPieces } from './piece-gradient.ts';
import { questionOf } from './question.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

describe('a gradient in pieces of the text', () => {
  it.each(['llama', 'gpt2', 'phi'])('is that of the whole text: %s', async (name) => {
    const language = await openLanguageModel(`${languageFixtures}/${name}`, { tokenizer: byteTokenizerPath, runtime });
    await compareWithWhole(language, { prompt: 'the b c and the d', answer: ' a b' }, [3, 5, 100]);
    await language.close();
  });

  it('has one graph for all pieces of a length', async () => {
    const language = await openLanguageModel(`${languageFixtures}/gpt2`, { tokenizer: byteTokenizerPath, runtime });
    const ids = Array.from({ length: 40 }, (_, i) => 3 + (i % 5));
    const { vectors, vectorsOf } = await openEmbeddingProgram(
      language,
      await questionOf(language, { prompt: 'the b', answer: ' c' }),
    );
    expect(vectors.length).toBeGreaterThan(0);
    const weights = new Float32Array(ids.length).fill(1, 36, 38);
    const text = { ids, vectors: await vectorsOf(ids), weights, next: [...ids.slice(1), 0] };
    const sessions = async (length: number) => {
      let opened = 0;
      const { open } = runtime;
      const counting = {
        ...runtime,
        open: (...given: Parameters<typeof open>) => {
          opened++;
          return open(...given);
        },
      };
      Object.assign(language.model.executor, { runtime: counting });
      await gradientInPieces(language, text, { length, capacity: 64 });
      Object.assign(language.model.executor, { runtime });
      return opened;
    };
    // The first time shapes are asked for as well.
    await sessions(6);
    await sessions(4);
    // One reads; those without, with, and the last piece have a backward pass each: 38 = 6 · 6 + 2 = 9 · 4 + 2.
    expect([await sessions(6), await sessions(4)]).toEqual([3, 3]);
    await language.close();
  });

  it('is that of the whole text where places of tokens are kept too', async () => {
    const language = await openReader(128, runtime);
    const { prompt, answer } = readerText(random(1), 6);
    await compareWithWhole(language, { prompt, answer }, [20]);
    await language.close();
  });
});

async function compareWithWhole(
  language: LanguageModel,
  request: { readonly prompt: string; readonly answer: string },
  pieces: readonly number[],
): Promise<void> {
  const question = await questionOf(language, request);
  const program = await openEmbeddingProgram(language, question);
  const whole = await program.gradients([program.vectors]);
  const { length } = question.encoded.ids;
  const ids = [...question.encoded.ids, ...question.answer.ids];
  const weights = new Float32Array(ids.length).fill(1, length - 1, ids.length - 1);
  const text = { ids, vectors: await program.vectorsOf(ids), weights, next: [...ids.slice(1), 0] };
  for (const piece of pieces) {
    const { value, gradient } = await gradientInPieces(language, text, { length: piece, capacity: 64 });
    expect(value).toBeCloseTo(whole.values[0], 4);
    const own = gradient.subarray(0, whole.gradients[0].length);
    const largest = whole.gradients[0].reduce((most, one) => Math.max(most, Math.abs(one)), 0);
    // Sums of float32 in another order.
    own.forEach((one, i) => expect(Math.abs(one - whole.gradients[0][i])).toBeLessThan(1e-5 * largest));
  }
}
