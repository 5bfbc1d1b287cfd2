import type { Command } from 'commander';
import { WhereforeError } from '../../errors.ts';
import { type CircuitDocument, type CorruptionRequest, circuitOf } from '../../language/circuit/circuit.ts';
import { renderCircuitPage } from '../../page/language/circuit-page.ts';
import { signedText } from '../../page/number-text.ts';
import { interruptible } from '../failure.ts';
import { commandLine, repeated, wholeNumber } from '../options.ts';
import { checkWritable } from '../out-folder.ts';
import { showProgress } from '../progress.ts';
import { formatTable } from '../table-text.ts';
import { visibleAll } from '../terminal.ts';
import { type LanguageOptions, promptOf, withLanguageModel, withOpenModel, wordPairs } from './language-options.ts';
import { leaveRun } from './leave-run.ts';

interface CircuitCommandOptions extends LanguageOptions {
  readonly answer?: string;
  readonly against?: string;
  readonly corruption?: string;
  readonly corrupt?: string[];
  readonly steps: number;
  readonly neurons: number;
  readonly together?: string[];
  readonly out: string;
  readonly json?: boolean;
}

export function defineCircuit(language: Command): void {
  const command = withLanguageModel(language.command('circuit'))
    .description('which heads, neurons and edges between them make the next token')
    .option('--answer <text>', 'its first token is looked at; default: the one that the model says')
    .option('--against <text>', 'another answer: the difference of the two logits is looked at')
    .option('--corruption <what>', 'what the prompt is compared with: mean, or last:WORD (default: mean)')
    .option('--corrupt <word=other>', 'compare with the prompt with other words; may be repeated', repeated)
    .option('--steps <count>', 'points at which slopes are taken', wholeNumber, 16)
    .option('--neurons <count>', 'neurons that are tried one by one', wholeNumber, 10)
    .option('--together <head>', 'a head, such as layer.0/head.2, to ablate with others; may be repeated', repeated)
    .option('--out <folder>', 'where runs are kept', '.wherefore/runs')
    .option('--json', 'print JSON for scripts');
  command.action((path: string, options: CircuitCommandOptions) =>
    interruptible((signal) => run(path, options, commandLine(command), signal)),
  );
}

async function run(path: string, options: CircuitCommandOptions, command: string, signal: AbortSignal): Promise<void> {
  const prompt = await promptOf(options);
  const corruption = corruptionOf(options);
  await checkWritable(options.out);
  const progress = showProgress(process.stderr);
  const { answer, against, steps, neurons, together } = options;
  await withOpenModel(path, options, async (language) => {
    const document = await circuitOf(language, {
      prompt,
      answer,
      against,
      corruption,
      steps,
      neurons,
      together,
      signal,
      onProgress: (what) => progress.update(0, () => what),
    }).finally(() => progress.clear());
    const page = renderCircuitPage(document, command);
    const left = { what: 'language circuit', name: 'circuit', document, page, command };
    await leaveRun(options, left, () => describe(visibleAll(document)));
  });
}

function corruptionOf({ corruption, corrupt }: CircuitCommandOptions): CorruptionRequest {
  if (corruption !== undefined && corrupt !== undefined) {
    throw new WhereforeError('invalid-argument', 'the corruption is given twice', {
      fix: 'keep one of --corruption and --corrupt',
    });
  }
  if (corrupt !== undefined) return { kind: 'words', words: wordPairs(corrupt, '--corrupt') };
  if (corruption === undefined || corruption === 'mean') return { kind: 'mean' };
  if (corruption.startsWith('last:')) return { kind: 'last-token', text: corruption.slice('last:'.length) };
  throw new WhereforeError('invalid-argument', '--corruption', { got: corruption, expected: 'mean, or last:WORD' });
}

/** Two digits behind the point, without a zero that is less than none. */
const fixed = (value: number): string => value.toFixed(2).replace(/^-(?=0\.00$)/, '');

/** Rows of each table that a terminal shows. */
const shown = 8;

function describe(document: CircuitDocument): string {
  const { answer, against, corruption, clean, corrupted, heads, neurons, together, edges, edgeCount, faithfulness } =
    document;
  const quoted = (text: string) => JSON.stringify(text);
  const number = (value: number) => signedText(value, 3);
  const strongest = [...heads].sort((a, b) => Math.abs(b.noising) - Math.abs(a.noising)).slice(0, shown);
  const units = (rows: readonly { name: string; ablation: number; noising: number; denoising: number }[], of: string) =>
    formatTable([
      ['ablated', 'noising', 'denoising', of],
      ...rows.map(({ name, ablation, noising, denoising }) => [
        number(ablation),
        number(noising),
        number(denoising),
        name,
      ]),
    ]);
  const curves = faithfulness.integrated.map(({ edges: size, share }, i) => [
    String(size),
    ...[share, faithfulness.plain[i].share, faithfulness.random[i].share].map(fixed),
  ]);
  return [
    `looked at: the logit of ${quoted(answer)}${against === undefined ? '' : ` less that of ${quoted(against)}`}: ${number(clean)}`,
    `corrupted (${corruption}): ${number(corrupted)}\n`,
    `${units(strongest, 'head')}\n`,
    ...(neurons.length > 0 ? [`${units(neurons.slice(0, shown), 'neuron')}\n`] : []),
    ...(together
      ? [
          `${together.heads.join(', ')} ablated together: ${number(together.lost)}; all other heads: ${number(together.othersLost)}\n`,
        ]
      : []),
    formatTable([
      ['EAP-IG', 'EAP', `edge (of ${edgeCount})`],
      ...edges.slice(0, shown).map(({ name, integrated, plain }) => [number(integrated), number(plain), name]),
    ]),
    `\nfaithfulness of the first edges alone:\n${formatTable([['edges', 'EAP-IG', 'EAP', 'random'], ...curves])}`,
  ].join('\n');
}
