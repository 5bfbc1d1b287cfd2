import type { Command } from 'commander';
import { folderCache } from '../../language/endpoint/answer-cache.ts';
import { connectEndpoint, type Endpoint } from '../../language/endpoint/endpoint.ts';
import { wholeNumber } from '../options.ts';

/** What {@link withLimits} adds to a command. */
export interface LimitOptions {
  readonly keyVariable: string;
  readonly calls: number;
  readonly perMinute?: number;
  readonly answers: string;
}

/** What {@link withEndpoint} adds to a command. */
export interface EndpointCommandOptions extends LimitOptions {
  readonly endpoint: string;
  readonly model: string;
}

/** What `--endpoint` takes, in words. */
export const endpointHelp = 'an API like that of OpenAI, such as http://localhost:11434/v1 (Ollama)';

/** How an endpoint may be asked. */
export function withLimits(command: Command, calls = 1000): Command {
  return command
    .option('--key-variable <name>', 'the variable of the environment that holds the key', 'WHEREFORE_API_KEY')
    .option('--calls <count>', 'requests at most, each attempt counted', wholeNumber, calls)
    .option('--per-minute <count>', 'requests that begin within a minute at most', wholeNumber)
    .option('--answers <folder>', 'where answers are kept, so that none is paid twice', '.wherefore/answers');
}

/** Which model behind an address answers, and how often it may be asked. */
export function withEndpoint(command: Command): Command {
  return withLimits(
    command
      .requiredOption('--endpoint <address>', endpointHelp)
      .requiredOption('--model <name>', 'the model behind it'),
  );
}

/** Connects to what the options of {@link withEndpoint} name. */
export function openEndpoint(options: EndpointCommandOptions, signal: AbortSignal): Promise<Endpoint> {
  const { endpoint: url, model, keyVariable, calls, perMinute, answers } = options;
  return connectEndpoint({
    url,
    model,
    keyVariable,
    limits: { calls },
    perMinute,
    cache: folderCache(answers),
    signal,
  });
}

/** What was asked, in words. */
export function usedText({ used }: Endpoint): string {
  const { calls, promptTokens, answerTokens, cached } = used();
  const tokens = `${(promptTokens + answerTokens).toLocaleString('en')} tokens`;
  return `${calls.toLocaleString('en')} requests, ${tokens}; ${cached.toLocaleString('en')} answers were known`;
}
