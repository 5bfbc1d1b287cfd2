import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type Command, InvalidArgumentError } from 'commander';
import { methodTable, type MethodName } from '../attribution/methods/index.ts';
import { type LoadedModel, loadModel } from '../data/load-model.ts';
import { nearest } from '../data/nearest.ts';
import { WhereforeError } from '../errors.ts';
import { explain, preprocessingOf } from '../report/explain.ts';
import type { Explained } from '../report/explained.ts';
import { writeRun } from '../report/write-run.ts';
import { parseBaseline } from './baseline-text.ts';
import { interruptible } from './failure.ts';
import { formatNumber, formatShare, formatTable } from './table-text.ts';
import { parseTarget } from './target-text.ts';

interface Options {
  readonly model: string;
  readonly target?: string;
  readonly baseline?: string;
  readonly layer: readonly string[];
  readonly method?: readonly string[];
  readonly set: readonly string[];
  readonly preprocessing?: string;
  readonly out: string;
  readonly threads?: number;
  readonly memory?: number;
  readonly json?: boolean;
}

const list = (text: string, previous: readonly string[] | undefined): string[] => [...(previous ?? []), ...text.split(',').map((part) => part.trim())];

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('expected a positive number.');
  return value;
}

export function defineExplain(program: Command): void {
  program
    .command('explain')
    .description('why a model said what it said of an input: a picture, its error, and a page')
    .argument('<input...>', 'pictures, .npy/.npz/.safetensors tensors, table.csv#row, or name=[numbers]')
    .requiredOption('--model <file>', 'an .onnx file')
    .option('--target <what>', 'what to explain: a class or label, probability:CLASS, difference:A,B, token:POSITION,ID, detection:ANCHOR,CLASS, box:ANCHOR,COORDINATE, OUTPUT[i,j]; default: what the model said')
    .option('--baseline <what>', 'what "absent" means: zero, mean, black, white, grey, #rrggbb, constant:N, blur:SIGMA, noise:SEED, tokens:ID, or a file; default by kind of input')
    .option('--layer <names>', '"input", "all", or names of values; separate layers by commas, parts of one layer by +', list)
    .option('--method <names>', `of ${Object.keys(methodTable).join(', ')}; separate several by commas`, list)
    .option('--set <method.parameter=value...>', 'a parameter of a method, e.g. integrated-gradients.steps=100', [])
    .option('--preprocessing <file>', 'a wherefore.yaml; default: the one beside the model, else guessed from the graph')
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--threads <count>', 'threads of the runtime', positive)
    .option('--memory <megabytes>', 'what one run of the model may hold beside its weights', positive)
    .option('--json', 'print JSON for scripts')
    .action((inputs: readonly string[], options: Options, command: Command) =>
      interruptible((signal) => run(inputs, options, signal, commandLine(command))),
    );
}

async function run(inputs: readonly string[], options: Options, signal: AbortSignal, command: string): Promise<void> {
  const methods = options.method?.map(methodNamed);
  const parameters = parseParameters(options.set);
  const model = await loadModel(options.model, { threads: options.threads, preprocessing: options.preprocessing });
  const say = (text: string) => options.json || console.error(text);
  try {
    const preprocessing = preprocessingOf(model, {});
    if (!model.preprocessing) say('no wherefore.yaml beside the model: how inputs are made was guessed from the graph (wherefore inspect shows why)');
    const target = options.target === undefined ? undefined : parseTarget(options.target, model.preprocessing?.labels);
    const baseline = options.baseline === undefined ? undefined : await parseBaseline(options.baseline, model, preprocessing);
    const explained: Explained[] = [];
    for (const input of inputs) {
      explained.push(
        ...(await explain(model, input, {
          target,
          baseline,
          layers: options.layer ?? ['input'],
          methods,
          parameters,
          byteBudget: options.memory && options.memory * 2 ** 20,
          signal,
          command,
          onExplained: ({ document }) =>
            say(`${document.input.source}: ${document.methodTitle} at ${document.layer.join(' + ')}, ${document.cost.seconds.toFixed(1)} s`),
        })),
      );
    }
    if (options.baseline === undefined) say(`baseline: ${explained[0].document.baselineDescription} (chosen by kind of input; state another with --baseline)`);
    const folder = await writeRun(options.out, explained, { command });
    if (options.json) console.log(JSON.stringify({ folder, explanations: explained.map(({ document }) => document) }, undefined, 2));
    else print(explained, folder);
  } finally {
    await model.close();
  }
}

function print(explained: readonly Explained[], folder: string): void {
  const [first] = explained;
  console.log(`target: ${first.document.targetDescription}   baseline: ${first.document.baselineDescription ?? 'none'}`);
  const rows = explained.map(({ document }) => [
    document.input.source,
    document.method,
    document.layer.join(' + '),
    formatNumber(document.attributionTarget),
    formatNumber(document.sum),
    formatShare(document.relativeError),
    verdict(document),
  ]);
  console.log(formatTable([['input', 'method', 'layer', 'T', 'sum', 'error', ''], ...rows]));
  const page = `${folder}/index.html`;
  console.log(`page: ${page}${existsSync(page) ? `   ${pathToFileURL(page)}` : ''}`);
}

function verdict(document: Explained['document']): string {
  if (!document.isCut) return document.completing.length ? `bypassed; complete with + ${document.completing.join(' + ')}` : 'bypassed';
  if (document.converged === false) return 'not converged';
  return '';
}

function methodNamed(name: string): MethodName {
  if (name in methodTable) return name as MethodName;
  const guess = nearest(name, Object.keys(methodTable));
  throw new WhereforeError('invalid-argument', `there is no method "${name}"`, {
    expected: Object.keys(methodTable).join(', '),
    fix: guess ? `did you mean "${guess}"?` : undefined,
  });
}

function parseParameters(settings: readonly string[]): Record<string, Record<string, unknown>> {
  const parameters: Record<string, Record<string, unknown>> = {};
  for (const setting of settings) {
    const [, method, parameter, text] = /^([a-z-]+)\.([A-Za-z]+)=(.+)$/.exec(setting) ?? [];
    if (!method || !(method in methodTable)) {
      throw new WhereforeError('invalid-argument', '--set', { got: setting, expected: 'METHOD.PARAMETER=VALUE, e.g. integrated-gradients.steps=100' });
    }
    const number = Number(text);
    const value = text === 'true' || text === 'false' ? text === 'true' : Number.isNaN(number) ? text : number;
    parameters[method] = { ...parameters[method], [parameter]: value };
  }
  return parameters;
}

/** The command as it could be typed again. */
function commandLine(command: Command): string {
  const words = (command.parent as unknown as { rawArgs?: string[] })?.rawArgs?.slice(2) ?? [];
  return ['wherefore', ...words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))].join(' ');
}

export type { LoadedModel };
