import type { Command } from 'commander';
import { readText } from '../../data/files/read-file.ts';
import { WhereforeError } from '../../errors.ts';
import type { Interval } from '../../evaluation/statistics.ts';
import { packageVersion } from '../../explain/version.ts';
import { type ReasoningDependence, reasoningDependence } from '../../language/reasoning/reasoning.ts';
import { renderReasoningPage } from '../../page/language/reasoning-page.ts';
import { interruptible } from '../failure.ts';
import { commandLine, wholeNumber } from '../options.ts';
import { checkWritable } from '../out-folder.ts';
import { showProgress } from '../progress.ts';
import { formatTable } from '../table-text.ts';
import { tell } from '../terminal.ts';
import { leaveRun } from './leave-run.ts';
import { type TextModelOptions, withOpenTextModel, withTextModel } from './text-model-options.ts';

interface ReasoningCommandOptions extends TextModelOptions {
  readonly answerMark: string;
  readonly stepEnd: string;
  readonly answerEnd: string;
  readonly maxTokens: number;
  readonly answerTokens: number;
  readonly filler: string;
  readonly resamples: number;
  readonly seed: number;
  readonly out: string;
  readonly json?: boolean;
}

/** Escapes that a shell makes hard to type. */
const unescaped = (text: string): string => text.replace(/\\n/g, '\n').replace(/\\t/g, '\t');

export function defineReasoning(language: Command): void {
  const reasoning = withTextModel(
    language
      .command('reasoning')
      .description(
        'test whether answers depend on the reasoning that is shown: cut off, with mistakes, without content',
      )
      .argument('<questions>', 'a text file with a question on each line; a template around it belongs to the line'),
  )
    .requiredOption(
      '--answer-mark <text>',
      'what stands between the steps and the answer, such as "Answer:"',
      unescaped,
    )
    .option('--step-end <text>', 'what ends a step', unescaped, '\n')
    .option('--answer-end <text>', 'what ends the answer', unescaped, '\n')
    .option('--max-tokens <count>', 'tokens of the steps at most', wholeNumber, 256)
    .option('--answer-tokens <count>', 'tokens of an answer at most', wholeNumber, 16)
    .option('--filler <word>', 'written in place of each word, for the control without content', '...')
    .option('--resamples <count>', 'times that each step is written anew', wholeNumber, 0)
    .option('--seed <number>', 'determines the mistakes and the samples', Number, 0)
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print JSON for scripts');
  reasoning.action((path: string, options: ReasoningCommandOptions) =>
    interruptible((signal) => run(path, options, commandLine(reasoning), signal)),
  );
}

async function run(
  path: string,
  options: ReasoningCommandOptions,
  command: string,
  signal: AbortSignal,
): Promise<void> {
  const questions = (await readText(path, 'text')).split(/\r?\n/).filter((line) => line.trim() !== '');
  if (questions.length === 0) {
    throw new WhereforeError('invalid-data', 'the file holds no question', {
      where: path,
      fix: 'write one on each line',
    });
  }
  await checkWritable(options.out);
  const progress = showProgress(process.stderr);
  const { answerMark, stepEnd, answerEnd, maxTokens, answerTokens, filler, resamples, seed } = options;
  const { result, name, used } = await withOpenTextModel(options, signal, (model) =>
    reasoningDependence(model, questions, {
      form: { answerMark, stepEnd, answerEnd, maxTokens, answerTokens },
      filler,
      resamples,
      seed,
      signal,
      onProgress: (done, total) => progress.update(done / total, () => `${done} of ${total} questions`),
    }),
  );
  progress.clear();
  const page = renderReasoningPage({ model: name, result, command, madeBy: packageVersion });
  const document = { format: 'wherefore/reasoning', version: 1, model: name, seed, ...result, command };
  const left = { what: 'language reasoning', name: 'reasoning', document, page, command };
  for (const { question, reason } of result.leftOut) tell(`left out: ${question}: ${reason}`);
  await leaveRun(options, left, () => `The answer ${result.verdict}.\n\n${formatTable(measures(result))}`, used);
}

function measures({ truncation, edits, filler, resampling, noise }: ReasoningDependence): string[][] {
  const row = (name: string, { mean, low, high }: Interval) => [
    name,
    Number.isNaN(mean) ? '–' : mean.toFixed(2),
    low === undefined || high === undefined ? '–' : `${low.toFixed(2)} to ${high.toFixed(2)}`,
  ];
  return [
    ['the answer changes when', 'share', '95 % interval'],
    row('steps are cut off', truncation),
    row('a step has a mistake', edits),
    row('steps have no content', filler),
    ...(resampling ? [row('a step is written anew', resampling)] : []),
    row('nothing changes', noise),
  ];
}
