import { type Command, InvalidArgumentError } from 'commander';
import { WhereforeError } from '../../errors.ts';
import { type UnitKind, unitKinds } from '../../language/text/units.ts';
import { why } from '../../language/why/why.ts';
import { whyByText } from '../../language/why/why-by-text.ts';
import { type WhyDocument, type WhyMethodName, whyMethodNames } from '../../language/why/why-document.ts';
import { renderWhyPage } from '../../page/language/why-page.ts';
import { numberText, percentText, signedText } from '../../page/number-text.ts';
import { interruptible } from '../failure.ts';
import { commandLine, list, repeated, wholeNumber } from '../options.ts';
import { checkWritable } from '../out-folder.ts';
import { showProgress } from '../progress.ts';
import { formatTable } from '../table-text.ts';
import { visibleAll } from '../terminal.ts';
import { endpointHelp, type LimitOptions, openEndpoint, usedText, withLimits } from './endpoint-options.ts';
import {
  type LanguageOptions,
  numberOption,
  promptOf,
  tellJoined,
  tellUnknown,
  withLanguageModel,
  withOpenModel,
  wordPairs,
} from './language-options.ts';
import { leaveRun } from './leave-run.ts';

interface WhyCommandOptions extends LanguageOptions, LimitOptions {
  readonly endpoint?: string;
  readonly answer?: string;
  readonly against?: string;
  readonly maxTokens: number;
  readonly token?: number;
  readonly unit?: UnitKind;
  readonly keep?: string;
  readonly method?: WhyMethodName[];
  readonly alternative?: string[];
  readonly baseline?: string;
  readonly sets: number;
  readonly samples: number;
  readonly seed: number;
  readonly budget?: number;
  readonly out: string;
  readonly json?: boolean;
}

export function defineWhy(language: Command): void {
  const command = withLimits(withLanguageModel(language.command('why')))
    .description('which parts of the prompt made this answer')
    .option('--endpoint <address>', `${endpointHelp}; <model> is then its name, and parts are left out`)
    .option('--answer <text>', 'what is explained; default: what the model writes itself')
    .option('--against <text>', 'another answer: what made the first more probable than this one')
    .option('--max-tokens <count>', 'tokens that are written where no answer is given', wholeNumber, 20)
    .option('--token <number>', 'only this token of the answer, from 1', wholeNumber)
    .option(
      '--unit <kind>',
      `what is left out: ${unitKinds.join(', ')}; default sentences from three on`,
      oneOf(unitKinds),
    )
    .option('--keep <text>', 'a part of the prompt that always stays, such as the question behind a document')
    .option(
      '--method <names>',
      `${whyMethodNames.join(', ')}; default all but guided and refined, which are for prompts of many units; of texts whose gradients do not fit into the memory, gradient and guided`,
      methodList,
    )
    .option('--alternative <word=other>', 'what could stand in place of a word; may be repeated', repeated)
    .option('--baseline <name>', 'of integrated gradients, as the table on the page calls it; default: by its error')
    .option('--sets <count>', 'random selections that the surrogate is fitted to', wholeNumber, 64)
    .option('--samples <count>', 'selections for Shapley values', wholeNumber, 256)
    .option('--seed <number>', 'determines what is drawn', numberOption, 0)
    .option(
      '--budget <tokens>',
      'tokens that may be read by prompts that leave something out; default no limit',
      numberOption,
    )
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print JSON for scripts');
  command.action((path: string, options: WhyCommandOptions) =>
    interruptible((signal) => run(path, options, commandLine(command), signal)),
  );
}

const oneOf =
  <T extends string>(names: readonly T[]) =>
  (text: string): T => {
    const found = names.find((name) => name === text || `${name}s` === text);
    if (found === undefined) throw new InvalidArgumentError(`expected one of ${names.join(', ')}.`);
    return found;
  };

async function run(path: string, options: WhyCommandOptions, command: string, signal: AbortSignal): Promise<void> {
  const prompt = await promptOf(options);
  await checkWritable(options.out);
  const progress = showProgress(process.stderr);
  const { endpoint } = options;
  if (endpoint !== undefined) return runAtEndpoint(path, { ...options, endpoint, prompt }, command, signal);
  await withOpenModel(path, options, async (language) => {
    const { out, json, alternative = [], method, memory, ...asked } = options;
    tellUnknown(language, prompt, asked.answer, asked.against);
    tellJoined(language, prompt, asked.answer, asked.against);
    const document = await why(language, {
      ...asked,
      prompt,
      memory: memory === undefined ? undefined : memory * 2 ** 20,
      methods: method,
      alternatives: wordPairs(alternative, '--alternative'),
      signal,
      onProgress: (what) => progress.update(0, () => what),
    }).finally(() => progress.clear());
    const page = renderWhyPage(document, command);
    const run = { what: 'language why', name: 'why', document, page, command };
    await leaveRun({ out, json }, run, () => describe(visibleAll(document)));
  });
}

/** Asks a model behind an address, which shows no gradients: parts of the prompt are left out. */
async function runAtEndpoint(
  model: string,
  options: WhyCommandOptions & { readonly endpoint: string; readonly prompt: string },
  command: string,
  signal: AbortSignal,
): Promise<void> {
  const { token, baseline, alternative, file, tokenizer } = options;
  for (const [name, value] of Object.entries({ token, baseline, alternative, file, tokenizer })) {
    if (value === undefined) continue;
    throw new WhereforeError('invalid-argument', 'an endpoint shows no tokens and no gradients', {
      got: `--${name}`,
      fix: `leave --${name} away, or use a model that runs here`,
    });
  }
  const progress = showProgress(process.stderr);
  const connected = await openEndpoint({ ...options, model }, signal);
  const document = await whyByText(connected, {
    ...options,
    methods: options.method,
    signal,
    onProgress: (prompts) => progress.update(0, () => `${prompts} prompts`),
  }).finally(() => progress.clear());
  const page = renderWhyPage(document, command);
  const run = { what: 'language why', name: 'why', document, page, command };
  await leaveRun(options, run, () => describe(visibleAll(document)), usedText(connected));
}

/** Names of methods separated by commas; the option may be repeated. */
function methodList(text: string, previous: readonly WhyMethodName[] | undefined): WhyMethodName[] {
  return [...(previous ?? []), ...list(text, undefined).map(oneOf(whyMethodNames))];
}

const count = (tokens: number) => `${tokens} token${tokens === 1 ? '' : 's'}`;

/** Rows of the table that a terminal shows; the page has all. */
const shownUnits = 8;

function describe(document: WhyDocument): string {
  const { answer, against, attributions, curves, unit } = document;
  const lines = [
    `answer: ${JSON.stringify(answer.text)}  log p = ${numberText(answer.logProbability, 4)} over ${count(answer.counted[1] - answer.counted[0])}${answer.generated ? ', written by the model' : ''}`,
    ...(against
      ? [
          `against: ${JSON.stringify(against.text)}  log p = ${numberText(against.logProbability, 4)} over ${count(against.tokens.length)}`,
        ]
      : []),
    '',
  ];
  const units = document.units[unit];
  const columns = attributions.map((one) => perUnit(document, one));
  // What is left of a difference of large numbers is no finding.
  const told = columns.map((values) => {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    return values.map((value) => (Math.abs(value) < 1e-6 * largest ? 0 : value));
  });
  const strength = (u: number) => Math.abs(columns[0][u]);
  const order = units
    .map((_, u) => u)
    .sort((a, b) => strength(b) - strength(a))
    .slice(0, shownUnits);
  const shortened = (text: string) => (text.length > 48 ? `${text.slice(0, 47)}…` : text);
  const heads = attributions.map(({ method }) => method);
  const table = [
    [...heads, unit],
    ...order.map((u) => [
      ...told.map((values) => signedText(values[u])),
      shortened(units[u].text.replace(/\s+/g, ' ').trim()),
    ]),
  ];
  const believed = [
    ['method', 'sum', 'should be', 'error', 'LDS', 'drop'],
    ...attributions.map((one, i) => [
      one.title,
      signedText(one.sum),
      signedText(one.target),
      one.relativeError === null ? '–' : `${percentText(one.relativeError)}${one.promisesSum ? '' : ' (not promised)'}`,
      one.lds === null ? '–' : numberText(one.lds, 2),
      numberText(curves[i].drop, 3),
    ]),
    ...curves.slice(attributions.length).map(({ name, drop }) => [name, '', '', '', '', numberText(drop, 3)]),
  ];
  const baseline = document.baselines.find(({ chosen }) => chosen);
  return [
    ...lines,
    formatTable(table),
    units.length > shownUnits ? `… and ${units.length - shownUnits} more on the page\n` : '',
    formatTable(believed),
    ...(baseline
      ? [
          `\nintegrated gradients against ${baseline.name}: error ${percentText(baseline.relativeError)} at ${baseline.points} points`,
        ]
      : []),
  ].join('\n');
}

function perUnit(
  { units, unit }: WhyDocument,
  { unit: own, values }: WhyDocument['attributions'][number],
): readonly number[] {
  return own === unit ? values : units[unit].map(({ tokens }) => tokens.reduce((sum, i) => sum + values[i], 0));
}
