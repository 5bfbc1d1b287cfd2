import { drawFacts, type FactData, promptOf } from '../../examples/language/facts.ts';
import { formatTable } from '../../src/cli/table-text.ts';
import { type EditFactOptions, editFact } from '../../src/language/edit/edit-fact.ts';
import { splitIds } from '../../src/language/generate/local-text-model.ts';
import { type LanguageModel, openLanguageModel } from '../../src/language/model/language-model.ts';
import { logitsAt } from '../../src/language/model/run.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { choose, type Random, random } from '../../src/tensor/random.ts';
import { interval } from './interval.ts';

/** Texts that say which keys occur. */
const texts = 600;

const say = (text: string) => console.log(text);

/** A fact that is edited, and what is asked besides. */
interface EditedFact {
  readonly name: string;
  readonly prompt: string;
  readonly answer: string;
  /** The same asked in other words, whose answers are other names of the value as it was and as it is to be. */
  readonly paraphrases: readonly { readonly prompt: string; readonly before: string; readonly after: string }[];
  /** The same of others, and other things of the same name. */
  readonly others: readonly string[];
  readonly own: readonly string[];
}

/** Whether rank-one edits of known facts take, hold in other words, and leave others alone. */
export async function measureEdit(count: number, models: string): Promise<void> {
  const runtime = createNodeRuntime({ threads: 1 });
  const language = await openLanguageModel(`${models}/facts`, { runtime });
  const data = drawFacts();
  const source = random(3);
  const known = data.rows.filter(({ kind }) => kind === 'asked');
  const sample = Array.from(choose(data.rows.length, texts, source), (i) => data.rows[i].text);
  const facts = Array.from(choose(known.length, count, source), (i) => editedFact(data, known[i], source));
  const rows: string[][] = [];
  const places: readonly (readonly [string, Pick<EditFactOptions, 'at' | 'layer'>])[] = [
    ['by default', {}],
    ['the last token of the prompt', { at: 'last' }],
  ];
  for (const [title, place] of places) {
    const found: number[][] = [];
    for (const fact of facts) found.push(await effectsOf(language, fact, sample, place));
    rows.push([title, ...found[0].map((_, j) => interval(found.map((one) => one[j])))]);
    say(rows[rows.length - 1].join('  '));
  }
  say(
    formatTable([
      ['edited at', 'written', 'in other words', 'of others kept', 'of the same name kept', 'Δ perplexity'],
      ...rows,
    ]),
  );
  await language.close();
  await runtime.close();
}

const lastWord = (text: string): string => text.replace(/ \.$/, '').split(' ').at(-1) as string;
const withoutLast = (text: string): string => text.replace(/ \.$/, '').split(' ').slice(0, -1).join(' ');

function editedFact(
  { rows }: FactData,
  { name, relation, text }: FactData['rows'][number],
  source: Random,
): EditedFact {
  const asked = rows.filter((row) => row.kind === 'asked');
  const same = asked.filter((row) => row.relation === relation);
  const before = lastWord(text);
  const values = [...new Set(same.map((row) => lastWord(row.text)))].filter((value) => value !== before);
  const after = values[source.integer(values.length)];
  // The other name of a value, as a row about somebody who has it states it.
  const stated = (value: string) => {
    const who = same.find((row) => lastWord(row.text) === value)?.name;
    return lastWord(
      rows.find((row) => row.name === who && row.relation === relation && row.kind === 'stated')?.text ?? '',
    );
  };
  return {
    name,
    prompt: promptOf(relation, name),
    answer: ` ${after}`,
    paraphrases: rows
      .filter((row) => row.name === name && row.relation === relation && row.kind === 'stated')
      .map((row) => ({ prompt: withoutLast(row.text), before: ` ${stated(before)}`, after: ` ${stated(after)}` })),
    others: same.filter((row) => row.name !== name).map((row) => promptOf(relation, row.name)),
    own: asked
      .filter((row) => row.name === name && row.relation !== relation)
      .map((row) => promptOf(row.relation, name)),
  };
}

async function effectsOf(
  language: LanguageModel,
  { name, prompt, answer, paraphrases, others, own }: EditedFact,
  sample: readonly string[],
  place: Pick<EditFactOptions, 'at' | 'layer'>,
): Promise<number[]> {
  const neighbours = others;
  const { edited, document } = await editFact(language, {
    ...place,
    prompt,
    subject: name,
    answer,
    texts: sample,
    neighbours,
    controls: 0,
  });
  const [before, effect] = document.effects;
  const better = await Promise.all(paraphrases.map((one) => prefers(edited, one)));
  const kept = await Promise.all(
    own.map(async (one) => Number((await next(edited, one)) === (await next(language, one)))),
  );
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  return [
    effect.efficacy,
    mean(better),
    1 - (effect.neighboursChanged ?? 0),
    mean(kept),
    effect.perplexity - before.perplexity,
  ];
}

async function lastLogits(language: LanguageModel, prompt: string): Promise<Float32Array> {
  const logits = await logitsAt(language, splitIds(language, prompt, ' .')[0]);
  return logits.subarray(logits.length - language.tokenizer.size);
}

async function prefers(
  language: LanguageModel,
  { prompt, before, after }: EditedFact['paraphrases'][number],
): Promise<number> {
  const logits = await lastLogits(language, prompt);
  const [[old], [other]] = [before, after].map((word) => splitIds(language, prompt, word)[1]);
  return Number(logits[other] > logits[old]);
}

async function next(language: LanguageModel, prompt: string): Promise<number> {
  const logits = await lastLogits(language, prompt);
  return logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
}
