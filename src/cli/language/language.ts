import type { Command } from 'commander';
import { defineAudits } from './audit.ts';
import { defineCircuit } from './circuit.ts';
import { defineConcepts } from './concepts.ts';
import { defineEdit } from './edit.ts';
import { defineFeatures } from './features.ts';
import { defineGenerate } from './generate.ts';
import { defineJudge } from './judge.ts';
import { defineProbe } from './probe.ts';
import { defineReasoning } from './reasoning.ts';
import { defineSay } from './say.ts';
import { defineShortcut } from './shortcut.ts';
import { defineSources } from './sources.ts';
import { defineTaught } from './taught.ts';
import { defineWhere } from './where.ts';
import { defineWhy } from './why.ts';

const subcommands = [
  defineGenerate,
  defineWhy,
  defineWhere,
  defineTaught,
  defineCircuit,
  defineEdit,
  defineFeatures,
  defineProbe,
  defineReasoning,
  defineAudits,
  defineSources,
  defineShortcut,
  defineConcepts,
  defineJudge,
  defineSay,
];

/** `wherefore language`: one command for each question about a language model. */
export function defineLanguage(program: Command): void {
  const language = program
    .command('language')
    .enablePositionalOptions()
    .description(
      'questions about a language model: what it writes, why, who taught it, what it judges and how it puts explanations into words',
    );
  for (const define of subcommands) define(language);
}
