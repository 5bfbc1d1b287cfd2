import { WhereforeError } from './errors.ts';
import { nearest } from './nearest.ts';

/**
 * One form in which a person writes a value, a row of a small grammar: a word alone, a word with something behind a
 * colon, or a text that is known by its look. `Read` is what makes the value of it.
 */
export interface Form<Read> {
  /** As help shows it: `blur:SIGMA`. */
  readonly text: string;
  /** Words that stand alone. */
  readonly words?: readonly string[];
  /** The word before a colon; what stands behind it is the argument. */
  readonly prefix?: string;
  /** Tells texts that neither words nor a prefix do, such as files; asked after all words and prefixes. */
  readonly matches?: (text: string) => boolean;
  /** Tells texts that are of this form although they begin with the word of another. */
  readonly first?: (text: string) => boolean;
  readonly read: Read;
}

/** The form of a text, with what its prefix leaves of it; undefined where it is none. */
export function formIn<F extends Form<unknown>>(
  text: string,
  forms: readonly F[],
): { readonly form: F; readonly argument: string } | undefined {
  const word = forms.find(({ words, first }) => words?.includes(text) || first?.(text));
  if (word) return { form: word, argument: text };
  const { name, argument } = prefixed(text);
  const before = name === undefined ? undefined : forms.find(({ prefix }) => prefix === name);
  if (before) return { form: before, argument };
  const other = forms.find(({ matches }) => matches?.(text));
  return other && { form: other, argument: text };
}

/** `blur:8` as its word and what stands behind the colon; no name for a text that begins with no word and colon. */
export function prefixed(text: string): { readonly name: string | undefined; readonly argument: string } {
  const [, name, argument = text] = /^([a-z][a-z-]*):(.*)$/s.exec(text) ?? [];
  return { name, argument };
}

/** All forms, for help. */
export function formTexts(forms: readonly Form<unknown>[]): string {
  return [...new Set(forms.map(({ text }) => text))].join(', ');
}

/**
 * The error for a text that is none of the forms: what was most likely meant first.
 * @param what what there is not: `--baseline blak: there is no such baseline`
 * @param example what stands behind a colon where the text has none, for the guess
 */
export function unknownForm(
  what: string,
  text: string,
  forms: readonly Form<unknown>[],
  { expected = formTexts(forms), example = '' }: { readonly expected?: string; readonly example?: string } = {},
): WhereforeError {
  const { name = text, argument } = prefixed(text);
  const word = nearest(
    text,
    forms.flatMap(({ words = [] }) => words),
  );
  const prefix = nearest(
    name,
    forms.flatMap((form) => form.prefix ?? []),
  );
  const behind = name === text ? example : argument;
  return new WhereforeError('invalid-argument', what, {
    guess: word ?? (prefix && `${prefix}:${behind}`),
    expected,
  });
}

/** Parts of a list; commas between digits are no commas of the list: `black,table.csv#1,2`. */
export function listOf(text: string): string[] {
  return text.split(/,(?!\d)/).map((part) => part.trim());
}

/** `NAME=VALUE`; undefined for a text without a name. */
export function assigned(text: string): { readonly name: string; readonly value: string } | undefined {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  return name === undefined ? undefined : { name, value };
}
