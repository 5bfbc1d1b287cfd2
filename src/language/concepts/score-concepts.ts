import { WhereforeError } from '../../errors.ts';
import { holdsAny } from '../audit/behaviour.ts';
import type { TextModel } from '../text-model.ts';

/** Something that a person understands and that a text has or has not. */
export interface Concept {
  readonly name: string;
  /** Words or phrases that show it, where it is looked up instead of asked for. */
  readonly words?: readonly string[];
}

/** How far a text has a concept, from 0 to 1. */
export type ConceptScorer = (text: string, concept: Concept) => Promise<number>;

/**
 * Looks words up: 1 where a text holds one of a concept's words, else 0.
 * @throws WhereforeError `invalid-data` for a concept without words
 */
export function wordScorer(concepts: readonly Concept[]): ConceptScorer {
  const finders = new Map(
    concepts.map(({ name, words = [] }) => {
      if (words.length > 0) return [name, holdsAny(words)];
      throw new WhereforeError('invalid-data', 'a concept has no words to look for', {
        got: name,
        fix: `write "${name}: word, another word", or let a model say (--model)`,
      });
    }),
  );
  return async (text, { name }) => Number(finders.get(name)?.(text) ?? false);
}

const question = (text: string, { name }: Concept): string =>
  `Text: ${text}\nDoes this hold for the text: ${name}? Answer yes or no.\nAnswer:`;

/**
 * Asks a model: `p(yes) / (p(yes) + p(no))` where it tells probabilities, else 1 for an answer that begins with yes and 0
 * for one that begins with no.
 * @throws WhereforeError `invalid-data` for an answer that is neither
 */
export function modelScorer(model: TextModel, signal?: AbortSignal): ConceptScorer {
  return async (text, concept) => {
    const prompt = question(text, concept);
    if (model.access.scores) {
      const yes = (await model.score(prompt, ' yes', { signal })).logProbability;
      const no = (await model.score(prompt, ' no', { signal })).logProbability;
      return 1 / (1 + Math.exp(no - yes));
    }
    const asked = model.access.chat ? [{ role: 'user' as const, content: prompt }] : prompt;
    const { text: answer } = await model.generate(asked, { maxTokens: 4, signal });
    const said = /^\W*(yes|no)\b/i.exec(answer)?.[1].toLowerCase();
    if (said) return Number(said === 'yes');
    throw new WhereforeError('invalid-data', 'the model answers neither yes nor no', {
      where: model.name,
      got: answer.slice(0, 40),
      fix: 'take another model, or give words for each concept',
    });
  };
}
