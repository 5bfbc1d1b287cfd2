import type { Command } from 'commander';
import { readText } from '../../data/files/read-file.ts';
import { packageVersion } from '../../explain/version.ts';
import { type Source, type SourceQuestion, type SourceUse, sourceUse } from '../../language/sources/source-use.ts';
import { renderSourcesPage } from '../../page/language/sources-page.ts';
import type { LanguageRun } from '../../report/write-language.ts';
import { interruptible } from '../failure.ts';
import { commandLine } from '../options.ts';
import { checkWritable } from '../out-folder.ts';
import { showProgress } from '../progress.ts';
import { formatTable } from '../table-text.ts';
import { numberOption } from './language-options.ts';
import { leaveRun } from './leave-run.ts';
import { type TextModelOptions, withOpenTextModel, withTextModel } from './text-model-options.ts';

interface SourcesOptions extends TextModelOptions {
  readonly question: string;
  readonly answer?: string;
  readonly floor: number;
  readonly out: string;
  readonly json?: boolean;
}

export function defineSources(language: Command): void {
  const sources = withTextModel(
    language
      .command('sources')
      .description('which of its sources an answer was made from, and which only hold its words')
      .argument('<sources>', 'a text file with a source in each paragraph'),
  )
    .requiredOption('--question <text>', 'what is asked behind the sources')
    .option('--answer <text>', 'the answer, as it follows the question; default: what the model says')
    .option('--floor <nats>', 'differences below this count as none', numberOption, 0.5)
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print JSON for scripts');
  sources.action((path: string, options: SourcesOptions) =>
    interruptible((signal) => run(path, options, commandLine(sources), signal)),
  );
}

async function run(path: string, options: SourcesOptions, command: string, signal: AbortSignal): Promise<void> {
  const paragraphs = (await readText(path, 'text')).replace(/\r\n/g, '\n').split(/\n\s*\n/);
  const sources = paragraphs
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text, i): Source => ({ id: `source ${i + 1}`, text }));
  await checkWritable(options.out);
  const progress = showProgress(process.stderr);
  const { question, answer, floor } = options;
  const { result, name, used } = await withOpenTextModel(options, signal, (model) =>
    sourceUse(
      model,
      { sources, question, answer },
      {
        floor,
        signal,
        onProgress: (done, total) => progress.update(done / total, () => `${done} of ${total} probabilities`),
      },
    ),
  );
  progress.clear();
  const left = sourcesRun(name, { sources, question }, result, command);
  await leaveRun(options, left, () => sourcesText(result), used);
}

/** The document and the page of the use of sources. */
export function sourcesRun(
  model: string,
  { sources, question }: Pick<SourceQuestion, 'sources' | 'question'>,
  result: SourceUse,
  command: string,
): LanguageRun {
  const page = renderSourcesPage({ model, question, sources, result, command, madeBy: packageVersion });
  const document = { format: 'wherefore/sources', version: 1, model, question, given: sources, ...result, command };
  return { what: 'language sources', name: 'sources', document, page, command };
}

function sourcesText({ answer, ignoresSources, sources }: SourceUse): string {
  const rows = sources.map(({ id, necessity, sufficiency, overlap, redundantWith, verdict }) => [
    id,
    necessity.toFixed(2),
    sufficiency.toFixed(2),
    `${Math.round(100 * overlap)} %`,
    redundantWith === undefined ? verdict : `${verdict}; says the same as ${redundantWith}`,
  ]);
  const table = formatTable([['source', 'necessity', 'sufficiency', 'overlap', 'verdict'], ...rows]);
  return `answer: ${answer.trim()}${ignoresSources ? '\nno source was used' : ''}\n\n${table}`;
}
