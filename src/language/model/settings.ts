import type { Tokenizer } from '../../data/inputs/tokenizer.ts';
import { WhereforeError } from '../../errors.ts';

export type Settings = Readonly<Record<string, unknown>>;

/** A file of settings as an object. @throws WhereforeError `invalid-data` */
export function settingsOf(text: string, where: string): Settings {
  try {
    const content: unknown = JSON.parse(text);
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content as Settings;
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'not JSON', { where, cause });
  }
  throw new WhereforeError('invalid-data', 'no settings', { where, expected: 'a JSON object' });
}

/** A number of things, where settings state one. */
export const countOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : undefined;

/** The ids that end a text: those that the first file that names any names, else the tokenizer's by its usual names. */
export function endsOf(stated: readonly unknown[], tokenizer: Tokenizer): ReadonlySet<number> {
  for (const value of stated) {
    const ids = (Array.isArray(value) ? value : [value]).filter((id): id is number => Number.isInteger(id));
    if (ids.length > 0) return new Set(ids);
  }
  const usual = ['</s>', '<|endoftext|>', '<|im_end|>', '<|eot_id|>', '<eos>', '<end_of_turn>'];
  return new Set(usual.map((token) => tokenizer.idOf(token)).filter((id) => id !== undefined));
}
