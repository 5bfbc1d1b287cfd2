import { drawStory, storyTokens } from '../../examples/language/grammar.ts';
import type { LanguageModel } from '../../src/language/model/language-model.ts';
import { rowLogProbabilities } from '../../src/language/taught/row-probabilities.ts';
import { random } from '../../src/tensor/random.ts';
import { type AgreementKind, agreementItems, preference, promptOf } from './agreement-evidence.ts';

/**
 * Perplexity of the model and of the grammar on stories that no training has seen, each from its beginning to the mark
 * behind its end. The grammar's is exact: a story has one derivation.
 */
export async function perplexities(language: LanguageModel, stories: number, seed: number) {
  const drawn = Array.from({ length: stories }, (_, i) => drawStory(random(seed, i + 1)));
  const rows = drawn.map((story) => ({ ids: [...storyTokens(story), 1], from: 1 }));
  const model = await rowLogProbabilities(language, rows);
  let [own, exact, tokens] = [0, 0, 0];
  for (const [i, { logProbability }] of drawn.entries()) {
    own += model[i];
    exact += logProbability;
    tokens += rows[i].ids.length - 1;
  }
  return {
    model: Math.exp(-own / tokens),
    grammar: Math.exp(-exact / tokens),
    ratio: Math.exp((exact - own) / tokens),
  };
}

/** Of so many sentences of each kind, whether the verb as it is written is more probable than its other form. */
export async function agreementOf(language: LanguageModel, count: number, seed: number) {
  const kinds: AgreementKind[] = ['no attractor', 'one attractor', 'two attractors', 'relative clause'];
  const found: [AgreementKind, number[]][] = [];
  for (const [kind, items] of agreementItems(count, kinds, seed)) {
    const right: number[] = [];
    for (const item of items)
      right.push(Number((await preference(language, promptOf(item), item.words[item.verb])) > 0));
    found.push([kind, right]);
  }
  return found;
}
