import type { Command } from 'commander';
import { defineGenerate } from './generate.ts';

/** `wherefore language`: one command for each question about a language model. */
export function defineLanguage(program: Command): void {
  const language = program
    .command('language')
    .enablePositionalOptions()
    .description('questions about a language model: what it writes, and why');
  defineGenerate(language);
}
