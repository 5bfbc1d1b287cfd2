import type { Tokenizer } from '../../data/inputs/tokenizer.ts';

/** Turns tokens into text as they come. */
export interface TextStream {
  /** What is certain of the text after one more token; bytes of a letter that is not whole are held back. */
  push(id: number): string;
  /** What was held back: bytes that never became a letter are U+FFFD. */
  end(): string;
  /** All that was given out. */
  readonly text: string;
}

/**
 * A stream of text behind a prompt. Decoders drop the space before the first word of a text, so the tokens are decoded
 * together with those of the prompt. Text that may be the beginning of a stop string is held back as well.
 */
export function textStream(tokenizer: Tokenizer, prompt: readonly number[], stops: readonly string[] = []): TextStream {
  const ids = [...prompt];
  const before = tokenizer.decode(prompt).length;
  let given = '';
  const rest = () => tokenizer.decode(ids).slice(before + given.length);
  const give = (text: string) => {
    given += text;
    return text;
  };
  return {
    push(id) {
      ids.push(id);
      const text = rest();
      // A replacement character at the end may be a letter whose other bytes are still to come.
      const whole = text.replace(/\uFFFD{1,3}$/u, '');
      return give(whole.slice(0, whole.length - heldFor(whole, stops)));
    },
    end: () => give(rest()),
    get text() {
      return given;
    },
  };
}

/** Letters at the end of a text with which a stop string may begin. */
function heldFor(text: string, stops: readonly string[]): number {
  let most = 0;
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > most; length--) {
      if (text.endsWith(stop.slice(0, length))) most = length;
    }
  }
  return most;
}
