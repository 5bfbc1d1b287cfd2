import { describe, expect, it } from 'vitest';
import type { TextModel } from '../text-model.ts';
import { overlapOf, type Source, sourceUse } from './source-use.ts';

/** A model whose probability of an answer follows from its prompt. */
function scoring(logProbability: (prompt: string) => number, scores = true): TextModel {
  return {
    name: 'rule',
    access: { chat: false, completion: true, scores, alternatives: 0, prefill: true, repeatable: true },
    generate: async () => ({ text: ' blue', ended: 'stop', tokens: undefined }),
    score: async (prompt) => ({ logProbability: logProbability(String(prompt)), tokens: [] }),
  };
}

const source = (id: string, text: string): Source => ({ id, text });
const others = [
  source('sea', 'The sea is wide.'),
  source('hill', 'The hill is steep.'),
  source('sky', 'The sky looks blue.'),
];
const fact = source('door', 'The door of the inn is blue.');
const question = 'What colour has the door?';
/** Answers from the fact about the door; no question without sources was ever seen. */
const reader = scoring((prompt) =>
  prompt === question ? -6 : prompt.includes('door of the inn') ? -0.1 : prompt.includes('azure door') ? -0.1 : -8,
);

describe('the use of sources', () => {
  it('tells the source of an answer from one that only holds its words', async () => {
    const { answer, sources, ignoresSources, calls } = await sourceUse(reader, {
      sources: [...others, fact],
      question,
    });
    expect(answer).toBe(' blue');
    expect(sources.map(({ id, verdict }) => [id, verdict])).toEqual([
      ['sea', 'neither'],
      ['hill', 'neither'],
      ['sky', 'supports'],
      ['door', 'supports and is used'],
    ]);
    // Without the fact −8 in place of −.1; alone −.1 beside −8 of each other one.
    expect(sources[3].necessity).toBeCloseTo(7.9, 12);
    expect(sources[3].sufficiency).toBeCloseTo(7.9, 12);
    expect(ignoresSources).toBe(false);
    expect(calls).toBe(10);
  });

  it('finds two sources of which either would do', async () => {
    const twin = source('twin', 'An azure door leads to it.');
    const { sources } = await sourceUse(reader, { sources: [...others, fact, twin], question });
    const [door, azure] = sources.slice(3);
    expect(door).toMatchObject({ necessity: 0, redundantWith: 'twin', verdict: 'supports and is used' });
    expect(azure).toMatchObject({ redundantWith: 'door', verdict: 'is used' });
  });

  it('takes no source for used where the model ignores them, though any is better than none', async () => {
    const ignoring = scoring((prompt) => (prompt === question ? -2 : -0.2));
    const { sources, ignoresSources, withAll, withNone } = await sourceUse(ignoring, {
      sources: [...others, fact],
      question,
    });
    expect(withAll - withNone).toBeCloseTo(1.8, 12);
    expect(ignoresSources).toBe(true);
    expect(sources.map(({ verdict }) => verdict)).toEqual(['neither', 'neither', 'supports', 'supports']);
    for (const { sufficiency } of sources) expect(sufficiency).toBeCloseTo(0, 12);
  });

  it('says of two that contradict each other which one lowers the answer', async () => {
    const red = source('red', 'The door of the inn is red, they say.');
    const follower = scoring((prompt) =>
      prompt.includes('they say') ? -5 : prompt.includes('inn is blue') ? -0.1 : -8,
    );
    const { sources } = await sourceUse(follower, { sources: [...others, fact, red], question, answer: ' blue' });
    // Taking the other one away makes the answer more probable.
    expect(sources[4].necessity).toBeCloseTo(-4.9, 12);
    expect(sources[4].verdict).toBe('lowers it');
  });

  it('counts the words of an answer that stand in a source', () => {
    expect(overlapOf(' in 1987, by Ada', 'Ada wrote it in 1987.')).toBe(0.75);
    expect(overlapOf('', 'x')).toBe(0);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'an endpoint without probabilities',
      () =>
        sourceUse(
          scoring(() => 0, false),
          { sources: others, question },
        ),
      /does not tell the probability/,
    ],
    ['one source', () => sourceUse(reader, { sources: [fact], question }), /too few sources/],
    ['one name twice', () => sourceUse(reader, { sources: [fact, fact], question }), /two sources have one name/],
    ['an empty answer', () => sourceUse(reader, { sources: others, question, answer: ' ' }), /the answer is empty/],
  ])('refuses %s', async (_, work, message) => {
    await expect(work()).rejects.toThrow(message);
  });
});
