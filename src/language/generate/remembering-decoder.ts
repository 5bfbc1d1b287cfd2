import type { LanguageModel } from '../model/language-model.ts';
import { openDecoder } from './decoder.ts';

/** A decoder that knows what it has read, so that texts with the same beginning share the work for it. */
export interface RememberingDecoder {
  readonly capacity: number;
  /** The logits behind a text of one token or more. */
  read(ids: readonly number[], signal?: AbortSignal): Promise<Float32Array>;
  /** ln p of each token from `first` on, given those before it; `first` from 1. */
  score(ids: readonly number[], first: number, signal?: AbortSignal): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Opens a decoder for texts up to `length` tokens.
 * @throws WhereforeError as {@link openDecoder}
 */
export async function openRememberingDecoder(language: LanguageModel, length: number): Promise<RememberingDecoder> {
  const decoder = await openDecoder(language, length);
  let known: readonly number[] = [];
  /** Goes back to what a text shares with the last one, of which `most` tokens at most. */
  const rewind = (ids: readonly number[], most: number): number => {
    let shared = 0;
    while (shared < most && shared < known.length && known[shared] === ids[shared]) shared++;
    decoder.rewind(shared);
    return shared;
  };
  return {
    capacity: decoder.capacity,
    async read(ids, signal) {
      const shared = rewind(ids, ids.length - 1);
      const logits = await decoder.read(ids.slice(shared), signal);
      known = ids;
      return logits;
    },
    async score(ids, first, signal) {
      const shared = rewind(ids, first - 1);
      const scores = await decoder.score(ids.slice(shared, -1), ids.slice(first), signal);
      known = ids.slice(0, -1);
      return scores;
    },
    close: () => decoder.close(),
  };
}
