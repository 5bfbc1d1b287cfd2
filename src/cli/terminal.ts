/**
 * Characters that a terminal obeys instead of showing them, and such that show a text in another order than it has or
 * hide a part of it: controls (C0, C1, DEL), marks of direction, separators of lines, invisible and tag characters.
 */
const hidden =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

const written = (letter: string): string => `\\u{${(letter.codePointAt(0) as number).toString(16)}}`;

/** Texts of others are shortened to so many letters. */
const longest = 300;

/** A text of a file or a caller on one line, as it is to be read: what a terminal would obey is written out, what is long is cut. */
export function visible(text: string): string {
  const shown = text.replace(hidden, written);
  return shown.length > longest ? `${shown.slice(0, longest - 1)}…` : shown;
}

/** A message of at most 2,000 letters on one line, as it is to be read. */
export function visibleMessage(message: string): string {
  const shown = message.replace(/\s*\n\s*/g, ' ').replace(hidden, written);
  return shown.length > 2000 ? `${shown.slice(0, 1999)}…` : shown;
}

/** Data with every text in it {@link visible}; for documents and tables that are about to be printed. */
export function visibleAll<T>(data: T): T {
  if (typeof data === 'string') return visible(data) as T;
  if (Array.isArray(data)) return data.map(visibleAll) as T;
  if (data instanceof Map) return new Map([...data].map(([key, value]) => [visibleAll(key), visibleAll(value)])) as T;
  if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data)) return data;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [visible(key), visibleAll(value)])) as T;
}

/** Lines for the terminal: line breaks stay, everything else that it would obey is written out. */
const lines = (text: string): string => text.replace(hidden, (letter) => (letter === '\n' ? letter : written(letter)));

/** Prints a result. All that is printed goes through here or {@link tell}. */
export function print(text: string): void {
  console.log(lines(text));
}

/** Prints a piece of a text that goes on. */
export function printPiece(text: string): void {
  process.stdout.write(lines(text));
}

/** Prints a message beside the result. */
export function tell(text: string): void {
  console.error(lines(text));
}

/** Prints data as JSON. Control characters are escaped there anyway; the others are as well. */
export function printJson(data: unknown): void {
  const escaped = (letter: string) =>
    [...Array(letter.length).keys()].map((i) => `\\u${letter.charCodeAt(i).toString(16).padStart(4, '0')}`).join('');
  console.log(
    JSON.stringify(data, undefined, 2).replace(hidden, (letter) => (letter === '\n' ? letter : escaped(letter))),
  );
}
