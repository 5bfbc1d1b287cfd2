import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { folderEntries, isFolder } from '../../data/files/folders.ts';
import { WhereforeError } from '../../errors.ts';
import { packageVersion } from '../../explain/version.ts';
import type { ExplanationFacts } from '../../language/words/facts.ts';
import { sayInWords } from '../../language/words/say.ts';
import { type Audience, audiences, tell } from '../../language/words/tell.ts';
import { type CheckedSentence, verifyText } from '../../language/words/verify.ts';
import { renderWordsPage, type WordsPart } from '../../page/language/words-page.ts';
import { toldFacts } from '../../report/told-facts.ts';
import { readExplanation } from '../../report/write-run.ts';
import { interruptible } from '../failure.ts';
import { commandLine } from '../options.ts';
import { checkWritable } from '../out-folder.ts';
import { endpointHelp, type LimitOptions, openEndpoint, usedText, withLimits } from './endpoint-options.ts';
import { leaveRun } from './leave-run.ts';

interface SayOptions extends LimitOptions {
  readonly endpoint?: string;
  readonly model?: string;
  readonly for: Audience;
  readonly ask?: string;
  readonly out: string;
  readonly json?: boolean;
}

export function defineSay(language: Command): void {
  const say = withLimits(
    language
      .command('say')
      .description('put an explanation into words, every sentence checked against it')
      .argument('<explanation>', 'an explanation .json of a run, or the folder of a run with one explanation')
      .addOption(new Option('--for <audience>', 'who reads it').choices([...audiences]).default('domain-user'))
      .option('--endpoint <address>', `${endpointHelp}, that writes; default: sentences of our own`)
      .option('--model <name>', 'the model behind it')
      .option('--ask <question>', 'let the model answer a question about the explanation instead'),
    50,
  )
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print JSON for scripts');
  say.action((path: string, options: SayOptions) =>
    interruptible((signal) => run(path, options, commandLine(say), signal)),
  );
}

async function run(path: string, options: SayOptions, command: string, signal: AbortSignal): Promise<void> {
  const facts = toldFacts(await readExplanation(await documentOf(path)));
  await checkWritable(options.out);
  const own: WordsPart = {
    title: titles[options.for],
    author: 'Made of what the explanation states.',
    sentences: tell(facts, options.for).flatMap((sentence) => verifyText(sentence, facts)),
  };
  const { part, used } = (await byModel(facts, options, signal)) ?? {};
  const parts = part ? [part, own] : [own];
  const subject = `${facts.model}: ${facts.label}`;
  const page = renderWordsPage({ subject, parts, command, madeBy: packageVersion });
  const document = { format: 'wherefore/words', version: 1, audience: options.for, facts, parts, command };
  const left = { what: 'language say', name: 'words', document, page, command };
  await leaveRun(options, left, () => parts[0].sentences.map(line).join('\n'), used);
}

const titles: Readonly<Record<Audience, string>> = {
  developer: 'For a developer',
  'domain-user': 'For those who work with the result',
  'end-user': 'For those whom the result concerns',
};

const line = ({ text, status, problems }: CheckedSentence): string =>
  status === 'struck' ? `[struck: ${problems.join('; ')}] ${text}` : text;

async function byModel(
  facts: ExplanationFacts,
  options: SayOptions,
  signal: AbortSignal,
): Promise<{ readonly part: WordsPart; readonly used: string } | undefined> {
  const { endpoint, model, ask } = options;
  if (endpoint === undefined || model === undefined) {
    if (endpoint === undefined && model === undefined && ask === undefined) return undefined;
    throw new WhereforeError(
      'invalid-argument',
      ask === undefined ? 'half of a model is named' : 'no model is named that could answer',
      {
        fix: 'give both --endpoint and --model',
      },
    );
  }
  const connected = await openEndpoint({ ...options, endpoint, model }, signal);
  const { sentences } = await sayInWords(connected, facts, options.for, { question: ask, signal });
  const author = `Written by ${connected.name}, checked here.`;
  return { part: { title: ask ?? titles[options.for], author, sentences }, used: usedText(connected) };
}

/** The document of a run's folder where it has one only; else the choice is the reader's. */
async function documentOf(path: string): Promise<string> {
  if (!(await isFolder(path))) return path;
  const names = (await folderEntries(path)).map(({ name }) => name).filter((name) => /[.]safetensors$/.test(name));
  const found = names.map((name) => name.replace(/safetensors$/, 'json'));
  if (found.length === 1) return join(path, found[0]);
  throw new WhereforeError('invalid-argument', 'the folder does not hold one explanation', {
    where: path,
    got: found.slice(0, 5).join(', ') || 'none',
    fix: 'name the .json of one explanation',
  });
}
