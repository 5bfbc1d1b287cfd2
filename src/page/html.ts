/** Text that is safe to put into a page as it is. Only {@link html} and {@link raw} make it. */
export interface Html {
  readonly html: string;
}

type Part = Html | string | number | undefined | false | readonly Part[];

/**
 * What neither HTML nor SVG may hold, and marks of direction (overrides, embeddings, isolates), which would show the
 * words around a name in another order.
 */
const unprintable =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Text for HTML, also inside quoted attributes: names come from files and may hold anything. */
export function escapeText(text: string): string {
  const printable = text.replace(unprintable, '\ufffd');
  return printable.replace(/[&<>"'`]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

/** A piece of page: every inserted text is escaped, inserted pieces are not; undefined and false insert nothing. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return { html: strings.reduce((text, string, i) => text + (i > 0 ? render(parts[i - 1]) : '') + string, '') };
}

/** Marks text as safe: style sheets and scripts of our own. */
export function raw(text: string): Html {
  return { html: text };
}

/** Text that is to be copied, letter by letter: a command. Elsewhere a number keeps its unit by a space of its own. */
export function verbatim(text: string): Html {
  return { html: escapeText(text) };
}

function render(part: Part): string {
  if (part === undefined || part === false) return '';
  // A number stays with its unit at the end of a line.
  if (typeof part === 'string') return escapeText(part.replace(/(\d) (%|pts\b)/g, '$1\u00a0$2'));
  if (typeof part === 'number') return String(part);
  return 'html' in part ? part.html : part.map(render).join('');
}
