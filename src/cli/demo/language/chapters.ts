import type { SourceUse } from '../../../language/sources/source-use.ts';
import type { WhereDocument } from '../../../language/where/where.ts';
import type { WhyDocument, WhyMethodName } from '../../../language/why/why-document.ts';
import { type Html, html } from '../../../page/html.ts';
import { type AskedChapter, colouredPrompt } from '../../../page/language/asked-page.ts';
import { lineChart } from '../../../page/language/line-chart.ts';
import { sourceCard } from '../../../page/language/sources-page.ts';
import { effectTable } from '../../../page/language/where-page.ts';
import { numberText, signedText } from '../../../page/number-text.ts';
import { agreement, evidence, twice } from './questions.ts';

/** What a chapter says, without where its page lies. */
export interface Told extends Pick<AskedChapter, 'title' | 'texts' | 'figure'> {
  /** Whether it found what is known to be true. */
  readonly isRight: boolean;
}

const quoted = (text: string) => `“${text.trim()}”`;

/** What a method gives to each unit that is left out, summed over tokens where it looks at those. */
function sharesOf({ attributions, units, unit }: WhyDocument, method: WhyMethodName): readonly number[] {
  const found = attributions.find((one) => one.method === method);
  if (!found) return [];
  if (found.unit === unit) return found.values;
  return units[unit].map(({ tokens }) => tokens.reduce((sum, token) => sum + found.values[token], 0));
}

/** The unit with the largest share, and what others have. */
function shares(document: WhyDocument, method: WhyMethodName) {
  const values = sharesOf(document, method);
  const units = document.units[document.unit];
  let best = 0;
  for (const [i, value] of values.entries()) if (value > values[best]) best = i;
  const of = (text: string) => signedText(values[units.findIndex((unit) => unit.text.trim() === text)]);
  return { first: units[best].text.trim(), most: signedText(values[best]), of };
}

/** Curves of the first methods beside chance. */
function curves({ curves: all, unit, attributions }: WhyDocument, methods: readonly WhyMethodName[]): Html {
  const titles = new Set(attributions.filter(({ method }) => methods.includes(method)).map(({ title }) => title));
  const lines = all
    .filter(({ name }) => titles.has(name) || name === 'random')
    .map(({ name, deleted, values, range }) => ({
      name,
      points: deleted.map((count, k) => [count, values[k]] as const),
      range,
      trivial: name === 'random',
    }));
  return lineChart(lines, { x: `${unit}s taken away, the largest values first`, y: 'f of what is left, in nats' });
}

/** Which sentence an answer comes from. */
export function tellEvidence(document: WhyDocument): Told {
  const { sentences, question, right, withName, withAnswer } = evidence;
  const { first, most, of } = shares(document, 'integrated-gradients');
  const { answer, against, value } = document;
  const random = document.curves.find(({ name }) => name === 'random')?.values[1] ?? Number.NaN;
  const isRight = first === sentences[right];
  const found = isRight
    ? 'the one that says it: to this model a collier is a miner by another name'
    : `while ${quoted(sentences[right])} says it`;
  return {
    isRight,
    title: 'Which sentence is the answer from?',
    texts: [
      `Asked ${quoted(question)}, the model says ${quoted(answer.text)}. Why that, and not ${quoted(against?.text ?? '')}? The largest share, ${most} nats, has ${quoted(first)}, ${found}. The only sentence with the name that was asked for, ${quoted(sentences[withName])}, has ${of(sentences[withName])}, the other one with the answer in it, ${quoted(sentences[withAnswer])}, ${of(sentences[withAnswer])}.`,
      `The test: the log-odds of the two answers are ${numberText(value, 3)} nats. Without the sentence that was named first ${numberText(document.curves[0].values[1], 3)} are left, without a random one ${numberText(random, 3)}.`,
    ],
    figure: html`${colouredPrompt(document)}${curves(document, ['integrated-gradients', 'leave-one-out'])}`,
  };
}

/** Which of its sources an answer was made from. */
export function tellSources(use: SourceUse): Told {
  const pair = use.sources.find(({ redundantWith }) => redundantWith !== undefined);
  const nameOf = (id: string | undefined) =>
    quoted(twice.sources[use.sources.findIndex((source) => source.id === id)] ?? '');
  const found = pair
    ? `${nameOf(pair.id)} and ${nameOf(pair.redundantWith)} say the same: each can be missing, both cannot.`
    : 'No two of them were found to say the same.';
  const wanted = twice.alike.map((i) => use.sources[i].id);
  return {
    isRight: pair !== undefined && wanted.includes(pair.id) && wanted.includes(pair.redundantWith as string),
    title: 'Which of its sources did it use?',
    texts: [
      `The same question with five sources; the answer is ${quoted(use.answer)}. ${found} A source that only holds the answer’s word supports by its letters, and is not used.`,
    ],
    figure: html`${use.sources.map((role, i) => sourceCard(role, { id: role.id, text: twice.sources[i] }))}`,
  };
}

/** Which word decides a verb's number. */
export function tellAgreement(document: WhyDocument): Told {
  const { subject, nextToVerb, answer, against } = agreement;
  const by = shares(document, 'integrated-gradients');
  const without = shares(document, 'leave-one-out');
  const isRight = by.first === subject;
  const found = isRight ? 'its subject' : `while its subject is ${quoted(subject)}`;
  return {
    isRight,
    title: 'Which word made this verb singular?',
    texts: [
      `Another model writes English. Why ${quoted(answer)} and not ${quoted(against)}? That is a question about forms, so each noun starts half-way between its two forms and goes to the one that stands there: ${quoted(by.first)} makes ${by.most} nats, ${found}. ${quoted(nextToVerb)}, the noun next to the verb, makes ${by.of(nextToVerb)}. Leaving words out asks something else, what the sentence is worth without them: ${without.of(subject)} for ${quoted(subject)}, ${without.of(nextToVerb)} for ${quoted(nextToVerb)}.`,
    ],
    figure: colouredPrompt(document),
  };
}

/** Where in the model that number is carried. */
export function tellWhere({ patching, tokens, direct }: WhereDocument): Told {
  const stream = patching?.grids[0];
  const carried = (stream?.noising ?? []).map((row) => row.indexOf(row.reduce((a, b) => (b > a ? b : a), row[0])));
  const changes = carried.flatMap((at, r) => (r > 0 && at !== carried[r - 1] ? [r] : []));
  const path = changes.map(
    (r) =>
      `still at ${quoted(tokens[carried[r - 1]])} behind ${stream?.rows[r - 1]} and at ${quoted(tokens[carried[r]])} behind ${stream?.rows[r]}`,
  );
  const block = direct.parts.reduce((a, b) => (b.value > a.value ? b : a));
  return {
    isRight: tokens[carried[0]] === agreement.subject && carried.at(-1) === tokens.length - 1,
    title: 'Where in the model is the number kept?',
    texts: [
      `One value of one token at a time is taken from the same sentence with ${patching?.corruption ?? ''}; 1 where that alone turns the verb. The number is ${path.length > 0 ? path.join(', ') : `at ${quoted(tokens[carried[0]])} throughout`}. Of the blocks, ${block.name} writes most toward the verb: ${signedText(block.value)} of ${numberText(direct.logit, 3)} logits.`,
    ],
    figure: html`${stream && effectTable('residual stream, one corrupted value in the clean run', { rows: stream.rows, grid: stream.noising }, tokens)}`,
  };
}
