import type { Command } from 'commander';
import { columnNamed, type Table } from '../../data/formats/table.ts';
import { readTable } from '../../data/formats/table-file.ts';
import { WhereforeError } from '../../errors.ts';
import type {
  AuditDocument,
  AuditKind,
  AuditMeasure,
  AuditProgress,
  AuditResult,
} from '../../language/audit/audit-document.ts';
import { behaviourAudit, holdsAny } from '../../language/audit/behaviour.ts';
import { fairnessAudit, type WordGroup } from '../../language/audit/fairness.ts';
import { honestyAudit, sameByModel } from '../../language/audit/honesty.ts';
import { memoryAudit } from '../../language/audit/memory.ts';
import type { TextModel } from '../../language/text-model.ts';
import { renderAuditPage } from '../../page/language/audit-page.ts';
import { interruptible } from '../failure.ts';
import { commandLine, repeated, wholeNumber } from '../options.ts';
import { checkWritable } from '../out-folder.ts';
import { showProgress } from '../progress.ts';
import { formatTable } from '../table-text.ts';
import { visibleAll } from '../terminal.ts';
import { numberOption } from './language-options.ts';
import { leaveRun } from './leave-run.ts';
import { linesOf } from './lines.ts';
import { type TextModelOptions, withOpenTextModel, withTextModel } from './text-model-options.ts';

interface AuditOptions extends TextModelOptions {
  readonly out: string;
  readonly json?: boolean;
}

/** What an audit asks, once its files are read. */
type Ask = (model: TextModel, signal: AbortSignal, onProgress: AuditProgress) => Promise<AuditResult>;

/** `wherefore language audit`: a command for each kind of audit. */
export function defineAudits(language: Command): void {
  const audit = language
    .command('audit')
    .description('look for what a model should not do: secrets by heart, unequal treatment, harm, answers made up');
  for (const define of [defineMemory, defineFairness, defineBehaviour, defineHonesty]) define(audit);
}

/** Options that all audits share, and what they do with what is asked. */
function asAudit<O extends AuditOptions>(
  command: Command,
  kind: AuditKind,
  prepare: (path: string, options: O) => Promise<Ask>,
): void {
  withTextModel(command)
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print JSON for scripts')
    .action((path: string, options: O) =>
      interruptible(async (signal) => {
        const ask = await prepare(path, options);
        await checkWritable(options.out);
        const progress = showProgress(process.stderr);
        const { result, name, used } = await withOpenTextModel(options, signal, (model) =>
          ask(model, signal, (done, total) => progress.update(done / total, () => `${done} of ${total}`)),
        ).finally(() => progress.clear());
        const line = commandLine(command);
        const document: AuditDocument = {
          format: 'wherefore/language-audit',
          version: 1,
          model: name,
          ...result,
          command: line,
        };
        const left = {
          what: `language audit ${kind}`,
          name: 'audit',
          document,
          page: renderAuditPage(document),
          command: line,
        };
        await leaveRun(options, left, () => describe(visibleAll(document)), used);
      }),
    );
}

function describe({ verdict, measures, notes }: AuditDocument): string {
  const number = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? '–' : value.toFixed(2));
  const row = ({ name, value, low, high, note = '' }: AuditMeasure) => [
    name,
    number(value),
    low === undefined ? '' : `${number(low)} to ${number(high)}`,
    note,
  ];
  const table = formatTable([['measure', 'value', '95 % interval', ''], ...measures.map(row)]);
  return [verdict, '', table, ...notes.map((note) => `note: ${note}`)].join('\n');
}

interface MemoryCommandOptions extends AuditOptions {
  readonly alternatives: string;
  readonly drawn?: number;
  readonly seed: number;
}

function defineMemory(audit: Command): void {
  const command = audit
    .command('memory')
    .description('which planted secrets a model knows by heart, by how often they stood in its training data')
    .argument('<canaries>', 'a table with columns prefix, secret and copies; some with 0 copies, as the control')
    .requiredOption('--alternatives <file>', 'other secrets that could stand there as well, one on each line')
    .option('--drawn <count>', 'alternatives that each secret is compared with; default all', wholeNumber)
    .option('--seed <number>', 'determines which', numberOption, 0);
  asAudit<MemoryCommandOptions>(command, 'memory', async (path, { alternatives, drawn, seed }) => {
    const table = await readTable(path, { kinds: { prefix: 'text', secret: 'text', copies: 'number' }, missing: [''] });
    const [prefixes, secrets] = ['prefix', 'secret'].map((name) => textsOf(table, name, path));
    const copies = columnNamed(table, 'copies', path).values as ArrayLike<number>;
    const canaries = prefixes.map((prefix, i) => ({ prefix, secret: behind(secrets[i]), copies: Number(copies[i]) }));
    const others = (await linesOf(alternatives, 'secret')).map(behind);
    return (model, signal, onProgress) =>
      memoryAudit(model, canaries, { alternatives: others, drawn, seed, signal, onProgress });
  });
}

interface FairnessCommandOptions extends AuditOptions {
  readonly group: string[];
  readonly answer: string;
  readonly against?: string;
}

function defineFairness(audit: Command): void {
  const command = audit
    .command('fairness')
    .description('how much more probable an answer becomes when a text names one group instead of another')
    .argument('<templates>', 'a text file with a text on each line, {word} where a word of a group goes')
    .requiredOption('--group <name=words>', 'a group and its words, with commas between; give two', repeated)
    .requiredOption('--answer <text>', 'what may come behind a text')
    .option('--against <text>', 'another answer: how much the first is preferred is compared');
  asAudit<FairnessCommandOptions>(command, 'fairness', async (path, { group, answer, against }) => {
    const templates = await linesOf(path, 'template');
    const groups = group.map(groupOf);
    if (groups.length !== 2) {
      throw new WhereforeError('invalid-argument', '--group', {
        got: `${groups.length} groups`,
        expected: 'two',
        fix: 'give --group twice',
      });
    }
    const question = { templates, groups: [groups[0], groups[1]] as const, answer, against };
    return (model, signal, onProgress) => fairnessAudit(model, question, { signal, onProgress });
  });
}

function groupOf(text: string): WordGroup {
  const [name, words = ''] = text.split(/=(.*)/s);
  const list = words
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean);
  if (name !== '' && list.length > 0) return { name, words: list };
  throw new WhereforeError('invalid-argument', '--group', { got: text, expected: 'women=Anna,Maria' });
}

interface BehaviourCommandOptions extends AuditOptions {
  readonly shows?: string;
  readonly unless?: string;
  readonly templates?: string;
  readonly mitigation?: string;
  readonly name?: string;
  readonly maxTokens: number;
}

function defineBehaviour(audit: Command): void {
  const command = audit
    .command('behaviour')
    .description('how often answers show what they should not: as they are asked, in templates, with a mitigation')
    .argument('<prompts>', 'a text file with a prompt on each line')
    .option('--shows <file>', 'words or phrases, one on each line, that show it')
    .option('--unless <file>', 'or phrases, one on each line, without which an answer shows it, as those of refusals')
    .option(
      '--templates <file>',
      'texts, one on each line, with {prompt} where the prompt goes, that try to bring it about',
    )
    .option('--mitigation <text>', 'a text before the prompt that is to prevent it')
    .option('--name <words>', 'what it is called')
    .option('--max-tokens <count>', 'tokens of an answer at most', wholeNumber, 64);
  asAudit<BehaviourCommandOptions>(command, 'behaviour', async (path, options) => {
    const { templates, mitigation, name, maxTokens } = options;
    const prompts = await linesOf(path, 'prompt');
    const shows = await showsOf(options);
    const question = {
      prompts,
      templates: templates === undefined ? [] : await linesOf(templates, 'template'),
      mitigation,
      shows,
      name,
    };
    return (model, signal, onProgress) => behaviourAudit(model, question, { maxTokens, signal, onProgress });
  });
}

async function showsOf({ shows, unless }: BehaviourCommandOptions): Promise<(answer: string) => boolean> {
  if ((shows === undefined) === (unless === undefined)) {
    throw new WhereforeError('invalid-argument', 'it is not said which answers show it', {
      fix: 'give --shows words.txt, or --unless refusals.txt',
    });
  }
  if (shows !== undefined) return holdsAny(await linesOf(shows, 'word'));
  const refuses = holdsAny(await linesOf(unless as string, 'phrase'));
  return (answer) => answer.trim() !== '' && !refuses(answer);
}

interface HonestyCommandOptions extends AuditOptions {
  readonly samples: number;
  readonly maxTokens: number;
  readonly meaning?: boolean;
}

function defineHonesty(audit: Command): void {
  const command = audit
    .command('honesty')
    .description(
      'whether a model says different things when it is asked again, and whether that tells its wrong answers',
    )
    .argument('<questions>', 'a table with a column question, and a column right where the right answers are known')
    .option('--samples <count>', 'answers drawn to each question', wholeNumber, 10)
    .option('--max-tokens <count>', 'tokens of an answer at most', wholeNumber, 32)
    .option('--meaning', 'let the model say which answers mean the same; default: those of the same words');
  asAudit<HonestyCommandOptions>(command, 'honesty', async (path, { samples, maxTokens, meaning }) => {
    const table = await readTable(path, { kinds: { question: 'text', right: 'text' }, missing: [''] });
    const rights = table.columns.some(({ name }) => name === 'right') ? textsOf(table, 'right', path) : undefined;
    const questions = textsOf(table, 'question', path).map((question, i) => ({
      question,
      right: rights?.[i] || undefined,
    }));
    return (model, signal, onProgress) =>
      honestyAudit(model, questions, {
        samples,
        maxTokens,
        signal,
        onProgress,
        ...(meaning && { same: sameByModel(model, signal) }),
      });
  });
}

/** A secret comes behind its prefix: with a space, where it has none. */
const behind = (secret: string): string => (/^\s/.test(secret) ? secret : ` ${secret}`);

function textsOf(table: Table, name: string, where: string): string[] {
  const column = columnNamed(table, name, where);
  return Array.from(column.values as ArrayLike<unknown>, (value) => String(value ?? ''));
}
