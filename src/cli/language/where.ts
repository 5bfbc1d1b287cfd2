import type { Command } from 'commander';
import { WhereforeError } from '../../errors.ts';
import { type WhereDocument, whereInModel } from '../../language/where/where.ts';
import { renderWherePage } from '../../page/language/where-page.ts';
import { numberText, percentText, signedText } from '../../page/number-text.ts';
import { interruptible } from '../failure.ts';
import { commandLine, repeated } from '../options.ts';
import { checkWritable } from '../out-folder.ts';
import { showProgress } from '../progress.ts';
import { formatTable } from '../table-text.ts';
import { visibleAll } from '../terminal.ts';
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

interface WhereCommandOptions extends LanguageOptions {
  readonly answer?: string;
  readonly against?: string;
  readonly corrupt?: string[];
  readonly toward?: string[];
  readonly away?: string[];
  readonly layer?: number;
  readonly strength?: number;
  readonly out: string;
  readonly json?: boolean;
}

export function defineWhere(language: Command): void {
  const command = withLanguageModel(language.command('where'))
    .description('where in the model the next token is made: lens, blocks, patching, steering')
    .option('--answer <text>', 'its first token is looked at; default: the one that the model says')
    .option('--against <text>', 'another answer: the difference of the two logits is looked at')
    .option(
      '--corrupt <word=other>',
      'a word of the prompt and what takes its place, for patching; may be repeated',
      repeated,
    )
    .option('--toward <text>', 'steer toward such a text; may be repeated', repeated)
    .option('--away <text>', 'and away from such a text; may be repeated', repeated)
    .option('--layer <number>', 'the layer behind which to steer, from 0; default the middle one', numberOption)
    .option('--strength <number>', 'how far to steer, as a multiple of the direction, both ways', numberOption)
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print JSON for scripts');
  command.action((path: string, options: WhereCommandOptions) =>
    interruptible((signal) => run(path, options, commandLine(command), signal)),
  );
}

async function run(path: string, options: WhereCommandOptions, command: string, signal: AbortSignal): Promise<void> {
  const prompt = await promptOf(options);
  checkSteering(options);
  await checkWritable(options.out);
  const progress = showProgress(process.stderr);
  await withOpenModel(path, options, async (language) => {
    const { answer, against, corrupt = [], toward = [], away = [], layer, strength = 1, out, json } = options;
    const steers = toward.length + away.length > 0;
    tellUnknown(language, prompt, answer, against);
    tellJoined(language, prompt, answer, against);
    const document = await whereInModel(language, {
      prompt,
      answer,
      against,
      corrupt: wordPairs(corrupt, '--corrupt'),
      steering: steers ? { toward, away, layer, strengths: [-strength, strength] } : undefined,
      signal,
      onProgress: (what) => progress.update(0, () => what),
    }).finally(() => progress.clear());
    const page = renderWherePage(document, command);
    const run = { what: 'language where', name: 'where', document, page, command };
    await leaveRun({ out, json }, run, () => describe(visibleAll(document)));
  });
}

function checkSteering({ toward = [], away = [], layer, strength }: WhereCommandOptions): void {
  if (toward.length + away.length > 0 || (layer === undefined && strength === undefined)) return;
  throw new WhereforeError('invalid-argument', 'it is said how to steer, and not along what', {
    got: layer === undefined ? '--strength' : '--layer',
    fix: 'give texts of both kinds: --toward and --away',
  });
}

/** Tokens at the end of the prompt that the lens shows in a terminal. */
const shownTokens = 5;

function describe({ answer, against, tokens, lens, direct, patching, steering }: WhereDocument): string {
  const from = Math.max(0, tokens.length - shownTokens);
  const quoted = (text: string) => JSON.stringify(text);
  const lensRows = lens.layers.map((name, l) => [
    ...lens.rows[l].slice(from).map(({ token, probability }) => `${quoted(token)} ${percentText(probability)}`),
    name,
  ]);
  const sections = [
    `looked at: the logit of ${quoted(answer)}${against === undefined ? '' : ` less that of ${quoted(against)}`}`,
    formatTable([[...tokens.slice(from).map(quoted), 'would say behind'], ...lensRows]),
    `${formatTable([['writes', 'block'], ...direct.parts.map(({ name, value }) => [signedText(value, 4), name])])}
of blocks ${signedText(
      direct.parts.reduce((sum, { value }) => sum + value, 0),
      5,
    )}, of biases ${signedText(direct.constant, 3)}: logit ${numberText(direct.logit, 5)}`,
    ...(patching ? [strongestText(patching, tokens)] : []),
    ...(steering
      ? [
          formatTable([
            ['times', 'writes'],
            ...steering.texts.map(({ strength, text }) => [signedText(strength), text]),
          ]),
        ]
      : []),
  ];
  return sections.join('\n\n');
}

/** The cell of each grid that breaks or restores most. */
function strongestText(
  { corruption, grids }: NonNullable<WhereDocument['patching']>,
  tokens: readonly string[],
): string {
  const rows = grids.flatMap(({ what, rows: names, noising, denoising }) =>
    [['noising', noising] as const, ['denoising', denoising] as const].map(([way, grid]) => {
      const cells = grid.flatMap((row, r) => row.map((value, i) => ({ value, r, i })));
      const best = cells.reduce((most, cell) => (cell.value > most.value ? cell : most));
      return [way, signedText(best.value), names[best.r], JSON.stringify(tokens[best.i]), what];
    }),
  );
  return `patching with ${corruption}, the strongest value of each kind:\n${formatTable([['way', 'effect', 'value', 'at', 'of'], ...rows])}`;
}
