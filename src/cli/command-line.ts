import { Command, CommanderError } from 'commander';
import { packageVersion } from '../explain/version.ts';
import { defineAdapt } from './adapt.ts';
import { defineAudit } from './audit.ts';
import { defineDemo } from './demo.ts';
import { downloadNamedModels } from './downloaded-models.ts';
import { defineEvaluate } from './evaluate.ts';
import { defineExplain } from './explain.ts';
import { reportFailure } from './failure.ts';
import { defineGradient } from './gradient.ts';
import { defineInfluence } from './influence.ts';
import { defineInspect } from './inspect.ts';
import { defineLanguage } from './language/language.ts';
import { defineReplay } from './replay.ts';
import { defineRetrain } from './retrain.ts';
import { defineRuns } from './runs.ts';
import { defineTrace } from './trace.ts';
import { defineWorker } from './worker.ts';

const commands = [
  defineDemo,
  defineExplain,
  defineEvaluate,
  defineInspect,
  defineGradient,
  defineReplay,
  defineAdapt,
  defineAudit,
  defineInfluence,
  defineRetrain,
  defineTrace,
  defineLanguage,
  defineWorker,
];

/**
 * Runs what stands behind `wherefore` on a command line and returns the exit code: 0, 1 for a mistake that the user can
 * fix (said in one message), 2 for a mistake of ours. Never throws.
 */
export async function runCommandLine(words: readonly string[]): Promise<number> {
  const program = new Command('wherefore')
    .description('why did the model say this, and where did it come from?')
    .version(packageVersion)
    .option('--debug', 'show where an error came from')
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for what the command takes)')
    // `trace` and `trace index` have options of the same name.
    .enablePositionalOptions()
    .exitOverride()
    .hook('preAction', (_, command) => downloadNamedModels(command));
  for (const define of commands) define(program);
  defineRuns(program, runCommandLine);
  for (const command of program.commands.flatMap((one) => [one, ...one.commands]))
    command.copyInheritedSettings(program).option('--debug', 'show where an error came from');
  try {
    if (words.length === 0) program.help({ error: true });
    await program.parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has printed its own message; help and version are no errors.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1;
    return reportFailure(error, words.includes('--debug'));
  }
}
