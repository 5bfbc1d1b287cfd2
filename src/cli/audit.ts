import { join } from 'node:path';
import type { Command } from 'commander';
import { auditFolder, writeAudit } from '../report/audit/write-audit.ts';
import { auditShown, auditText } from './audit-text.ts';
import { interruptible } from './failure.ts';
import { commandLine, redactHelp, share, withPreprocessing, withRuntime } from './options.ts';
import { checkWritable } from './out-folder.ts';
import { showProgress } from './progress.ts';
import { withRows } from './row-options.ts';
import { rowTexts } from './row-texts.ts';
import { type AuditOptions, computeAudit } from './run-audit.ts';
import { print, printJson, tell } from './terminal.ts';

export function defineAudit(program: Command): void {
  const command = program
    .command('audit')
    .description(
      'what is wrong in training data: labels, copies, outliers, leaks, groups; one ranked list and a review',
    )
    .requiredOption('--data <path>', 'training rows: a folder, a table, arrays, a text file, or wherefore.yaml#name');
  withRows(command)
    .option('--model <file>', 'an .onnx file that predicts the labels; trees too')
    .option('--held-out <path>', 'rows that were not trained on: leaks and undersampled regions are looked for')
    .option('--held-out-labels <file>', 'a file with their labels; default none where --labels names a file')
    .option(
      '--probabilities <file>',
      'rows × classes (.npy) of any predictor, in place of those of the model; best of cross-validation',
    )
    .option('--decisions <file>', 'decisions of an earlier review: they are applied, and their rows not listed again')
    .option(
      '--self-test',
      'plants wrong labels in the rows and says how well each order finds them here; with a training.json the model is trained on them, twice',
    )
    .option(
      '--training <folder>',
      'what a training left, for --self-test; default: the folder of --model, where it has one',
    )
    .option('--redact', redactHelp)
    .option('--in-sample', 'the predictor of --probabilities was trained on the rows')
    .option('--out-of-sample', 'the model was not trained on the rows')
    .option('--layer <name>', 'where neighbours are looked for; default: what the last layer of weights reads')
    .option(
      '--near <share>',
      'of the median distance to the nearest row, below which rows are near copies; default 0.2',
      share,
    )
    .option('--seed <number>', 'of everything that is drawn', Number, 0)
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print the document');
  withRuntime(withPreprocessing(command)).action((options: AuditOptions, own: Command) =>
    interruptible((signal) => run(options, signal, commandLine(own)), 'stopped; nothing was written'),
  );
}

async function run(options: AuditOptions, signal: AbortSignal, command: string): Promise<void> {
  const started = new Date();
  await checkWritable(options.out);
  const progress = showProgress(process.stderr, !options.json);
  const onProgress = (share: number, text: () => string) => progress.update(share, text);
  try {
    const { document, views, notes, name } = await computeAudit(options, { signal, command, onProgress });
    progress.clear();
    for (const note of notes) tell(note);
    const folder = auditFolder(options.out, started, name);
    await writeAudit(folder, document, views);
    if (options.json) printJson(document);
    else print(auditText(document, join(folder, 'index.html'), await rowTexts(views, auditShown(document))));
  } finally {
    progress.clear();
  }
}
