import { drawFacts, type FactData, type FactQuestion, factShape, trainFacts } from '../../examples/language/facts.ts';
import { formatTable } from '../../src/cli/table-text.ts';
import { score } from '../../src/influence/score.ts';
import type { LanguageModel } from '../../src/language/model/language-model.ts';
import { askedRows, taughtMethods, taughtScores } from '../../src/language/taught/taught-scores.ts';
import { trainingRows } from '../../src/language/taught/token-rows.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { random } from '../../src/tensor/random.ts';
import { answersOf, type FactEvidence, factEvidence } from '../../test/language/fact-evidence.ts';
import { openDecoderModel } from '../../test/language/opened.ts';
import { interval } from './interval.ts';

export interface FactBench {
  readonly questions: number;
  readonly methods: readonly string[];
  /** Trainings of each kind in which facts are left out; 0: none. */
  readonly seeds: number;
}

/** Names that a question is compared with. */
const others = 8;

const say = (text: string) => console.log(text);

/** Which rows taught a fact: influence at the end and in the middle of the training, beside BM25 and chance. */
export async function measureFacts({ questions: count, methods, seeds }: FactBench): Promise<void> {
  const runtime = createNodeRuntime({ threads: 1 });
  const data = drawFacts();
  const moments: LanguageModel[] = [];
  const open = (model: Parameters<typeof openDecoderModel>[1]) => openDecoderModel(factShape, model, runtime);
  const onMoment = async (model: Parameters<typeof openDecoderModel>[1]) => {
    moments.push(await open(model));
  };
  const end = await open(await trainFacts(data.rows, 1, { runtime, onMoment, say }));
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
  const plain = asked.map(({ prompt, answer }) => askedRows(end, { prompt, answer: ` ${answer}` }));
  const specific = asked.map((question) => askedRows(end, specificQuestion(data, question)));
  for (const method of methods.length > 0 ? methods : Object.keys(taughtMethods)) {
    for (const [when, at] of [
      ['end', [end]],
      ...moments.map((moment, m) => [`moment ${m + 1}`, [moment]] as const),
      ['moments added', moments],
    ] as const) {
      for (const [how, questions] of [
        ['', plain],
        [', against other names', specific],
      ] as const) {
        const scores = await taughtScores({ moments: at, rows, questions, method });
        const n = rows.length;
        add(`${method}, ${when}${how}`, (q) => scores.data.subarray(q * n, (q + 1) * n));
        say(table[table.length - 1].join('  '));
      }
    }
  }
  const head = ['method', 'recall@10, all rows', 'recall@4 of the name', 'above both empty rows', 'pairs'];
  say(formatTable([head, ...table]));
  for (const moment of [...moments, end]) await moment.close();
  if (seeds > 0) await leaveOut(data, answered, seeds, runtime);
  await runtime.close();
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

/** Facts that are left out together. */
const leftOut = 16;

/** What the answer loses when the rows of a fact are left out, and as many other rows of its name. */
async function leaveOut(data: FactData, answered: readonly FactQuestion[], seeds: number, runtime: Runtime) {
  const names = new Set<string>();
  const facts = answered.filter(({ name }) => !names.has(name) && names.add(name)).slice(0, leftOut);
  const source = random(6);
  const ofName = ({ name }: FactQuestion) => data.rows.filter((row) => row.name === name);
  const stated = facts.flatMap((fact) =>
    ofName(fact).filter(({ relation, kind }) => relation === fact.relation && kind === 'stated'),
  );
  const random4 = facts.flatMap((fact) => {
    const among = ofName(fact).filter(({ relation }) => relation !== fact.relation);
    return Array.from({ length: 4 }, () => among.splice(source.integer(among.length), 1)[0]);
  });
  const kinds = { all: [], 'without the fact': stated, 'without other rows of the name': random4 };
  const means: Record<string, Float64Array> = {};
  for (const [kind, without] of Object.entries(kinds)) {
    const gone = new Set(without);
    const sum = new Float64Array(facts.length);
    const right: number[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const model = await trainFacts(
        data.rows.filter((row) => !gone.has(row)),
        seed,
        { runtime },
      );
      const language = await openDecoderModel(factShape, model, runtime);
      const found = await answersOf(language, facts);
      for (const [f, value] of found.logProbabilities.entries()) sum[f] += value / seeds;
      right.push(...found.right.map(Number));
      await language.close();
    }
    means[kind] = sum;
    say(`${kind}: log p ${interval(Array.from(sum))}, answered ${interval(right)}`);
  }
  const change = (kind: string) => facts.map((_, f) => means[kind][f] - means.all[f]);
  const [fact, other] = [change('without the fact'), change('without other rows of the name')];
  say(`change without the fact ${interval(fact)}, without other rows ${interval(other)}`);
  say(`difference ${interval(fact.map((value, f) => value - other[f]))} nats`);
  say(`the fact costs more in ${fact.filter((value, f) => value < other[f]).length} of ${facts.length}`);
}
