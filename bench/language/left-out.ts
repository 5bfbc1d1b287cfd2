import {
  drawFacts,
  type FactData,
  type FactQuestion,
  type FactRow,
  factShape,
  trainFacts,
} from '../../examples/language/facts.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { random } from '../../src/tensor/random.ts';
import { answersOf } from '../../test/language/fact-evidence.ts';
import { openDecoderModel } from '../../test/language/opened.ts';
import { interval } from './interval.ts';

/** Facts that are left out together, each of another name. */
const leftOut = 16;

/**
 * What the answer to a question loses when the four rows of its fact are left out of the training, beside four other rows
 * of its name: means over so many trainings of each kind. The facts are among those that the first training answers.
 */
export async function measureLeftOut(seeds: number): Promise<void> {
  const runtime = createNodeRuntime({ threads: 1 });
  const data = drawFacts();
  const all = await answersAfter(data.rows, data.questions, seeds, runtime);
  const names = new Set<string>();
  const chosen = [...data.questions.keys()]
    .filter((q) => all.right[0][q] && !names.has(data.questions[q].name) && names.add(data.questions[q].name))
    .slice(0, leftOut);
  const facts = chosen.map((q) => data.questions[q]);
  const source = random(6);
  const stated = new Set(facts.flatMap((fact) => statedRows(data, fact)));
  const others = new Set(
    facts.flatMap(({ name, relation }) => {
      const among = data.rows.filter((row) => row.name === name && row.relation !== relation);
      return Array.from({ length: 4 }, () => among.splice(source.integer(among.length), 1)[0]);
    }),
  );
  const before = chosen.map((q) => all.logProbabilities[q]);
  print(
    'all rows',
    before,
    chosen.flatMap((q) => all.right.map((right) => right[q])),
  );
  const lost: Record<string, number[]> = {};
  for (const [kind, gone] of Object.entries({ fact: stated, others })) {
    const rows = data.rows.filter((row) => !gone.has(row));
    const { logProbabilities, right } = await answersAfter(rows, facts, seeds, runtime);
    print(kind === 'fact' ? 'without the facts' : 'without other rows of the names', logProbabilities, right.flat());
    lost[kind] = before.map((value, f) => value - logProbabilities[f]);
  }
  console.log(`lost without the fact ${interval(lost.fact)} nats, without other rows ${interval(lost.others)}`);
  console.log(`the fact costs more by ${interval(lost.fact.map((value, f) => value - lost.others[f]))} nats`);
  console.log(`in ${lost.fact.filter((value, f) => value > lost.others[f]).length} of ${facts.length} facts`);
  await runtime.close();
}

const statedRows = ({ rows }: FactData, { name, relation }: FactQuestion) =>
  rows.filter((row) => row.name === name && row.relation === relation && row.kind === 'stated');

const print = (what: string, logProbabilities: readonly number[], right: readonly boolean[]) =>
  console.log(`${what}: log p ${interval(logProbabilities)}, answered ${interval(right.map(Number))}`);

/** Means of log p over trainings on some rows, and of each training whether it answers. */
async function answersAfter(
  rows: readonly FactRow[],
  questions: readonly FactQuestion[],
  seeds: number,
  runtime: Runtime,
) {
  const logProbabilities = new Array<number>(questions.length).fill(0);
  const right: (readonly boolean[])[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const language = await openDecoderModel(factShape, await trainFacts(rows, seed, { runtime }), runtime);
    const found = await answersOf(language, questions);
    for (const [q, value] of found.logProbabilities.entries()) logProbabilities[q] += value / seeds;
    right.push(found.right);
    await language.close();
  }
  return { logProbabilities, right };
}
