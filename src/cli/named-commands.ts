import type { Command } from 'commander';

/** Adds a command to its parent; what follows are the words behind its own name. */
export type Define = (parent: Command, words: readonly string[]) => void | Promise<void>;

/** Modules of commands, by the names of these. */
export type Definitions = Readonly<Record<string, () => Promise<Define>>>;

/**
 * Adds the command that the words ask for, whose module alone is loaded then: all of them take four times as long as
 * Node itself. Where they ask for none of them (help, an unknown name), all are added.
 */
export async function defineNamed(parent: Command, definitions: Definitions, words: readonly string[]): Promise<void> {
  const at = words.findIndex((word) => !word.startsWith('-'));
  const named = Object.keys(definitions).filter((name) => name === words[at]);
  for (const name of named.length > 0 ? named : Object.keys(definitions)) {
    const define = await definitions[name]();
    await define(parent, named.length > 0 ? words.slice(at + 1) : []);
  }
}
