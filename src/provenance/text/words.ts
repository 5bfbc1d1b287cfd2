/** A run of letters and digits, or one sign of a script that puts no spaces between words. */
const wordPattern =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]\p{M}*|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}])[\p{L}\p{N}\p{M}])+/gu;

/** A word of a text: its letters, and where they lie among the UTF-8 bytes of the text. */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The words of a text in order, with their places in its UTF-8 form. */
export function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  let [at, bytes] = [0, 0];
  for (const match of text.matchAll(wordPattern)) {
    bytes += byteLength(text, at, match.index);
    const end = bytes + byteLength(match[0], 0, match[0].length);
    words.push({ text: match[0], start: bytes, end });
    [at, bytes] = [match.index + match[0].length, end];
  }
  return words;
}

/** Bytes of a piece of a text in UTF-8. */
function byteLength(text: string, from: number, to: number): number {
  let bytes = 0;
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) bytes += 1;
    else if (code < 0x800) bytes += 2;
    // Two halves of a sign beyond the basic plane make four bytes; a half alone becomes U+FFFD, of three.
    else if (code >= 0xd800 && code < 0xdc00 && isLowHalf(text.charCodeAt(i + 1))) {
      bytes += 4;
      i++;
    } else bytes += 3;
  }
  return bytes;
}

const isLowHalf = (code: number) => code >= 0xdc00 && code < 0xe000;
