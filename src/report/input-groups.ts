import type { Groups } from '../attribution/groups.ts';
import type { ModelInput } from '../data/model-input.ts';

/** Columns of a table and words of a text as feature groups; undefined for inputs without names. */
export function inputGroups({ groups }: ModelInput): Groups | undefined {
  if (!groups) return undefined;
  if (groups.kind === 'words') return { kind: 'words', words: groups.of, texts: groups.texts };
  const columns = groups.names.map((name, group) => ({
    name,
    positions: groups.of.flatMap((other, i) => (other === group ? [i] : [])),
  }));
  return { kind: 'columns', columns };
}
