import { expect, it } from 'vitest';
import type { SourceRole, SourceUse } from '../../../language/sources/source-use.ts';
import type { WhereDocument } from '../../../language/where/where.ts';
import type { WhyDocument } from '../../../language/why/why-document.ts';
import { renderAskedPage } from '../../../page/language/asked-page.ts';
import { tellAgreement, tellEvidence, tellSources, tellWhere } from './chapters.ts';
import { agreement, evidence, twice } from './questions.ts';

/** A reason with one token a unit, whose gradients and leaving out give these values. */
function reason(unit: 'sentence' | 'word', texts: readonly string[], values: readonly number[]): WhyDocument {
  const units = texts.map((text, i) => ({ text, tokens: [i], special: false }));
  const attribution = { title: 'Method', unit: 'token', baseline: 'nothing', values };
  const answer = { text: ' brush', logProbability: -1 };
  return {
    ...{ unit, units: { [unit]: units, token: units }, answer, against: { ...answer, text: ' candle' }, value: 10 },
    attributions: [
      { ...attribution, method: 'integrated-gradients' },
      { ...attribution, method: 'leave-one-out', unit },
    ],
    curves: [
      { name: 'Method', deleted: [0, 1], values: [10, 2] },
      { name: 'random', deleted: [0, 1], values: [10, 7] },
    ],
  } as unknown as WhyDocument;
}

it('says which sentence was named, and whether it is the one that says it', () => {
  const { sentences, right, withName } = evidence;
  const at = (best: number) => sentences.map((_, i) => (i === best ? 4 : -0.5));
  const told = tellEvidence(reason('sentence', sentences, at(right)));
  expect(told.isRight).toBe(true);
  expect(told.texts[0]).toContain(`+4.00 nats, has “${sentences[right]}”, the one that says it`);
  expect(told.texts[1]).toContain('Without the sentence that was named first 2.00 are left, without a random one 7.00');
  const wrong = tellEvidence(reason('sentence', sentences, at(withName)));
  expect(wrong.isRight).toBe(false);
  expect(wrong.texts[0]).toContain(`while “${sentences[right]}” says it`);
});

it('says which sources repeat each other', () => {
  const role = (i: number, redundantWith?: string) =>
    ({ id: `source ${i}`, necessity: 0, sufficiency: 1, overlap: 0, redundantWith, verdict: 'neither' }) as SourceRole;
  const use = (roles: SourceRole[]) => ({ answer: ' brush', sources: roles }) as unknown as SourceUse;
  const [first, , third] = twice.sources;
  const told = tellSources(use([role(1, 'source 3'), role(2), role(3, 'source 1'), role(4), role(5)]));
  expect(told.isRight).toBe(true);
  expect(told.texts[0]).toContain(`“${first}” and “${third}” say the same`);
  const none = tellSources(use([1, 2, 3, 4, 5].map((i) => role(i))));
  expect(none.isRight).toBe(false);
  expect(none.texts[0]).toContain('No two of them');
  expect(tellSources(use([role(1), role(2, 'source 4'), role(3), role(4), role(5)])).isRight).toBe(false);
});

it('says which word decided, and where that is kept', () => {
  const words = agreement.prompt.split(' ');
  const told = tellAgreement(
    reason(
      'word',
      words,
      words.map((word) => Number(word === agreement.subject)),
    ),
  );
  expect(told.isRight).toBe(true);
  expect(told.texts[0]).toContain('“dog” makes +1.00 nats, its subject. “books”, the noun next to the verb, makes 0.');
  const where = (noising: number[][]) =>
    tellWhere({
      tokens: words,
      patching: { corruption: 'x', grids: [{ rows: ['embed', 'layer.0'], noising, denoising: noising }] },
      direct: { logit: 2, parts: [{ name: 'mlp', value: 1.5 }] },
    } as unknown as WhereDocument);
  const row = (at: number) => words.map((_, i) => Number(i === at));
  const [subject, last] = [words.indexOf(agreement.subject), words.length - 1];
  const moved = where([row(subject), row(last)]);
  expect(moved.isRight).toBe(true);
  expect(moved.texts[0]).toContain('still at “dog” behind embed and at “books” behind layer.0');
  expect(where([row(last), row(last)]).isRight).toBe(false);
  const page = renderAskedPage({
    title: 'Why',
    introduction: ['Asked.'],
    chapters: [told, moved].map((one) => ({ ...one, link: { href: 'a/index.html', text: 'All' }, command: 'w' })),
  });
  expect(page).toContain('href="a/index.html"');
  expect(page).not.toMatch(/undefined|NaN/);
});
