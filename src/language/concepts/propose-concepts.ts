import { WhereforeError } from '../../errors.ts';
import type { TextModel } from '../text-model.ts';
import type { Concept } from './score-concepts.ts';

/** Examples of each class that a model is shown. */
const mostExamples = 8;

/**
 * Lets a model name what could tell the classes apart, from a few texts of each.
 * @throws WhereforeError `invalid-data` where no line of the answer is a concept
 */
export async function proposeConcepts(
  model: TextModel,
  texts: readonly { readonly text: string; readonly label: string }[],
  count: number,
  signal?: AbortSignal,
): Promise<Concept[]> {
  const labels = [...new Set(texts.map(({ label }) => label))].sort();
  const examples = labels.map((label) => {
    const own = texts.filter((text) => text.label === label).slice(0, mostExamples);
    return `Texts of class "${label}":\n${own.map(({ text }) => `- ${text}`).join('\n')}`;
  });
  const prompt = `${examples.join('\n\n')}\n\nName ${count} properties that a text may have or not have and that could tell these classes apart. One short phrase on each line, nothing else.\n`;
  const asked = model.access.chat ? [{ role: 'user' as const, content: prompt }] : prompt;
  const { text } = await model.generate(asked, { maxTokens: 24 * count, signal });
  const names = text
    .split('\n')
    .map((line) => line.replace(/^\s*(?:[-*•]|\d+[.)])\s*/, '').trim())
    .filter((line) => line !== '' && line.length <= 80);
  if (names.length > 0) return [...new Set(names)].slice(0, count).map((name) => ({ name }));
  throw new WhereforeError('invalid-data', 'the model proposes no concept', {
    where: model.name,
    got: text.slice(0, 60),
  });
}

/** A line of a file of concepts: `name`, or `name: word, another word`. */
export function parseConcept(line: string): Concept {
  const [name, words] = line.split(/:(.*)/s);
  const list = words
    ?.split(',')
    .map((word) => word.trim())
    .filter(Boolean);
  return { name: name.trim(), ...(list && list.length > 0 && { words: list }) };
}
