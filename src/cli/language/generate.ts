import type { Command } from 'commander';
import { WhereforeError } from '../../errors.ts';
import { generate } from '../../language/generate/generate.ts';
import type { Prompt } from '../../language/text-model.ts';
import { interruptible } from '../failure.ts';
import { repeated, wholeNumber } from '../options.ts';
import { printJson, printPiece, tell } from '../terminal.ts';
import {
  type LanguageOptions,
  numberOption,
  promptOf,
  tellUnknown,
  withLanguageModel,
  withOpenModel,
} from './language-options.ts';

interface GenerateCommandOptions extends LanguageOptions {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topK?: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly stop?: string[];
  readonly seed: number;
  readonly chat?: boolean;
  readonly system?: string;
  readonly json?: boolean;
}

export function defineGenerate(language: Command): void {
  withLanguageModel(language.command('generate'))
    .description('continue a text, token by token')
    .option('--max-tokens <count>', 'tokens to write at most', wholeNumber, 100)
    .option('--temperature <number>', '0 takes the most probable token, 1 draws as the model says', numberOption, 0)
    .option('--top-k <count>', 'draw among so many of the most probable tokens', wholeNumber)
    .option('--top-p <share>', 'draw among the most probable tokens that hold this probability', numberOption, 1)
    .option('--min-p <share>', 'draw among tokens at least this probable, as a share of the first', numberOption, 0)
    .option('--repetition-penalty <number>', 'above 1: tokens of the text become less probable', numberOption, 1)
    .option('--stop <text>', 'stop before this text; may be repeated', repeated)
    .option('--seed <number>', 'determines what is drawn', numberOption, 0)
    .option('--chat', "the prompt is the message of a user, written as the model's chat template says")
    .option('--system <text>', 'with --chat: what stands before the conversation')
    .option('--json', 'print JSON for scripts, when all is written')
    .action((path: string, options: GenerateCommandOptions) =>
      interruptible((signal) => run(path, options, signal), 'stopped'),
    );
}

async function run(path: string, options: GenerateCommandOptions, signal: AbortSignal): Promise<void> {
  const prompt = asked(await promptOf(options), options);
  const { maxTokens, temperature, topK, topP, minP, repetitionPenalty, stop: stops, seed, json } = options;
  await withOpenModel(path, options, async (language) => {
    const sampling = { temperature, topK, topP, minP, repetitionPenalty, seed };
    const onText = json ? undefined : printPiece;
    if (typeof prompt === 'string') tellUnknown(language, prompt);
    const began = performance.now();
    const generated = await generate(language, prompt, { ...sampling, maxTokens, stops, onText, signal });
    if (json) return printJson({ ...generated, prompt, sampling });
    printPiece('\n');
    const seconds = (performance.now() - began) / 1000;
    const { ids, stopped } = generated;
    tell(`${ids.length} tokens in ${seconds.toFixed(1)} s; ended by ${endings[stopped]}`);
  });
}

/** The prompt as a text, or as a conversation. @throws WhereforeError `invalid-argument` */
function asked(prompt: string, { chat, system }: GenerateCommandOptions): Prompt {
  if (chat) {
    const before = system === undefined ? [] : [{ role: 'system', content: system } as const];
    return [...before, { role: 'user', content: prompt }];
  }
  if (system === undefined) return prompt;
  throw new WhereforeError('invalid-argument', '--system is part of a conversation', { fix: 'add --chat' });
}

const endings = {
  end: 'the model',
  'stop string': '--stop',
  'max tokens': '--max-tokens',
} as const;
