import { join } from 'node:path';
import {
  drawFacts,
  type FactData,
  type FactQuestion,
  factShape,
  factTraining,
  trainFacts,
} from '../../examples/language/facts.ts';
import { formatTable } from '../../src/cli/table-text.ts';
import { score } from '../../src/influence/score.ts';
import { type LanguageModel, openLanguageModel } from '../../src/language/model/language-model.ts';
import { askedRows, taughtScores } from '../../src/language/taught/taught-scores.ts';
import { trainingRows } from '../../src/language/taught/token-rows.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { random } from '../../src/tensor/random.ts';
import { answersOf, type FactEvidence, factEvidence } from '../../test/language/fact-evidence.ts';
import { openDecoderModel } from '../../test/language/opened.ts';
import { interval } from './interval.ts';

export interface FactBench {
  readonly questions: number;
  readonly methods: readonly string[];
  /** Where `language:train -- facts --out` left its models; default: they are trained. */
  readonly models?: string;
}

/** Names that a question is compared with. */
const others = 4;

const say = (text: string) => console.log(text);

/** Which rows taught a fact: influence at the end and in the middle of the training, beside BM25 and chance. */
export async function measureFacts({ questions: count, methods, models }: FactBench): Promise<void> {
  const runtime = createNodeRuntime({ threads: 1 });
  const data = drawFacts();
  const { end, moments } = await trained(data, models, runtime);
  const { right } = await answersOf(end, data.questions);
  say(
    `${data.rows.length} rows; ${data.questions.length} questions in new words, answered ${interval(right.map(Number))}`,
  );
  const answered = data.questions.filter((_, q) => right[q]);
  const asked = answered.slice(0, count);
  const rows = trainingRows(
    end,
    data.rows.map(({ text }) => text),
  );
  const table: string[][] = [];
  const add = (title: string, scoresOf: (q: number) => ArrayLike<number>) =>
    table.push([title, ...measured(data, asked, scoresOf)]);
  await addControls(data, asked, add);
  const questions = [
    ...asked.map(({ prompt, answer }) => askedRows(end, { prompt, answer: ` ${answer}` })),
    ...asked.map((question) => askedRows(end, specificQuestion(data, question))),
  ];
  for (const method of methods.length > 0 ? methods : ['ek-fac', 'grad-cos']) {
    const each: Float64Array[] = [];
    const addBoth = (when: string, scores: Float64Array) => {
      const of = (q: number) => scores.subarray(q * rows.length, (q + 1) * rows.length);
      add(`${method}, ${when}`, of);
      add(`${method}, ${when}, against other names`, (q) => of(asked.length + q));
      for (const row of table.slice(-2)) say(row.join('  '));
    };
    for (const [m, moment] of moments.entries()) {
      each.push((await taughtScores({ moments: [moment], rows, questions, method })).data);
      addBoth(`at ${100 * factTraining.moments[m]} %`, each[m]);
    }
    // Each moment counts alike: scores of one moment are at most 1 already.
    addBoth(
      'moments added',
      each[0].map((_, j) => each.reduce((sum, one) => sum + one[j], 0)),
    );
    addBoth('end', (await taughtScores({ moments: [end], rows, questions, method })).data);
  }
  const head = ['method', 'recall@10, all rows', 'recall@4 of the name', 'above both empty rows', 'pairs'];
  say(formatTable([head, ...table]));
  for (const moment of [...moments, end]) await moment.close();
  await runtime.close();
}

async function trained(data: FactData, models: string | undefined, runtime: Runtime) {
  const moments: LanguageModel[] = [];
  if (models !== undefined) {
    for (const part of factTraining.moments)
      moments.push(await openLanguageModel(join(models, `facts-${100 * part}`), { runtime }));
    return { end: await openLanguageModel(join(models, 'facts'), { runtime }), moments };
  }
  const open = (model: OnnxModel) => openDecoderModel(factShape, model, runtime);
  const onMoment = async (model: OnnxModel) => {
    moments.push(await open(model));
  };
  return { end: await open(await trainFacts(data.rows, 1, { runtime, onMoment, say })), moments };
}

/** The answer for a name, less what it is for other names. */
function specificQuestion(data: FactData, { name, prompt, answer }: FactQuestion) {
  const source = random(5, data.names.indexOf(name));
  const among = data.names.filter((other) => other !== name);
  const drawn = Array.from({ length: others }, () => among.splice(source.integer(among.length), 1)[0]);
  return { prompt, answer: ` ${answer}`, instead: { word: name, others: drawn } };
}

function measured(data: FactData, asked: readonly FactQuestion[], scoresOf: (q: number) => ArrayLike<number>) {
  const found = asked.map((question, q) => factEvidence(data, question, scoresOf(q)));
  const of = (key: keyof FactEvidence) => interval(found.map((one) => one[key]));
  return [of('recall10'), of('recall4'), of('aboveEmpty'), of('pairs')];
}

async function addControls(
  data: FactData,
  asked: readonly FactQuestion[],
  add: (title: string, scoresOf: (q: number) => ArrayLike<number>) => void,
): Promise<void> {
  const texts = data.rows.map(({ text }) => text);
  const n = texts.length;
  for (const [title, queries] of [
    ['BM25 of the question', asked.map(({ prompt }) => prompt)],
    ['BM25 of question and answer', asked.map(({ prompt, answer }) => `${prompt} ${answer}`)],
  ] as const) {
    const context = { rows: n, queries: queries.length, seed: 0, texts: { rows: texts, queries } };
    const { values } = await score('bm25', context);
    const source = random(3);
    // Rows that score alike stand in random order.
    add(title, (q) => values.data.subarray(q * n, (q + 1) * n).map((value) => value + 1e-9 * source.uniform()));
  }
  add('random', (q) => {
    const source = random(4, q);
    return texts.map(() => source.uniform());
  });
}
