import type { Command } from 'commander';
import { type FeaturesDocument, findFeatures } from '../../language/features/features.ts';
import { openLanguageModel } from '../../language/model/language-model.ts';
import { renderFeaturesPage } from '../../page/language/features-page.ts';
import { interruptible } from '../failure.ts';
import { commandLine, type RuntimeOptions, runtimeOf, wholeNumber, withRuntime } from '../options.ts';
import { checkWritable } from '../out-folder.ts';
import { showProgress } from '../progress.ts';
import { formatTable } from '../table-text.ts';
import { tell, visibleAll } from '../terminal.ts';
import { numberOption } from './language-options.ts';
import { leaveRun } from './leave-run.ts';
import { linesOf } from './lines.ts';

interface FeaturesCommandOptions extends RuntimeOptions {
  readonly file?: string;
  readonly tokenizer?: string;
  readonly texts: string;
  readonly layer?: number;
  readonly expansion: number;
  readonly active: number;
  readonly seeds: number;
  readonly steps: number;
  readonly out: string;
  readonly json?: boolean;
}

export function defineFeatures(language: Command): void {
  const command = withRuntime(
    language
      .command('features')
      .description(
        'take a layer apart into features that are seldom active (sparse autoencoders), and say what they are worth',
      )
      .argument('<model>', 'a folder with model.onnx (or onnx/model.onnx) and tokenizer.json')
      .requiredOption('--texts <file>', 'texts to look at, one on each line; thousands of tokens')
      .option('--file <name>', 'the model file, where the folder holds several')
      .option('--tokenizer <file>', 'its tokenizer.json; default: the one in the folder')
      .option('--layer <number>', 'the layer behind which to look, from 0; default the middle one', numberOption)
      .option('--expansion <times>', "features, as a multiple of the stream's width", numberOption, 2)
      .option('--active <count>', 'features that are active for a token on average', numberOption, 8)
      .option('--seeds <count>', 'trainings', wholeNumber, 3)
      .option('--steps <count>', 'steps of each', wholeNumber, 2000)
      .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
      .option('--json', 'print JSON for scripts'),
  );
  command.action((path: string, options: FeaturesCommandOptions) =>
    interruptible((signal) => run(path, options, commandLine(command), signal)),
  );
}

async function run(path: string, options: FeaturesCommandOptions, command: string, signal: AbortSignal): Promise<void> {
  const texts = await linesOf(options.texts, 'text');
  await checkWritable(options.out);
  const progress = showProgress(process.stderr);
  const { file, tokenizer, layer, expansion, active, seeds, steps } = options;
  const language = await openLanguageModel(path, { file, tokenizer, ...runtimeOf(options) });
  try {
    for (const note of language.notes) tell(`note: ${note}`);
    const onProgress = (what: string) => progress.update(0, () => what);
    const asked = { texts, layer, expansion, active, seeds, steps, signal, onProgress };
    const document = await findFeatures(language, asked).finally(() => progress.clear());
    const page = renderFeaturesPage(document, command);
    const left = { what: 'language features', name: 'features', document, page, command };
    await leaveRun(options, left, () => describe(visibleAll(document)));
  } finally {
    await language.close();
  }
}

/** Features that a terminal shows. */
const shown = 8;

function describe({ layer, tokens, features, learnt, controls, dashboards }: FeaturesDocument): string {
  const number = (value: number | undefined) => (value === undefined ? '–' : value.toFixed(2));
  const rows = [
    ...learnt.map(({ seed, explained, recovered, stable, active, dead }) => [
      number(explained),
      number(recovered),
      number(stable),
      number(active),
      String(dead),
      `learnt, seed ${seed}`,
    ]),
    ...controls.map(({ name, explained, recovered, stable }) => [
      number(explained),
      number(recovered),
      number(stable),
      '',
      '',
      name,
    ]),
  ];
  const places = dashboards.slice(0, shown).map(({ feature, density, promotes, examples: [first] }) => [
    String(feature),
    `${(100 * density).toFixed(1)} %`,
    promotes
      .slice(0, 3)
      .map((token) => JSON.stringify(token))
      .join(' '),
    first
      ? `…${first.tokens.map((token, i) => (first.activations[i] === first.most ? `[${token}]` : token)).join('')}…`
      : '',
  ]);
  return [
    `layer ${layer}, ${tokens} tokens, ${features} features\n`,
    formatTable([['explained', 'loss won back', 'like another seed', 'active', 'dead', 'dictionary'], ...rows]),
    '',
    formatTable([['feature', 'active', 'raises', 'strongest at'], ...places]),
  ].join('\n');
}
