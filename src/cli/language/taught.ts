import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { isFile } from '../../data/files/folders.ts';
import { readText } from '../../data/files/read-file.ts';
import { WhereforeError } from '../../errors.ts';
import { type LanguageModel, openLanguageModel } from '../../language/model/language-model.ts';
import { similarTexts, taught } from '../../language/taught/taught.ts';
import type { TaughtDocument, TaughtRow } from '../../language/taught/taught-document.ts';
import { taughtMethod, taughtMethods } from '../../language/taught/taught-scores.ts';
import { renderTaughtPage } from '../../page/language/taught-page.ts';
import { numberText, signedText } from '../../page/number-text.ts';
import { checkpointWeights, namedCheckpoints } from '../checkpoint-model.ts';
import { interruptible } from '../failure.ts';
import { commandLine, list, runtimeOf, wholeNumber } from '../options.ts';
import { checkWritable } from '../out-folder.ts';
import { showProgress } from '../progress.ts';
import { formatTable } from '../table-text.ts';
import { visibleAll } from '../terminal.ts';
import { type LanguageOptions, numberOption, promptOf, withLanguageModel, withOpenModel } from './language-options.ts';
import { leaveRun } from './leave-run.ts';

interface TaughtCommandOptions extends LanguageOptions {
  readonly data: string;
  readonly answer: string;
  readonly endpoint?: string;
  readonly checkpoints?: readonly string[];
  readonly instead?: { readonly word: string; readonly others: readonly string[] };
  readonly method?: string;
  readonly rows?: number;
  readonly seed: number;
  readonly out: string;
  readonly json?: boolean;
}

export function defineTaught(language: Command): void {
  const command = withLanguageModel(language.command('taught'))
    .description('which training texts taught the model an answer: those that move it, and those that state it')
    .requiredOption('--data <file>', 'the training texts, one on each line')
    .requiredOption('--answer <text>', 'the answer behind the prompt')
    .option(
      '--checkpoints <files>',
      'moments from the middle of the training, first to last: .safetensors of weights, models in their folders, or a folder that train wrote',
      list,
    )
    .option(
      '--instead <word=others>',
      'a word of the prompt and others in its place, as Anna=Bela,Cora: only what moves the answer for the first counts',
      insteadOf,
    )
    .option(
      '--endpoint <address>',
      'the model is behind an address and gives no gradients: similar texts alone, which is no influence; it is not asked',
    )
    .option('--method <name>', `of ${Object.keys(taughtMethods).join(', ')}; default ek-fac`)
    .option('--rows <count>', 'texts of each list; default 10', wholeNumber)
    .option('--seed <number>', 'determines what is drawn', numberOption, 0)
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print JSON for scripts');
  command.action((path: string, options: TaughtCommandOptions) =>
    interruptible((signal) => run(path, options, commandLine(command), signal)),
  );
}

function insteadOf(text: string) {
  const [word, others, more] = text.split('=');
  const found = (others ?? '')
    .split(',')
    .map((other) => other.trim())
    .filter((other) => other !== '');
  if (word.trim() !== '' && found.length > 0 && more === undefined) return { word: word.trim(), others: found };
  throw new InvalidArgumentError('expected a word of the prompt and others: Anna=Bela,Cora.');
}

async function run(path: string, options: TaughtCommandOptions, command: string, signal: AbortSignal): Promise<void> {
  const prompt = await promptOf(options);
  const { data, answer, instead, method, rows: count, seed } = options;
  if (method !== undefined) taughtMethod(method);
  await checkWritable(options.out);
  const texts = (await readText(data, 'text')).split(/\r?\n/).filter((line) => line.trim() !== '');
  const leave = (document: TaughtDocument) =>
    leaveRun(
      options,
      { what: 'language taught', name: 'taught', document, page: renderTaughtPage(document, command), command },
      () => describe(visibleAll(document)),
    );
  if (options.endpoint !== undefined) return leave(await similarTexts({ texts, prompt, answer, model: path, count }));
  const progress = showProgress(process.stderr);
  await withOpenModel(path, options, async (language) => {
    const checkpoints = await openMoments(path, language, options);
    try {
      const document = await taught(language, {
        ...{ texts, prompt, answer, instead, checkpoints, method, count, seed, signal },
        onProgress: (what, share) => progress.update(share, () => `influence at ${what}`),
      }).finally(() => progress.clear());
      await leave(document);
    } finally {
      for (const moment of checkpoints) await moment.close();
    }
  });
}

/** The model at each moment that is named: a folder or file of a model, or weights for the model at hand. */
async function openMoments(path: string, language: LanguageModel, options: TaughtCommandOptions) {
  const opened: LanguageModel[] = [];
  const how = { file: options.file, tokenizer: options.tokenizer, ...runtimeOf(options) };
  try {
    for (const { model, checkpoint } of await namedMoments(path, options.checkpoints ?? [])) {
      if (checkpoint === undefined) {
        opened.push(await openLanguageModel(model, runtimeOf(options)));
        continue;
      }
      const { tensors, hash } = await checkpointWeights(checkpoint);
      const own = new Map([...tensors].filter(([, { type }]) => type === 'float32'));
      const name = checkpoint.split('/').at(-1) as string;
      opened.push(await openLanguageModel(path, { ...how, weights: { name, hash, tensors: own } }));
    }
    const other = opened.find(({ tokenizer }) => tokenizer.size !== language.tokenizer.size);
    if (!other) return opened;
    throw new WhereforeError('invalid-argument', 'a moment of the training has another vocabulary than the model', {
      where: other.name,
      got: `${other.tokenizer.size} tokens`,
      expected: `${language.tokenizer.size}`,
    });
  } catch (error) {
    for (const moment of opened) await moment.close();
    throw error;
  }
}

/** A folder with a tokenizer is a model; any other holds checkpoints. */
async function namedMoments(path: string, names: readonly string[]) {
  const found: Awaited<ReturnType<typeof namedCheckpoints>>[] = [];
  for (const name of names) {
    const isModel = await isFile(join(name, 'tokenizer.json'));
    found.push(isModel ? [{ model: name }] : await namedCheckpoints(path, [name]));
  }
  return found.flat();
}

/** Texts of each list that a terminal shows; the page has all. */
const shown = 5;

function describe(document: TaughtDocument): string {
  const { answer, logProbability, checkpoints, movers, against, statements, rows, method, notes } = document;
  const place = (value: number | undefined) => (value === undefined ? '' : String(Math.round(value)));
  const listOf = (found: readonly TaughtRow[]) =>
    found.length === 0
      ? '  none'
      : formatTable([
          [...(method ? ['  moves', 'place'] : []), 'states', 'place', 'text'],
          ...found
            .slice(0, shown)
            .map(({ moves, movesPlace, states, statesPlace, row, text }) => [
              ...(moves === undefined ? [] : [`  ${signedText(moves)}`, place(movesPlace)]),
              numberText(states, 3),
              place(statesPlace),
              `${row}: ${text.length > 60 ? `${text.slice(0, 59)}…` : text}`,
            ]),
        ]);
  const moved = method && ['\nTexts that move it most', listOf(movers), '\nTexts that lower it most', listOf(against)];
  return [
    `answer: ${JSON.stringify(answer)}${logProbability === undefined ? '' : `  log p = ${numberText(logProbability, 4)}`}`,
    ...checkpoints.map(({ name, logProbability: then }) => `at ${name}: log p = ${numberText(then, 4)}`),
    `${rows} texts, ${method ? `moves by ${method.title}, ` : ''}states by BM25`,
    ...(moved ?? []),
    '\nTexts that state it most literally',
    listOf(statements),
    '',
    ...notes.map((note) => `note: ${note}`),
  ].join('\n');
}
