import { WhereforeError } from '../errors.ts';
import { assigned } from '../forms.ts';
import { unknownName } from '../nearest.ts';

/** Parameters by the name of what they are set for. */
export type Settings = Record<string, Record<string, unknown>>;

/**
 * Reads `--set NAME.PARAMETER=VALUE`, as often as it is given; of one parameter the last counts.
 * @param known tables of what has parameters
 * @param forms how a setting is written, for messages
 * @throws WhereforeError `invalid-argument` for another form, or a name that no table has
 */
export function parseSettings(
  texts: readonly string[],
  known: readonly Readonly<Record<string, unknown>>[],
  forms: string,
): Settings {
  const settings: Settings = {};
  for (const text of texts) {
    const { name: left = '', value = '' } = assigned(text) ?? {};
    const [, name, parameter] = /^([a-z0-9-]+)\.([A-Za-z]+)$/.exec(left) ?? [];
    if (!name || value === '') throw new WhereforeError('invalid-argument', '--set', { got: text, expected: forms });
    if (!known.some((table) => Object.hasOwn(table, name))) {
      const names = known.flatMap((table) => Object.keys(table));
      throw unknownName(`--set ${text}: there is no ${known.length > 1 ? 'method or metric' : 'method'}`, name, names, {
        code: 'invalid-argument',
      });
    }
    settings[name] = { ...settings[name], [parameter]: readValue(value) };
  }
  return settings;
}

/** Numbers, true and false, lists such as `[8,16,32]` or `0.1,0.5`; all else is text, which the parameter then judges. */
function readValue(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text.startsWith('[')) {
    try {
      return JSON.parse(text);
    } catch {
      throw new WhereforeError('invalid-argument', '--set', { got: text, expected: 'a list such as [8,16,32]' });
    }
  }
  const numbers = text.split(',').map(Number);
  if (numbers.some(Number.isNaN)) return text;
  return numbers.length === 1 ? numbers[0] : numbers;
}
