import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { influenceTable } from '../influence/methods/index.ts';
import { measures } from '../influence/slices/measured-query.ts';
import type { RowDocument } from '../page/influence/plain-words.ts';
import { influenceFolder, writeInfluence } from '../report/influence/write-influence.ts';
import { checkCalibrateOptions, withCalibration } from './calibrate.ts';
import { interruptible } from './failure.ts';
import { checkSliceOptions } from './influence-slices.ts';
import { withStore } from './influence-store.ts';
import { influenceShown, influenceText, plainText } from './influence-text.ts';
import {
  commandLine,
  list,
  redactHelp,
  repeated,
  wholeNumber,
  withModel,
  withPreprocessing,
  withRuntime,
  wordsOf,
} from './options.ts';
import { checkWritable } from './out-folder.ts';
import { showProgress } from './progress.ts';
import { withRows } from './row-options.ts';
import { rowTexts } from './row-texts.ts';
import { computeInfluence, type InfluenceOptions } from './run-influence.ts';
import type { ShardSession } from './sharded-run.ts';
import { print, printJson, tell } from './terminal.ts';

/** Methods that need nothing but a model, checkpoints of its training, and its data. */
const offered = Object.entries(influenceTable)
  .filter(([, { needs }]) =>
    needs.every((need) => ['labels', 'embeddings', 'predictions', 'gradients', 'checkpoints'].includes(need)),
  )
  .map(([name]) => name);

export function defineInfluence(program: Command): void {
  const command = program
    .command('influence')
    .description(
      'which training rows are behind a prediction, a slice or a gap: proponents, opponents, groups, nearest rows, and a page',
    )
    .argument('[query]', 'an input as for explain, or with --from the number of a row, from 0; or --slice, or --gap');
  withRows(
    withModel(command).requiredOption(
      '--data <path>',
      'training rows: a folder, a table, arrays, a text file, or wherefore.yaml#name',
    ),
  )
    .option('--from <path>', 'where the query is a row of, e.g. the held-out data, or what slices are of')
    .option('--from-labels <file>', 'a file with the labels of --from, for slices')
    .option(
      '--slice <filter>',
      'asks about the rows of --from that it holds for: columns, label, predicted, confidence, loss, wrong, right; e.g. "sex=Female and wrong"',
    )
    .option('--gap <filter>', 'asks about the difference between the rows that it holds for and all others')
    .option('--against <filter>', 'of a gap: the rows to compare with, in place of all others')
    .addOption(
      new Option(
        '--measure <what>',
        'of a slice or gap: the mean log-probability of the label, or the mean probability of --class',
      ).choices(measures),
    )
    .option(
      '--decisions <file>',
      'decisions of a review: dropped rows are left out, relabelled ones have their new label',
    )
    .option(
      '--class <name>',
      'the class whose probability is asked about; default: the predicted one; of slices that of --measure rate',
    )
    .option(
      '--method <name>',
      `of ${offered.join(', ')}; default: influence up to 2,000 weights, else ek-fac; with checkpoints tracin-cp; without gradients knn-shapley`,
    )
    .option(
      '--checkpoints <files>',
      'moments of the training, first to last: models, .safetensors of weights, or a folder that train wrote; for tracin-cp (the default then) and source',
      list,
    )
    .option('--learning-rates <list>', 'of the checkpoints, where their files do not say; default: all equal', numbers)
    .option('--steps <list>', 'steps done at the checkpoints, where their files do not say', numbers)
    .option(
      '--set <name.parameter=value>',
      'a parameter of the method, e.g. ek-fac.share=0.2; may be repeated',
      repeated,
      [],
    )
    .option(
      '--seeds <files>',
      'at least four models trained the same way from other seeds: which rows are stable, which are noise',
      list,
    )
    .option('--weight-decay <number>', 'λ of ½ λ ‖weights‖² in the training; default 0', weightDecay)
    .option(
      '--loss <formula>',
      'what the training minimised of each row, over p, the probability of its label, and logits; default -log(p)',
    )
    .option(
      '--newton',
      'groups of more than 5 % of the rows by one Newton step, which understates less than the sum; for models at their optimum',
    )
    .option(
      '--kinds',
      'sorts the strongest rows by why they act: kinds of proponents and opponents, and what tells each from the data; for methods with gradients',
    )
    .option('--add <path>', 'labelled rows that are in no training yet: which of them would raise f most')
    .option('--add-labels <file>', 'a file with their labels')
    .option('--rows <count>', 'rows of each list; default 10', wholeNumber)
    .option('--layer <name>', 'whose values are compared; default: what the last layer of weights reads')
    .option(
      '--plain',
      'a page for the person whom the prediction is about: three examples at most, and no numbers first',
    )
    .option('--redact', redactHelp)
    .option('--seed <number>', 'of everything that is drawn', Number, 0)
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print the document');
  withRuntime(withCalibration(withStore(withPreprocessing(command)))).action(
    (query: string | undefined, options: InfluenceOptions, own: Command) =>
      interruptible(
        (signal) => run(query, options, { signal, command: commandLine(own), words: wordsOf(own) }),
        'stopped; what a calibration has trained is kept, nothing else was written',
      ),
  );
}

function weightDecay(text: string): number {
  const value = Number(text);
  if (!(value >= 0)) throw new InvalidArgumentError('expected a number from 0.');
  return value;
}

/** Numbers above 0, separated by commas. */
function numbers(text: string): number[] {
  const values = text.split(',').map(Number);
  if (!values.every((value) => value > 0)) throw new InvalidArgumentError('expected numbers above 0, as .1,.1,.01.');
  return values;
}

type Given = Pick<ShardSession, 'signal' | 'command' | 'words'>;

async function run(query: string | undefined, options: InfluenceOptions, given: Given): Promise<void> {
  const started = new Date();
  checkCalibrateOptions(options);
  checkSliceOptions(query, options);
  await checkWritable(options.out);
  const progress = showProgress(process.stderr, !options.json);
  const say = (text: string) => {
    progress.clear();
    if (!options.json) tell(text);
  };
  try {
    await computeInfluence(query, options, { ...given, progress, say }, async ({ document, views, maps }) => {
      const drawn = options.plain ? undefined : await maps();
      progress.clear();
      const folder = influenceFolder(options.out, started, document.query.from);
      await writeInfluence(folder, document, { ...views, ...(drawn && { maps: drawn }), plain: options.plain });
      if (options.json) printJson(document);
      else {
        const page = join(folder, 'index.html');
        const texts = await rowTexts(views.rows, influenceShown(document));
        print(options.plain ? plainText(document as RowDocument, page) : influenceText(document, page, texts));
      }
    });
  } finally {
    progress.clear();
  }
}
