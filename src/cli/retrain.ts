import type { Command } from 'commander';
import { withDriver } from './driver-options.ts';
import { interruptible } from './failure.ts';
import { commandLine, list, redactHelp, wholeNumber, withPreprocessing, withRuntime, wordsOf } from './options.ts';
import { withRows } from './row-options.ts';
import { type RetrainOptions, retrain } from './run-retrain.ts';
import { placeholders } from './train-command.ts';

export function defineRetrain(program: Command): void {
  const command = program
    .command('retrain')
    .description(
      'measures whether a change of the training rows helps: trains with and without it, several seeds each, and without random rows; and a page',
    )
    .requiredOption('--data <path>', 'training rows: a folder, a table, arrays, a text file, or wherefore.yaml#name');
  withRows(command)
    .option('--model <file>', 'the trained .onnx file; default: that of --training')
    .option(
      '--training <folder>',
      'what a training left: training.json and initial.onnx; default: the folder of --model',
    )
    .option(
      '--train <command>',
      `a command of your own that trains, instead of --training. In it stand ${Object.entries(placeholders)
        .map(([name, what]) => `{${name}}: ${what}`)
        .join('; ')}`,
    )
    .option(
      '--evaluate <command>',
      'a command that measures what --train left and prints a number; default: --train prints it',
    )
    .option('--lower-is-better', 'the printed number is a loss')
    .option('--without <file or ids>', 'rows to leave out: a file with an id on each line, or ids separated by commas')
    .option('--only <file or ids>', 'the only rows to train on')
    .option('--relabel <file>', 'rows and their new labels: a line ID,LABEL for each')
    .option('--decisions <file>', 'decisions of a review, as audit downloads them')
    .option('--each', 'leaves out one row at a time: those of --without, else all')
    .option(
      '--each-group <column>',
      'leaves out one group at a time: the rows of each value of a column, or of each class (class)',
    )
    .option('--shapley <column>', 'exact Shapley values of up to 12 groups: trains on every union of them')
    .option('--redact', redactHelp)
    .option('--held-out <path>', 'rows to measure on; default: a fifth of the rows, which no training then uses')
    .option('--held-out-labels <file>', 'a file with their labels')
    .option('--query <numbers>', 'rows of --held-out that are measured, from 0; default all', list)
    .option('--seeds <count>', 'trainings of each kind; default 5', wholeNumber)
    .option('--seed <number>', 'of everything that is drawn', Number, 0)
    .option('--out <folder>', 'where runs are kept; the same command goes on where it was stopped', '.wherefore/runs')
    .option('--json', 'print the document');
  withDriver(withRuntime(withPreprocessing(command))).action((options: RetrainOptions, own: Command) =>
    interruptible(
      (signal) => retrain(options, { signal, command: commandLine(own), words: wordsOf(own) }),
      'stopped; trainings that are done are kept, and the same command goes on from there',
    ),
  );
}
