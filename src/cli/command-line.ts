import { Command, CommanderError } from 'commander';
import { packageVersion } from '../explain/version.ts';
import { downloadNamedModels } from './downloaded-models.ts';
import { reportFailure } from './failure.ts';
import { type Definitions, defineNamed } from './named-commands.ts';

/** Commands, in the order of the help; a module is loaded with the command that is asked for. */
const commands: Definitions = {
  demo: async () => (await import('./demo.ts')).defineDemo,
  explain: async () => (await import('./explain.ts')).defineExplain,
  evaluate: async () => (await import('./evaluate.ts')).defineEvaluate,
  inspect: async () => (await import('./inspect.ts')).defineInspect,
  gradient: async () => (await import('./gradient.ts')).defineGradient,
  replay: async () => (await import('./replay.ts')).defineReplay,
  adapt: async () => (await import('./adapt.ts')).defineAdapt,
  audit: async () => (await import('./audit.ts')).defineAudit,
  influence: async () => (await import('./influence.ts')).defineInfluence,
  retrain: async () => (await import('./retrain.ts')).defineRetrain,
  trace: async () => (await import('./trace.ts')).defineTrace,
  language: async () => (await import('./language/language.ts')).defineLanguage,
  worker: async () => (await import('./worker.ts')).defineWorker,
  runs: async () => {
    const { defineRuns } = await import('./runs.ts');
    return (program) => defineRuns(program, runCommandLine);
  },
};

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
  try {
    await defineNamed(program, commands, words);
    for (const command of program.commands.flatMap((one) => [one, ...one.commands]))
      command.copyInheritedSettings(program).option('--debug', 'show where an error came from');
    if (words.length === 0) program.help({ error: true });
    await program.parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has printed its own message; help and version are no errors.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1;
    return reportFailure(error, words.includes('--debug'));
  }
}
