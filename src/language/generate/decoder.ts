import { WhereforeError } from '../../errors.ts';
import { weightBytes } from '../../runtime/executor.ts';
import type { Session } from '../../runtime/runtime.ts';
import { int64, type Tensor, tensor } from '../../tensor/tensor.ts';
import { checkCausal } from '../cache/causal.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { tooLong } from '../model/prompt.ts';
import { wholeNumbers } from '../model/run.ts';
import { type DecoderProgram, decoderProgram } from './decoder-program.ts';

/** Writes a text token by token; keys and values of tokens before stay with the runtime. */
export interface Decoder {
  /** Tokens that fit. */
  readonly capacity: number;
  /** Tokens read so far. */
  readonly length: number;
  /**
   * Reads tokens behind those read before.
   * @returns the logits behind the last of them
   * @throws WhereforeError `out-of-range` where they do not fit
   */
  read(ids: readonly number[], signal?: AbortSignal): Promise<Float32Array>;
  /**
   * Reads tokens, and tells of the last of them how likely the one given for the place behind each was.
   * @param next for each of the last tokens, or of all, the one that follows it
   * @returns log p(next[i] | all up to its place)
   */
  score(ids: readonly number[], next: readonly number[], signal?: AbortSignal): Promise<Float32Array>;
  /** Forgets the tokens behind the first `length`: what was computed of those before is kept. */
  rewind(length: number): void;
  close(): Promise<void>;
}

/** Texts of similar length share a graph. */
const smallestCapacity = 64;

/** The capacity of the graph that holds texts of a length: the next power of two, from 64 up, no more than the model's. */
export function capacityFor(length: number, longest = Number.POSITIVE_INFINITY): number {
  let capacity = smallestCapacity;
  while (capacity < length) capacity *= 2;
  return Math.max(length, Math.min(capacity, longest));
}

/** Weights times tokens of a text: for less, threads wait for each other longer than they work. */
const smallWork = 2 ** 28;

/** Tokens read together times tokens that they look at: what one head's attention holds, 8 MiB in float32. */
const mostAttended = 2 ** 21;

/** Tokens of a long text that are read together, so that memory does not grow with the square of its length. */
const pieceLength = (capacity: number): number => Math.max(1, Math.floor(mostAttended / capacity));

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * Opens a decoder for texts up to `length` tokens. Its graph is made from the graph of the model: see {@link withCache}.
 * @throws WhereforeError `out-of-range` for more tokens than the model takes; `unsupported-model` where the model looks
 *   at later tokens
 */
export async function openDecoder(language: LanguageModel, length: number): Promise<Decoder> {
  const { longest, model } = language;
  if (longest !== undefined && length > longest) {
    await checkCausal(language);
    throw tooLong(language.name, length, longest, ' with those to be written');
  }
  const capacity = capacityFor(length, longest);
  const program = await decoderProgram(language, capacity).catch(async (error: unknown) => {
    // What reads both ways has no such graph, and there is a better word for that.
    await checkCausal(language);
    throw error;
  });
  const threads = (weightBytes(model.graph) / 4) * capacity < smallWork ? 1 : undefined;
  const session = await model.executor.borrow(program.cached.graph, { threads });
  const decoder = new CachedDecoder(session, program, language, capacity);
  try {
    await checkCausal(
      language,
      capacity < smallestCapacity ? undefined : (ids, count) => decoder.firstLogits(ids, count),
    );
    return decoder;
  } catch (error) {
    await decoder.close();
    throw error;
  }
}

class CachedDecoder implements Decoder {
  readonly capacity: number;
  readonly #session: Session;
  readonly #program: DecoderProgram;
  readonly #language: LanguageModel;
  readonly #carry: ReadonlyMap<string, string>;
  #length = 0;
  #isEmpty = true;

  constructor(session: Session, program: DecoderProgram, language: LanguageModel, capacity: number) {
    this.#session = session;
    this.#program = program;
    this.#language = language;
    this.capacity = capacity;
    this.#carry = new Map(program.cached.caches.map(({ input, output }) => [output, input]));
  }

  get length(): number {
    return this.#length;
  }

  async read(ids: readonly number[], signal?: AbortSignal): Promise<Float32Array> {
    return this.#run(ids, [noToken], this.#program.logits, signal);
  }

  async score(ids: readonly number[], next: readonly number[], signal?: AbortSignal): Promise<Float32Array> {
    return this.#run(ids, next, this.#program.scores, signal);
  }

  /** The logits behind the first tokens of a text that is read for nothing else. */
  async firstLogits(ids: readonly number[], count: number): Promise<Float32Array> {
    this.rewind(0);
    const places = Array.from({ length: count }, (_, i) => i);
    const logits = await this.#runPiece(ids, places, { next: places.map(() => noToken), wanted: this.#program.logits });
    this.rewind(0);
    return logits;
  }

  rewind(length: number): void {
    if (!Number.isInteger(length) || length < 0 || length > this.#length) {
      throw new WhereforeError('out-of-range', 'the decoder has not read so many tokens', {
        got: String(length),
        expected: `0 to ${this.#length}`,
      });
    }
    this.#length = length;
  }

  close(): Promise<void> {
    return this.#session.release();
  }

  async #run(ids: readonly number[], next: readonly number[], wanted: string, signal?: AbortSignal) {
    const all = this.#length + ids.length;
    if (ids.length === 0 || all > this.capacity) {
      throw new WhereforeError('out-of-range', ids.length === 0 ? 'no token to read' : 'the text is full', {
        got: `${all} tokens`,
        expected: `1 to ${this.capacity}`,
      });
    }
    const piece = pieceLength(this.capacity);
    const first = ids.length - next.length;
    const read: Float32Array[] = [];
    for (let at = 0; at < ids.length; at += piece) {
      const part = ids.slice(at, at + piece);
      const from = Math.min(Math.max(0, first - at), part.length);
      const places = Array.from({ length: part.length - from }, (_, i) => from + i);
      const behind = next.slice(at + from - first, at + part.length - first);
      if (places.length > 0) read.push(await this.#runPiece(part, places, { next: behind, wanted, signal }));
      // A graph runs for one token at least.
      else await this.#runPiece(part, [part.length - 1], { next: [noToken], wanted, signal });
    }
    return read.length === 1 ? read[0] : joined(read);
  }

  async #runPiece(ids: readonly number[], places: readonly number[], { next, wanted, signal }: Wanted) {
    const { cached, positions } = this.#program;
    const past = this.#length;
    const { roles, model } = this.#language;
    const shape = [1, ids.length];
    const feeds = new Map<string, Tensor>([
      [roles.ids, wholeNumbers(model, roles.ids, shape, ids)],
      [cached.past, int64([1], [past])],
      [positions, int64([places.length], places)],
      [this.#program.next, int64([1, places.length, 1], next)],
    ]);
    if (roles.positions !== undefined) {
      const own = ids.map((_, i) => past + i);
      feeds.set(roles.positions, wholeNumbers(model, roles.positions, shape, own));
    }
    if (this.#isEmpty) for (const { input, type, shape } of cached.caches) feeds.set(input, tensor(type, shape));
    const results = await this.#session.run(feeds, [wanted], { carry: this.#carry, signal });
    this.#isEmpty = false;
    this.#length = past + ids.length;
    return results.get(wanted)?.data as Float32Array;
  }
}

/** A next token, where none is asked about. */
const noToken = 0;

interface Wanted {
  /** Of each place the token behind it. */
  readonly next: readonly number[];
  readonly wanted: string;
  readonly signal?: AbortSignal;
}
