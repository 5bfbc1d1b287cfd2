import { WhereforeError } from '../../errors.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph } from '../../onnx/graph.ts';
import type { Session } from '../../runtime/runtime.ts';
import { namedMemo } from '../../tensor/memo.ts';
import { int64, type Tensor, tensor } from '../../tensor/tensor.ts';
import { checkCausal } from '../cache/causal.ts';
import { type CachedGraph, withCache } from '../cache/with-cache.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf, wholeNumbers } from '../model/run.ts';

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
   * Reads tokens, and tells of each how likely the one given for its place behind was.
   * @param next for each token the one that follows it
   * @returns log p(next[i] | all up to ids[i])
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

/**
 * Opens a decoder for texts up to `length` tokens. Its graph is made from the graph of the model: see {@link withCache}.
 * @throws WhereforeError `out-of-range` for more tokens than the model takes; `unsupported-model` where the model looks
 *   at later tokens
 */
export async function openDecoder(language: LanguageModel, length: number): Promise<Decoder> {
  const { longest, model } = language;
  if (longest !== undefined && length > longest) {
    throw new WhereforeError('out-of-range', 'the text is longer than the model takes', {
      where: language.name,
      got: `${length} tokens with those to be written`,
      expected: `at most ${longest}`,
      fix: 'shorten the prompt, or ask for fewer tokens (--max-tokens)',
    });
  }
  await checkCausal(language);
  const capacity = capacityFor(length, longest);
  const program = await programs(language, String(capacity), () => makeProgram(language, capacity));
  return new CachedDecoder(await model.executor.open(program.cached.graph), program, language, capacity);
}

interface Program {
  readonly cached: CachedGraph;
  readonly last: string;
  readonly scores: string;
  readonly next: string;
}

const programs = namedMemo<LanguageModel, Promise<Program>>();

async function makeProgram(language: LanguageModel, capacity: number): Promise<Program> {
  const { model, roles, logits } = language;
  const feeds = feedsOf(language, [new Array<number>(capacity).fill(0)]);
  const plain = withConstants(model.graph, new Map([roles.mask, roles.types].flatMap((name) => entry(feeds, name))));
  const { graph, facts } = await model.executor.specialise(plain, feeds);
  const rows = new Map(
    [roles.ids, roles.positions].flatMap((name) => (name === undefined ? [] : [[name, 1] as const])),
  );
  const cached = withCache(graph, facts, { rows, outputs: [logits] });
  const { name, axis } = cached.outputs.get(logits) as { name: string; axis: number };
  const builder = new GraphBuilder(cached.graph, { prefix: 'decode/' });
  const along = builder.ints([axis]);
  const last = builder.op('Slice', [name, builder.ints([-1]), builder.ints([Number.MAX_SAFE_INTEGER]), along]);
  builder.output(last, 'float32');
  const next = builder.input(builder.fresh('next'), 'int64', [1, 'tokens', 1]);
  const scores = builder.op('GatherElements', [builder.op('LogSoftmax', [name], { axis: -1 }), next], { axis: -1 });
  builder.output(scores, 'float32');
  return { cached: { ...cached, graph: builder.build() }, last, scores, next };
}

const entry = (feeds: ReadonlyMap<string, Tensor>, name: string | undefined) =>
  name === undefined ? [] : [[name, feeds.get(name) as Tensor] as const];

/** A graph with some inputs as constants: nothing is padded here, so the mask is the same in every run. */
function withConstants(graph: Graph, constants: ReadonlyMap<string, Tensor>): Graph {
  const initializers = new Map(graph.initializers);
  for (const [name, value] of constants) {
    initializers.set(name, { name, type: value.type, shape: value.shape, location: { kind: 'memory', tensor: value } });
  }
  return { ...graph, initializers, inputs: graph.inputs.filter(({ name }) => !constants.has(name)) };
}

class CachedDecoder implements Decoder {
  readonly capacity: number;
  readonly #session: Session;
  readonly #program: Program;
  readonly #language: LanguageModel;
  readonly #carry: ReadonlyMap<string, string>;
  #length = 0;
  #isEmpty = true;

  constructor(session: Session, program: Program, language: LanguageModel, capacity: number) {
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
    return this.#run(ids, ids, this.#program.last, signal);
  }

  async score(ids: readonly number[], next: readonly number[], signal?: AbortSignal): Promise<Float32Array> {
    return this.#run(ids, next, this.#program.scores, signal);
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
    const { cached } = this.#program;
    const past = this.#length;
    if (ids.length === 0 || past + ids.length > this.capacity) {
      throw new WhereforeError('out-of-range', ids.length === 0 ? 'no token to read' : 'the text is full', {
        got: `${past + ids.length} tokens`,
        expected: `1 to ${this.capacity}`,
      });
    }
    const { roles, model } = this.#language;
    const shape = [1, ids.length];
    const feeds = new Map<string, Tensor>([
      [roles.ids, wholeNumbers(model, roles.ids, shape, ids)],
      [cached.past, int64([1], [past])],
      [this.#program.next, int64([1, ids.length, 1], next)],
    ]);
    if (roles.positions !== undefined) {
      const positions = ids.map((_, i) => past + i);
      feeds.set(roles.positions, wholeNumbers(model, roles.positions, shape, positions));
    }
    if (this.#isEmpty) for (const { input, type, shape } of cached.caches) feeds.set(input, tensor(type, shape));
    const results = await this.#session.run(feeds, [wanted], { carry: this.#carry, signal });
    this.#isEmpty = false;
    this.#length = past + ids.length;
    return results.get(wanted)?.data as Float32Array;
  }
}
