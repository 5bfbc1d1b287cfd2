import type { Command } from 'commander';
import { openLanguageModel } from '../../language/model/language-model.ts';
import { type ProbeDocument, probeLayers } from '../../language/probes/probe.ts';
import { renderProbePage } from '../../page/language/probe-page.ts';
import { interruptible } from '../failure.ts';
import { commandLine, type RuntimeOptions, runtimeOf, withRuntime } from '../options.ts';
import { checkWritable } from '../out-folder.ts';
import { showProgress } from '../progress.ts';
import { formatTable } from '../table-text.ts';
import { visibleAll } from '../terminal.ts';
import { labelledTexts } from './labelled-texts.ts';
import { numberOption } from './language-options.ts';
import { leaveRun } from './leave-run.ts';

interface ProbeCommandOptions extends RuntimeOptions {
  readonly model: string;
  readonly tokenizer?: string;
  readonly text: string;
  readonly label: string;
  readonly mean?: boolean;
  readonly seed: number;
  readonly out: string;
  readonly json?: boolean;
}

export function defineProbe(language: Command): void {
  const command = withRuntime(
    language
      .command('probe')
      .description('at which layer a label can be read off by a linear map, and whether the words alone would do')
      .argument('<texts>', 'a table (.csv, .jsonl, .parquet) with texts and labels')
      .requiredOption('--model <folder>', 'a folder with model.onnx and tokenizer.json')
      .option('--tokenizer <file>', 'its tokenizer.json; default: the one in the folder')
      .option('--text <column>', 'the column of texts', 'text')
      .option('--label <column>', 'the column of labels', 'label')
      .option('--mean', 'look at the mean of the tokens; default: at the last one')
      .option('--seed <number>', 'determines which texts are held out', numberOption, 0)
      .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
      .option('--json', 'print JSON for scripts'),
  );
  command.action((path: string, options: ProbeCommandOptions) =>
    interruptible((signal) => run(path, options, commandLine(command), signal)),
  );
}

async function run(path: string, options: ProbeCommandOptions, command: string, signal: AbortSignal): Promise<void> {
  const texts = await labelledTexts(path, options);
  await checkWritable(options.out);
  const progress = showProgress(process.stderr);
  const { model, tokenizer, mean, seed } = options;
  const language = await openLanguageModel(model, { tokenizer, ...runtimeOf(options) });
  try {
    const onProgress = (done: number, total: number) =>
      progress.update(done / total, () => `${done} of ${total} texts`);
    const of = mean ? 'mean' : 'last';
    const document = await probeLayers(language, texts, { of, seed, signal, onProgress }).finally(() =>
      progress.clear(),
    );
    const page = renderProbePage(document, command);
    await leaveRun(options, { what: 'language probe', name: 'probe', document, page, command }, () =>
      describe(visibleAll(document)),
    );
  } finally {
    await language.close();
  }
}

function describe({ verdict, layers, words, constant, tested }: ProbeDocument): string {
  const range = ({ low = Number.NaN, high = Number.NaN }: typeof words) => `${low.toFixed(2)} to ${high.toFixed(2)}`;
  const rows = layers.map(({ name, accuracy, control }) => [
    accuracy.mean.toFixed(3),
    range(accuracy),
    control.mean.toFixed(3),
    name,
  ]);
  const others = [
    [words.mean.toFixed(3), range(words), '', 'the words of the texts, without the model'],
    [constant.toFixed(3), '', '', 'the most frequent class'],
  ];
  return `${verdict}\n\n${formatTable([['accuracy', '95 % interval', 'at random', `of ${tested} held-out texts, behind`], ...rows, ...others])}`;
}
