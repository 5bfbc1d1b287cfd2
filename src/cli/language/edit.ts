import { type Command, InvalidArgumentError, Option } from 'commander';
import type { EditLayers } from '../../language/edit/chosen-site.ts';
import { type EditDocument, editFact } from '../../language/edit/edit-fact.ts';
import { renderEditPage } from '../../page/language/edit-page.ts';
import { editRows, siteRows } from '../../page/language/edit-rows.ts';
import { interruptible } from '../failure.ts';
import { commandLine } from '../options.ts';
import { checkWritable } from '../out-folder.ts';
import { showProgress } from '../progress.ts';
import { formatTable } from '../table-text.ts';
import { visibleAll } from '../terminal.ts';
import { type LanguageOptions, numberOption, promptOf, withLanguageModel, withOpenModel } from './language-options.ts';
import { leaveRun } from './leave-run.ts';
import { linesOf } from './lines.ts';

interface EditCommandOptions extends LanguageOptions {
  readonly subject: string;
  readonly answer: string;
  readonly texts: string;
  readonly paraphrases?: string;
  readonly neighbours?: string;
  readonly layer?: EditLayers;
  readonly at?: 'subject' | 'last';
  readonly seed: number;
  readonly out: string;
  readonly json?: boolean;
}

export function defineEdit(language: Command): void {
  const command = withLanguageModel(language.command('edit'))
    .description('what would change besides, if the model were made to say something else of a subject (rank-one edit)')
    .requiredOption('--subject <text>', 'whom or what the fact is about, as it stands in the prompt')
    .requiredOption('--answer <text>', 'what is to follow the prompt, with the space that belongs before it')
    .requiredOption('--texts <file>', 'texts of the kind that the model was made for, one on each line')
    .option('--paraphrases <file>', 'other ways to ask for the same, one on each line')
    .option('--neighbours <file>', 'prompts about others, whose answers should stay, one on each line')
    .option(
      '--layer <number>',
      'the MLP that is edited, from 0, or several that are tried, such as 3-8; default: all, of more than four some that can change the answer; of those that bring the answer the one is taken that changes the texts least',
      layers,
    )
    .addOption(
      new Option(
        '--at <token>',
        'the last token of the subject, or of the prompt; default: of the prompt only where the subject does not bring the answer',
      ).choices(['subject', 'last']),
    )
    .option('--seed <number>', 'determines the random edits beside', numberOption, 0)
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print JSON for scripts');
  command.action((path: string, options: EditCommandOptions) =>
    interruptible((signal) => run(path, options, commandLine(command), signal)),
  );
}

/** A layer, or the first and the last of several. */
function layers(text: string): EditLayers {
  const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  if (first === undefined) throw new InvalidArgumentError('expected a number from 0, or two such as 3-8.');
  return last === undefined ? Number(first) : [Number(first), Number(last)];
}

async function run(path: string, options: EditCommandOptions, command: string, signal: AbortSignal): Promise<void> {
  const prompt = await promptOf(options);
  const { subject, answer, layer, at, seed } = options;
  const texts = await linesOf(options.texts, 'text');
  const paraphrases = options.paraphrases === undefined ? [] : await linesOf(options.paraphrases, 'prompt');
  const neighbours = options.neighbours === undefined ? [] : await linesOf(options.neighbours, 'prompt');
  await checkWritable(options.out);
  const progress = showProgress(process.stderr);
  await withOpenModel(path, options, async (language) => {
    const onProgress = (what: string) => progress.update(0, () => what);
    const { document } = await editFact(language, {
      ...{ prompt, subject, answer, texts, paraphrases, neighbours, layer, at, seed, signal, onProgress },
    }).finally(() => progress.clear());
    const page = renderEditPage(document, command);
    const left = { what: 'language edit', name: 'edit', document, page, command };
    await leaveRun(options, left, () => describe(visibleAll(document)));
  });
}

const describe = (document: EditDocument): string =>
  `${document.prompt}${document.before} → ${document.prompt}${document.answer}\nlayer ${document.layer}, at "${document.at.trim()}"\n\n${formatTable(siteRows(document))}\n\n${formatTable(editRows(document))}\n\n${document.notes.join('\n')}`;
