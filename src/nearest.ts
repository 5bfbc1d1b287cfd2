import { type ErrorCode, type ErrorDetails, WhereforeError } from './errors.ts';

/** Smallest number of single-letter insertions, deletions, replacements and swaps of neighbours between two texts. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(replaced, last[j] + 1, row[j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length];
}

/**
 * The known name that someone most likely meant: for "did you mean …?". Case is ignored; undefined where nothing is
 * as close as a third of the longer name's length.
 */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let smallest = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const allowed = Math.max(1, Math.floor(Math.max(wanted.length, candidate.length) / 3));
    // Each letter too many is a change; a megabyte in place of a name must not be compared letter by letter.
    if (Math.abs(wanted.length - candidate.length) > allowed) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < smallest && distance <= allowed) {
      smallest = distance;
      best = candidate;
    }
  }
  return best;
}

/** As many known names as an error lists. */
const listed = 12;

/** Known names with those first that differ least from a given one; the rest only counted beyond {@link listed}. */
export function listNearest(name: string, known: readonly string[]): string {
  const wanted = name.toLowerCase();
  // A name that holds the text is nearer than its letters say: "cat" and "tabby cat".
  const distance = (one: string) => {
    const other = one.toLowerCase();
    return other.includes(wanted) ? 0 : editDistance(wanted, other);
  };
  const order = known
    .map((one, i) => ({ one, i, distance: distance(one) }))
    .sort((a, b) => a.distance - b.distance || a.i - b.i);
  const shown = order.slice(0, listed).map(({ one }) => `"${one}"`);
  return `${shown.join(', ')}${known.length > listed ? `, … (${known.length} in all)` : ''}`;
}

/**
 * The error for a name that is none of the known ones: the one that was most likely meant first, then the others.
 * @param what what there is not, without the name: `there is no method`
 */
export function unknownName(
  what: string,
  name: string,
  known: Iterable<string>,
  { code = 'unknown-name', ...details }: ErrorDetails & { readonly code?: ErrorCode } = {},
): WhereforeError {
  const names = [...new Set(known)];
  return new WhereforeError(code, `${what} "${name}"`, {
    guess: nearest(name, names),
    expected: names.length > 0 ? listNearest(name, names) : undefined,
    ...details,
  });
}
