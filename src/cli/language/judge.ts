import type { Command } from 'commander';
import { columnNamed, type Table } from '../../data/formats/table.ts';
import { readTable } from '../../data/formats/table-file.ts';
import { WhereforeError } from '../../errors.ts';
import type { Interval } from '../../evaluation/statistics.ts';
import { packageVersion } from '../../explain/version.ts';
import { type AnswerPair, defaultRubric, judgePairs } from '../../language/judge/judge-pairs.ts';
import {
  againstPeople,
  type JudgementDocument,
  judgementSentence,
  type PersonsChoice,
} from '../../language/judge/judgement-document.ts';
import { renderJudgementPage } from '../../page/language/judgement-page.ts';
import { interruptible } from '../failure.ts';
import { commandLine } from '../options.ts';
import { checkWritable } from '../out-folder.ts';
import { showProgress } from '../progress.ts';
import { formatTable } from '../table-text.ts';
import { tell } from '../terminal.ts';
import { type EndpointCommandOptions, openEndpoint, usedText, withEndpoint } from './endpoint-options.ts';
import { leaveRun } from './leave-run.ts';

interface JudgeCommandOptions extends EndpointCommandOptions {
  readonly rubric: string;
  readonly a: string;
  readonly b: string;
  readonly people?: string;
  readonly out: string;
  readonly json?: boolean;
}

export function defineJudge(language: Command): void {
  const judge = withEndpoint(
    language
      .command('judge')
      .description('let a model compare answers pair by pair, and say how far it can be trusted')
      .argument('<pairs>', 'a table (.csv, .jsonl, .parquet) with columns question, a and b; id where rows have names'),
  )
    .option('--rubric <words>', 'what makes an answer the better one', defaultRubric)
    .option('--a <name>', 'what the answers of column a are called', 'A')
    .option('--b <name>', 'what the answers of column b are called', 'B')
    .option('--people <column>', 'a column with what people said of some rows, drawn at random: a, b or tie')
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print JSON for scripts');
  judge.action((path: string, options: JudgeCommandOptions) =>
    interruptible((signal) => run(path, options, commandLine(judge), signal)),
  );
}

async function run(path: string, options: JudgeCommandOptions, command: string, signal: AbortSignal): Promise<void> {
  checkWords(options);
  const kinds = { question: 'text', a: 'text', b: 'text', id: 'text' } as const;
  const table = await readTable(path, { kinds, missing: [''] });
  const pairs = pairsOf(table, path);
  const people = options.people === undefined ? undefined : peopleOf(table, options.people, pairs, path);
  await checkWritable(options.out);
  const endpoint = await openEndpoint(options, signal);
  const progress = showProgress(process.stderr);
  tell(
    `${pairs.length === 1 ? '1 pair' : `${pairs.length} pairs`} in both orders: ${2 * pairs.length} requests at most`,
  );
  const judgement = await judgePairs(endpoint, pairs, {
    rubric: options.rubric,
    signal,
    onProgress: (done, total) => progress.update(done / total, () => `${done} of ${total} pairs`),
  });
  progress.clear();
  const document: JudgementDocument = {
    format: 'wherefore/judgement',
    version: 1,
    created: new Date().toISOString(),
    versions: { wherefore: packageVersion },
    judge: { name: endpoint.name, url: endpoint.url },
    rubric: options.rubric,
    sides: { a: options.a, b: options.b },
    pairs,
    judgement,
    ...(people && { people: againstPeople(judgement, people) }),
    used: endpoint.used(),
    command,
  };
  const page = renderJudgementPage(document);
  const left = { what: 'language judge', name: 'judgement', document, page, command };
  const without = document.people?.without;
  const words = () =>
    `${judgementSentence(document)}\n\n${formatTable(measures(document))}${without ? `\nnot corrected by people: ${without}` : ''}`;
  await leaveRun(options, left, words, usedText(endpoint));
}

/** @throws WhereforeError `invalid-argument` for a rubric without words, and sides that cannot be told apart */
function checkWords({ rubric, a, b }: JudgeCommandOptions): void {
  for (const [name, text] of Object.entries({ rubric, a, b })) {
    if (text.trim() !== '') continue;
    throw new WhereforeError('invalid-argument', `--${name} is empty`, { fix: 'give it words, or leave it away' });
  }
  if (a !== b) return;
  throw new WhereforeError('invalid-argument', 'both sides are called the same', { got: a, fix: 'give --a and --b' });
}

function measures({ judgement, people, sides }: JudgementDocument): string[][] {
  const { winRate, consistency, orderBias, longerWins } = judgement;
  const number = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? '–' : value.toFixed(2));
  const row = (name: string, value: Interval | undefined) => [
    name,
    number(value?.mean),
    value?.low === undefined ? '–' : `${number(value.low)} to ${number(value.high)}`,
  ];
  const kappa = people?.kappa;
  const corrected = people?.winRate;
  return [
    ['measure', 'value', '95 % interval'],
    row(`${sides.a} wins`, winRate),
    ['chance of so uneven a result', judgement.chance < 0.005 ? '< 0.01' : number(judgement.chance), '–'],
    row('both orders agree', consistency),
    row('order bias', orderBias),
    row('the longer answer wins', longerWins),
    ...(kappa ? [row('agreement with people (kappa)', { ...kappa, mean: kappa.value ?? Number.NaN })] : []),
    ...(corrected ? [row(`${sides.a} wins, corrected by people`, { ...corrected, count: people.rated })] : []),
  ];
}

/** Pairs of a table; rows without an id are named by their number. */
function pairsOf(table: Table, where: string): AnswerPair[] {
  const [question, a, b] = ['question', 'a', 'b'].map((name) => textsOf(table, name, where));
  const ids = table.columns.some(({ name }) => name === 'id') ? textsOf(table, 'id', where) : undefined;
  return question.map((text, i) => ({ id: ids?.[i] ?? String(i), question: text, a: a[i], b: b[i] }));
}

function textsOf(table: Table, name: string, where: string): string[] {
  const column = columnNamed(table, name, where);
  return Array.from(column.values as ArrayLike<unknown>, (value) => String(value ?? ''));
}

function peopleOf(table: Table, name: string, pairs: readonly AnswerPair[], where: string): Map<string, PersonsChoice> {
  const said = new Map<string, PersonsChoice>();
  for (const [i, text] of textsOf(table, name, where).entries()) {
    const choice = text.trim().toLowerCase();
    if (choice === '') continue;
    if (choice !== 'a' && choice !== 'b' && choice !== 'tie') {
      const details = { where: `${where}, row ${i}, column ${name}`, got: text, expected: 'a, b, tie, or nothing' };
      throw new WhereforeError('invalid-data', 'what people said is none of the choices', details);
    }
    said.set(pairs[i].id, choice);
  }
  return said;
}
