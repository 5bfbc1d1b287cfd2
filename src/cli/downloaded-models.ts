import type { Command } from 'commander';
import { isHubReference } from '../data/hub/reference.ts';
import { interruptible } from './failure.ts';
import { showProgress } from './progress.ts';

/** Names under which commands take a model. */
const modelNames = new Set(['model', 'model or data']);

/**
 * Models of the hub among the words of a command, `hf:owner/name`, are downloaded, and the command goes on with the files:
 * it takes a path wherever it takes a model.
 */
export async function downloadNamedModels(command: Command): Promise<void> {
  const options = command.opts<{ readonly file?: string; readonly endpoint?: string }>();
  // Behind an address a model has a name of the address's own.
  if (options.endpoint === undefined) {
    for (const [name, value] of Object.entries(options))
      if (modelNames.has(name) && isReference(value))
        command.setOptionValue(name, await downloaded(value, options.file));
  }
  const { processedArgs, registeredArguments } = command;
  for (const [i, argument] of registeredArguments.entries()) {
    const value: unknown = processedArgs[i];
    if (modelNames.has(argument.name()) && isReference(value)) processedArgs[i] = await downloaded(value, options.file);
  }
}

const isReference = (value: unknown): value is string => typeof value === 'string' && isHubReference(value);

/** The path of a model of the hub. */
async function downloaded(reference: string, file: string | undefined): Promise<string> {
  const { downloadModel } = await import('../data/hub/hub.ts');
  const progress = showProgress(process.stderr);
  return interruptible(
    (signal) =>
      downloadModel(reference, {
        file,
        signal,
        onProgress: ({ file, received, total }) =>
          progress.update(total === undefined ? 0 : received / total, () => progressText(file, received, total)),
      }).finally(() => progress.clear()),
    'stopped; the same command goes on from here',
  );
}

const progressText = (file: string, received: number, total: number | undefined): string =>
  `${file}: ${megabytes(received)}${total === undefined ? '' : ` of ${megabytes(total)}`} MB`;

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
