#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../report/version.ts';
import { defineDemo } from './demo.ts';
import { defineExplain } from './explain.ts';
import { reportFailure } from './failure.ts';
import { defineGradient } from './gradient.ts';
import { defineInspect } from './inspect.ts';
import { defineReplay } from './replay.ts';

const program = new Command('wherefore')
  .description('why did the model say this, and where did it come from?')
  .version(packageVersion)
  .option('--debug', 'show where an error came from')
  .showSuggestionAfterError()
  .showHelpAfterError('(add --help for what the command takes)')
  .exitOverride();

for (const define of [defineDemo, defineExplain, defineInspect, defineGradient, defineReplay]) define(program);

try {
  if (process.argv.length <= 2) program.help();
  await program.parseAsync();
} catch (error) {
  // Commander has printed its own message; help and version are no errors.
  process.exitCode =
    error instanceof CommanderError
      ? error.exitCode === 0
        ? 0
        : 1
      : reportFailure(error, process.argv.includes('--debug'));
}
