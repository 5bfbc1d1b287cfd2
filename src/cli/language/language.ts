import type { Command } from 'commander';
import { defineGenerate } from './generate.ts';
import { defineJudge } from './judge.ts';

const subcommands = [defineGenerate, defineJudge];

/** `wherefore language`: one command for each question about a language model. */
export function defineLanguage(program: Command): void {
  const language = program
    .command('language')
    .enablePositionalOptions()
    .description('questions about a language model: what it writes, why, and what it judges');
  for (const define of subcommands) define(language);
}
