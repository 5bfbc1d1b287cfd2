import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { drawLookup, lookupQuestion } from '../../../examples/language/lookup.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { random } from '../../tensor/random.ts';
import { localTextModel } from '../generate/local-text-model.ts';
import { openLanguageModel } from '../model/language-model.ts';
import type { TextModel } from '../text-model.ts';
import { piecesOf } from './text-pieces.ts';
import { why } from './why.ts';
import { whyByText } from './why-by-text.ts';

/** It knows where the ball is while a text says so, and less while no one is named. */
function scripted(): TextModel & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    name: 'scripted',
    access: { chat: false, completion: true, scores: true, alternatives: 0, prefill: false, repeatable: true },
    asked,
    generate: async () => ({ text: ' garden', ended: 'stop', tokens: undefined }),
    async score(prompt, answer) {
      asked.push(`${prompt}|${answer}`);
      const knows = String(prompt).includes('ball is in the garden');
      const named = String(prompt).includes('Tom');
      const logProbability = answer === ' house' ? -3 : (knows ? -1 : -5) - (named ? 0 : 0.5);
      return { logProbability, tokens: [{ text: answer, logProbability }] };
    },
  };
}

const prompt = 'Tom came home. The ball is in the garden. It was late. Where is the ball?';

describe('why, of a model that only tells probabilities', () => {
  it('leaves out each part once, and asks about no prompt twice', async () => {
    const model = scripted();
    const { attributions, units, unit, value, empty, cost } = await whyByText(model, {
      prompt,
      answer: ' garden',
      keep: 'Where is the ball?',
    });
    expect([unit, value, empty]).toEqual(['sentence', -1, -5.5]);
    expect(units.sentence.map(({ special }) => special)).toEqual([false, false, false, true]);
    expect(attributions[0].values).toEqual([0.5, 4, 0, 0]);
    expect(cost.calls).toBe(new Set(model.asked).size);
    // The answer behind the prompt is asked for once more, for its tokens. Three parts have no more than eight selections.
    expect(model.asked.length).toBe(cost.calls + 1);
    expect(cost.calls).toBeLessThanOrEqual(8);
  });

  it('compares two answers, and takes the words that a model writes where none is given', async () => {
    const against = await whyByText(scripted(), {
      prompt,
      keep: 'Where is the ball?',
      against: ' house',
      methods: ['shapley', 'surrogate'],
      sets: 8,
    });
    expect(against.answer).toMatchObject({ text: ' garden', generated: true });
    expect(against.value).toBe(2);
    const [shapley] = against.attributions;
    // Exact where there are few parts: 4 for the sentence that says it, .5 for the name.
    expect(shapley.values.map((one) => Math.round(one * 1e6) / 1e6)).toEqual([0.5, 4, 0, 0]);
    expect(shapley.relativeError).toBeLessThan(1e-6);
  });

  it('refuses what such a model does not show', async () => {
    const model = scripted();
    const silent = { ...model, access: { ...model.access, scores: false } };
    await expect(whyByText(silent, { prompt })).rejects.toThrow(/does not tell the probability.*local model/);
    await expect(whyByText(model, { prompt, methods: ['lrp'] })).rejects.toThrow(/needs gradients.*leave-one-out/);
    await expect(whyByText(model, { prompt: ' ' })).rejects.toThrow(/the prompt is empty/);
    await expect(whyByText(model, { prompt, answer: ' ' })).rejects.toThrow(/the answer is empty/);
    await expect(whyByText(model, { prompt, keep: 'Where was' })).rejects.toThrow(/no such part to keep/);
    await expect(whyByText(model, { prompt, answer: ' a', against: ' a' })).rejects.toThrow(/compared with itself/);
    expect(model.asked).toEqual([]);
  });

  it('says where small differences may be chance', async () => {
    const model = scripted();
    const notesOf = async (access: Partial<TextModel['access']>) =>
      (
        await whyByText({ ...model, access: { ...model.access, ...access } }, { prompt, answer: ' garden' })
      ).notes.join();
    expect(await notesOf({})).not.toMatch(/chance/);
    expect(await notesOf({ repeatable: false, chat: true })).toMatch(/asked twice it said different things/);
    expect(await notesOf({ repeatable: false })).toMatch(/whether it says the same twice is not known/);
  });

  it.each(['Tom, 12, ran. He fell!', '猫が好き。犬も好き。', ' مرحبا بالعالم ', 'a 👩‍👩‍👧 b\n\nc'])(
    'divides %j without a loss',
    (text) => {
      const { texts, spans } = piecesOf(text);
      expect(texts.join('')).toBe(text);
      for (const [i, span] of spans.entries()) expect(texts[i]).toContain(text.slice(...(span as [number, number])));
    },
  );
});

describe('the same of a model that runs here', { timeout: 120_000 }, () => {
  const runtime = createNodeRuntime({ threads: 1 });
  afterAll(() => runtime.close());

  it('names the sentence that leaving out tokens names, in as many prompts and those that judge', async () => {
    const folder = fileURLToPath(new URL('../../../examples/language/models/lookup', import.meta.url));
    const language = await openLanguageModel(folder, { runtime });
    const model = localTextModel(language);
    const most = (values: readonly number[]) => values.indexOf(values.reduce((a, b) => Math.max(a, b)));
    for (let i = 1; i <= 2; i++) {
      const { sentences, facts, asked } = drawLookup(random(71, i), 16, 'hard');
      const keep = lookupQuestion(asked[i]);
      const question = { prompt: `${sentences.join(' ')} ${keep}`, answer: ` ${facts[i].thing}`, keep };
      const byText = await whyByText(model, question);
      const byTokens = await why(language, { ...question, methods: ['leave-one-out'], sets: 8 });
      const here = byTokens.attributions[0].values.filter((_, u) => !byTokens.units.sentence[u].special);
      expect(most(byText.attributions[0].values)).toBe(i);
      expect(most(here)).toBe(i);
      // K + 1 that leave out, one without any part, 15 that judge.
      expect(byText.cost.calls).toBeLessThanOrEqual(16 + 1 + 1 + 15);
    }
    await model.close();
    await language.close();
  });
});
