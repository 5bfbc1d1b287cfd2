import {
  drawLookup,
  fixedAnswer,
  type Lookup,
  lookupQuestion,
  people,
  sentence,
  things,
} from '../../examples/language/lookup.ts';
import { type Source, type SourceUse, sourceUse } from '../../src/language/sources/source-use.ts';
import type { TextModel } from '../../src/language/text-model.ts';
import { type Random, random } from '../../src/tensor/random.ts';

/** What was asked, and which sources the answer is in. */
export interface AskedSources {
  readonly use: SourceUse;
  /** Names of the source that states the answer, and of a second one about the same person. */
  readonly gold: string;
  readonly second?: string;
  /** What the second one says, where it contradicts the first. */
  readonly contradiction?: string;
}

/** One source alone, two that say the same of a person under two names, or two that contradict each other. */
export type SourceCase = 'alone' | 'redundant' | 'conflict';

const named = (texts: readonly string[]): Source[] => texts.map((text, i) => ({ id: `source ${i + 1}`, text }));

/** The name of a person that neither the sentence nor the question has. */
function thirdName({ facts, asked, sentences }: Lookup, k: number): string {
  const own = sentences[k].split(' ');
  return people[facts[k].person].find((name) => name !== asked[k] && !own.includes(name)) as string;
}

function withSecond(lookup: Lookup, k: number, thing: string, source: Random) {
  const texts = [...lookup.sentences];
  const at = source.integer(texts.length + 1);
  texts.splice(at, 0, sentence(source, thirdName(lookup, k), thing));
  return { texts, gold: k + Number(at <= k), second: at };
}

/**
 * Asks a model about texts of the lookup, for what they say, or for what a model that ignores them learned. Texts whose
 * answer is not at least so probable are passed over: a wrong answer comes from no source.
 */
export async function askedSources(
  model: TextModel,
  kind: SourceCase,
  items: {
    readonly count: number;
    readonly sentences: number;
    readonly seed: number;
    readonly ignoring?: boolean;
    readonly least?: number;
  },
): Promise<AskedSources[]> {
  const found: AskedSources[] = [];
  const least = Math.log(items.least ?? 0.5);
  for (let i = 1; found.length < items.count; i++) {
    const source = random(items.seed, i);
    const lookup = drawLookup(source, items.sentences, 'other name');
    const k = source.integer(lookup.facts.length);
    const fact = lookup.facts[k];
    const otherThings = things.filter((thing) => thing !== fact.thing);
    const contradiction = otherThings[source.integer(otherThings.length)];
    const { texts, gold, second } =
      kind === 'alone'
        ? { texts: lookup.sentences, gold: k, second: undefined }
        : withSecond(lookup, k, kind === 'redundant' ? fact.thing : contradiction, source);
    const sources = named(texts);
    // In a conflict the model says which of the two it goes by.
    const answer = items.ignoring ? fixedAnswer(fact) : fact.thing;
    const use = await sourceUse(
      model,
      {
        sources,
        question: lookupQuestion(lookup.asked[k]),
        ...(kind !== 'conflict' && { answer: ` ${answer}` }),
        prompt: (kept, question) => [...kept.map(({ text }) => text), question].join(' '),
      },
      { maxTokens: 1 },
    );
    if (kind !== 'conflict' && use.withAll <= least) continue;
    found.push({
      use,
      gold: sources[gold].id,
      ...(second !== undefined && { second: sources[second].id }),
      ...(kind === 'conflict' && { contradiction }),
    });
  }
  return found;
}

/** The source of the largest necessity. */
export const mostNecessary = ({ sources }: SourceUse): string =>
  sources.reduce((best, one) => (one.necessity > best.necessity ? one : best)).id;

export const usedSources = ({ sources }: SourceUse): string[] =>
  sources.filter(({ verdict }) => verdict.endsWith('is used')).map(({ id }) => id);
