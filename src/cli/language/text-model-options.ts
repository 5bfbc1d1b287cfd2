import type { Command } from 'commander';
import { localTextModel } from '../../language/generate/local-text-model.ts';
import { openLanguageModel } from '../../language/model/language-model.ts';
import type { TextModel } from '../../language/text-model.ts';
import { tell } from '../terminal.ts';
import { endpointHelp, type LimitOptions, openEndpoint, usedText, withLimits } from './endpoint-options.ts';

/** What {@link withTextModel} adds to a command. */
export interface TextModelOptions extends LimitOptions {
  readonly model: string;
  readonly endpoint?: string;
}

/** Which model answers: one in a folder, or one behind an address. */
export function withTextModel(command: Command): Command {
  return withLimits(
    command
      .requiredOption('--model <folder or name>', 'a folder with model.onnx and tokenizer.json; with --endpoint a name')
      .option('--endpoint <address>', endpointHelp),
  );
}

/**
 * Opens the model, does the work and closes it.
 * @returns what the work gave, and what was used of an endpoint in words
 */
export async function withOpenTextModel<T>(
  options: TextModelOptions,
  signal: AbortSignal,
  work: (model: TextModel) => Promise<T>,
): Promise<{ readonly result: T; readonly name: string; readonly used?: string }> {
  const { endpoint, model } = options;
  if (endpoint !== undefined) {
    const connected = await openEndpoint({ ...options, endpoint }, signal);
    return { result: await work(connected), name: connected.name, used: usedText(connected) };
  }
  const language = await openLanguageModel(model);
  const local = localTextModel(language);
  try {
    for (const note of language.notes) tell(`note: ${note}`);
    return { result: await work(local), name: local.name };
  } finally {
    await local.close();
    await language.close();
  }
}
