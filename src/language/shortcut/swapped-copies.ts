import { WhereforeError } from '../../errors.ts';
import { wholeWord } from '../text/whole-word.ts';

/** Two words that should make no difference to the label. */
export type SwappedPair = readonly [one: string, other: string];

/** A text with a label. */
export interface LabelledText {
  readonly text: string;
  readonly label: string;
}

/** Copies that were made, and texts that gave none. */
export interface SwappedCopies {
  readonly copies: readonly LabelledText[];
  /** Texts that hold no word of a pair. */
  readonly untouched: number;
  /** Copies that were not kept: they stand among the texts already. */
  readonly known: number;
}

/**
 * Counterfactual copies: every text with each word of a pair exchanged for the other one, under the same label. Together
 * with the originals the words no longer tell the label. Copies that are texts of the data already are left out.
 * @throws WhereforeError `invalid-argument` for a pair of one word; `unknown-name` where no text holds a word of a pair
 */
export function swappedCopies(texts: readonly LabelledText[], pairs: readonly SwappedPair[]): SwappedCopies {
  for (const [one, other] of pairs) {
    if (one === other) throw new WhereforeError('invalid-argument', 'a word is exchanged for itself', { got: one });
    if (texts.some(({ text }) => wholeWord(one).test(text) || wholeWord(other).test(text))) continue;
    throw new WhereforeError('unknown-name', 'no text holds a word of the pair', { got: `${one}, ${other}` });
  }
  const existing = new Set(texts.map(({ text, label }) => JSON.stringify([text, label])));
  const copies: LabelledText[] = [];
  let [untouched, known] = [0, 0];
  for (const { text, label } of texts) {
    const swapped = swappedText(text, pairs);
    if (swapped === text) untouched++;
    else if (existing.has(JSON.stringify([swapped, label]))) known++;
    else copies.push({ text: swapped, label });
  }
  return { copies, untouched, known };
}

/** A text with the words of pairs exchanged, both ways at once. */
export function swappedText(text: string, pairs: readonly SwappedPair[]): string {
  let swapped = text;
  for (const [one, other] of pairs) {
    // Both words are found before either is written.
    const either = new RegExp(`${wholeWord(one).source}|${wholeWord(other).source}`, 'gu');
    swapped = swapped.replace(either, (found) => (found === one ? other : one));
  }
  return swapped;
}
