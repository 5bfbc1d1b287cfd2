import { afterAll, describe, expect, it } from 'vitest';
import { byteTokenizerPath, languageFixtures } from '../../../test/language/byte-tokenizer.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { openLanguageModel } from '../model/language-model.ts';
import { localTextModel } from './local-text-model.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

describe('a local model as the strategies see it', () => {
  it('scores what it wrote as it did when it wrote it', async () => {
    const language = await openLanguageModel(`${languageFixtures}/llama`, { tokenizer: byteTokenizerPath, runtime });
    const model = localTextModel(language);
    const { text, ended, tokens } = await model.generate('the', { maxTokens: 6 });
    expect(ended).toBe('length');
    expect(tokens).toHaveLength(6);
    expect(text.length).toBeGreaterThan(0);
    const score = await model.score('the', ' b c');
    expect(score.tokens.length).toBeGreaterThanOrEqual(4);
    expect(score.logProbability).toBeCloseTo(
      score.tokens.reduce((sum, token) => sum + token.logProbability, 0),
      6,
    );
    expect(score.tokens.every(({ logProbability }) => logProbability < 0)).toBe(true);
    const draws = await Promise.all(
      [0, 0, 1].map((sample) => model.generate('the', { maxTokens: 8, temperature: 2, sample })),
    );
    expect(draws[0].text).toBe(draws[1].text);
    expect(draws[0].text).not.toBe(draws[2].text);
    await language.close();
  });

  it('with a chat template answers conversations, without one refuses them', async () => {
    const plain = await openLanguageModel(`${languageFixtures}/llama`, { tokenizer: byteTokenizerPath, runtime });
    const conversation = [{ role: 'user', content: 'b' }] as const;
    expect(localTextModel(plain).access.chat).toBe(false);
    await expect(localTextModel(plain).generate(conversation)).rejects.toThrow(/no chat template.*as a text/);
    const chatting = { ...plain, chatTemplate: () => '<s>b' };
    const model = localTextModel(chatting);
    expect(model.access.chat).toBe(true);
    const [spoken, written] = [await model.score(conversation, 'c'), await model.score('b', 'c')];
    expect(spoken.tokens.map(({ text }) => text)).toEqual(written.tokens.map(({ text }) => text));
    await plain.close();
  });
});
