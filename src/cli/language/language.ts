import type { Command } from 'commander';
import { type Definitions, defineNamed } from '../named-commands.ts';

const subcommands: Definitions = {
  generate: async () => (await import('./generate.ts')).defineGenerate,
  why: async () => (await import('./why.ts')).defineWhy,
  where: async () => (await import('./where.ts')).defineWhere,
  taught: async () => (await import('./taught.ts')).defineTaught,
  circuit: async () => (await import('./circuit.ts')).defineCircuit,
  edit: async () => (await import('./edit.ts')).defineEdit,
  features: async () => (await import('./features.ts')).defineFeatures,
  probe: async () => (await import('./probe.ts')).defineProbe,
  reasoning: async () => (await import('./reasoning.ts')).defineReasoning,
  audit: async () => (await import('./audit.ts')).defineAudits,
  sources: async () => (await import('./sources.ts')).defineSources,
  shortcut: async () => (await import('./shortcut.ts')).defineShortcut,
  concepts: async () => (await import('./concepts.ts')).defineConcepts,
  judge: async () => (await import('./judge.ts')).defineJudge,
  say: async () => (await import('./say.ts')).defineSay,
};

/** `wherefore language`: one command for each question about a language model. */
export async function defineLanguage(program: Command, words: readonly string[]): Promise<void> {
  const language = program
    .command('language')
    .enablePositionalOptions()
    .description(
      'questions about a language model: what it writes, why, who taught it, what it judges and how it puts explanations into words',
    );
  await defineNamed(language, subcommands, words);
}
