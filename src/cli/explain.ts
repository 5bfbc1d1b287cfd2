import { resolve } from 'node:path';
import type { Command } from 'commander';
import { methods as methodTable } from '../attribution/methods/index.ts';
import { targetForms } from '../attribution/targets/text.ts';
import { observeReads } from '../data/files/open-file.ts';
import { describeImageInput } from '../data/inputs/image-input.ts';
import { splitSelection } from '../data/inputs/row-selection.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { ImageInput } from '../data/model/preprocessing.ts';
import { imageProcessorUsed, isWritten } from '../data/model/used-beside.ts';
import { explain } from '../explain/explain.ts';
import type { Announced } from '../explain/explain-options.ts';
import type { PlannedExplanation } from '../explain/plan.ts';
import { scorecardCost } from '../explain/scorecard.ts';
import { writeRun } from '../report/write-run.ts';
import { baselines, baselinesText } from './baseline-text.ts';
import { withDriver } from './driver-options.ts';
import { explainItems } from './explain-items.ts';
import { explainMany, type ManyOptions, mostInOneRun } from './explain-many.ts';
import { type ExplainProgress, explainProgress } from './explain-progress.ts';
import { interruptible } from './failure.ts';
import { groupForms } from './groups-text.ts';
import { filesOf } from './named-files.ts';
import { commandLine, list, repeated, runtimeOf, withModel, withRun, wordsOf } from './options.ts';
import { checkWritable } from './out-folder.ts';
import { describeExplained, shortSource } from './print-explained.ts';
import { formatDuration, showProgress } from './progress.ts';
import { parseMethods, parseQuestion } from './question-text.ts';
import { print, printJson, tell } from './terminal.ts';

interface Options extends ManyOptions {
  readonly row?: string;
}

export function defineExplain(program: Command): void {
  const command = program
    .command('explain')
    .description('explain a prediction: attributions, their error, and a page')
    .argument(
      '<input...>',
      'images, .wav/.flac recordings, .npy/.npz/.safetensors tensors, table.csv#row, name=[numbers], a text or .txt file, or folders of such files',
    );
  withModel(command)
    .option(
      '--target <what>',
      `what to explain: ${targetForms}; may be repeated; default: what the model said`,
      repeated,
    )
    .option(
      '--baseline <what>',
      `what "absent" means: ${baselinesText}; separate several by commas to compare them; default by kind of input`,
      baselines,
    )
    .option(
      '--layer <names>',
      '"input", "all", or names of values; separate layers by commas, parts of one layer by +; default the input, the last spatial layer for methods that need one, and both for an image without --method',
      list,
    )
    .option('--method <names>', `of ${Object.keys(methodTable).join(', ')}; separate several by commas`, list)
    .option(
      '--row <rows>',
      'rows of a table or an array, lines of a text file, files of a folder: 3, 0-9 or 3,17, counted from 0',
    )
    .option(
      '--text-column <name>',
      'the column of a table that holds the text; default the one called text, or the only one of texts',
    )
    .option('--groups <what>', `what methods that perturb hide together: ${groupForms}; default by kind of input`)
    .option(
      '--set <method.parameter=value>',
      'a parameter of a method, e.g. integrated-gradients.steps=100; may be repeated',
      repeated,
      [],
    )
    .option('--score', 'a scorecard for every explanation: MSI, sufficiency, necessity, insertion, deletion');
  withDriver(
    withRun(
      command,
      `where runs are kept; of more than ${mostInOneRun} inputs the same command goes on where it was stopped`,
    ),
  ).action((inputs: readonly string[], options: Options, command: Command) =>
    interruptible((signal) => run(inputs, options, signal, { command: commandLine(command), words: wordsOf(command) })),
  );
}

async function run(
  inputs: readonly string[],
  options: Options,
  signal: AbortSignal,
  { command, words }: { readonly command: string; readonly words: readonly string[] },
): Promise<void> {
  parseMethods(options);
  await checkWritable(options.out);
  const read = new Set<string>();
  const observe = (path: string) => read.add(resolve(path));
  const [model, question] = await observeReads(observe, async () => {
    const loaded = await loadModel(options.model, { ...runtimeOf(options), ...filesOf(options) });
    return [loaded, await parseQuestion(loaded, options).catch(closing(loaded))] as const;
  });
  const progress = showProgress(process.stderr, !options.json);
  const say = (text: string) => {
    progress.clear();
    if (!options.json) tell(text);
  };
  try {
    const sources = withRows(inputs, options.row);
    const items = await explainItems(sources, question.preprocessing);
    if (items.length > mostInOneRun || options.queue !== undefined) {
      await explainMany(model, items, read, options, { signal, command, words, progress, say });
      return;
    }
    let work: ExplainProgress | undefined;
    let plan: Announced | undefined;
    let count = 0;
    let leftOut: readonly string[] = [];
    const explained = await explain(model, sources, {
      ...question,
      byteBudget: options.memory && options.memory * 2 ** 20,
      signal,
      command,
      score: options.score,
      onPlanned: (announced) => {
        plan = announced;
        const image = plan.explanations.find(({ input }) => input.image)?.input.image;
        if (!isWritten(model, 'image') && image) say(imageSourceText(model, image.input));
        leftOut = plan.leftOut.map(({ text }) => text);
        for (const text of leftOut) say(`left out at ${text}`);
        const { text, isLong } = estimateText(plan, options.score ?? false);
        say(text);
        // Short work is over before anyone reads a log.
        if (isLong || process.stderr.isTTY) work = explainProgress(progress, plan);
      },
      onStarted: (one) => {
        count++;
        if (plan) work?.start({ ...one, what: pieceText(one, count, plan), speed: plan.speeds.of(one) });
      },
      onScoring: (one) => {
        if (!plan) return;
        const cost = scorecardCost(one);
        const what = `scorecard, ${pieceText(one, count, plan)}`;
        work?.start({ what, least: cost, most: cost, speed: plan.speeds.scoring });
      },
      onProgress: (passes) => work?.update(passes),
    });
    progress.clear();
    signal.throwIfAborted();
    const folder = await writeRun(options.out, explained, { command, leftOut });
    const documents = explained.map(({ document }) => document);
    if (options.json) printJson({ folder, explanations: documents });
    else {
      print(describeExplained(documents, folder));
      if (options.baseline === undefined)
        say('The baseline was chosen by the kind of input; state another with --baseline.');
    }
  } finally {
    progress.clear();
    await model.close();
  }
}

/** How images were made ready where no `wherefore.yaml` says so, and how that is known. */
function imageSourceText(model: LoadedModel, input: ImageInput): string {
  const from = imageProcessorUsed(model, input)
    ? 'as preprocessor_config.json beside the model says'
    : 'guessed from the graph, as no wherefore.yaml says it (wherefore inspect shows why)';
  return `images: ${describeImageInput(input)}; ${from}`;
}

/** What the question threw, once the model is closed. */
const closing =
  (model: LoadedModel) =>
  async (error: unknown): Promise<never> => {
    await model.close();
    throw error;
  };

/** The rows of `--row` behind every file that names none itself. */
function withRows(inputs: readonly string[], row: string | undefined): readonly string[] {
  return row === undefined
    ? inputs
    : inputs.map((input) => (splitSelection(input).selection === undefined ? `${input}#${row}` : input));
}

/** What runs, and the how manieth of all it is. */
function pieceText(
  { input, layer, method }: Pick<PlannedExplanation, 'input' | 'layer' | 'method'>,
  number: number,
  { explanations }: Announced,
): string {
  const place = explanations.length > 1 ? `${number} of ${explanations.length}: ` : '';
  return `${place}${shortSource(input.source)}, ${layer.join(' + ')}, ${method}`;
}

/** Work that lasts longer is announced with its duration as well. */
const longSeconds = 20;

/** What a run will cost, before it begins. */
function estimateText(
  { explanations, scoring, seconds }: Announced,
  score: boolean,
): { text: string; isLong: boolean } {
  const scores = scoring.forward;
  const passes = (way: 'forward' | 'backward', kind: 'least' | 'most') =>
    explanations.reduce((sum, one) => sum + one[kind][way], way === 'forward' ? scores : 0);
  const isLong = seconds.most > longSeconds;
  const range = (word: string, least: string, most: string) =>
    least === most ? `${word} ${most}` : `${least} to ${most}`;
  const told = (way: 'forward' | 'backward') => {
    const [least, most] = (['least', 'most'] as const).map((kind) => passes(way, kind).toLocaleString('en'));
    return `${range('at most', least, most)} ${way}`;
  };
  const count = explanations.length === 1 ? 'one explanation' : `${explanations.length} explanations`;
  const backward = passes('backward', 'most') > 0 ? ` and ${told('backward')}` : '';
  const scored = score ? `, at most ${scores.toLocaleString('en')} of them for scorecards` : '';
  const duration = `, ${range('about', formatDuration(seconds.least), formatDuration(seconds.most))}; Ctrl-C stops`;
  const text = `${count}: ${told('forward')}${backward} passes through the model${scored}${isLong ? duration : ''}`;
  return { text, isLong };
}
