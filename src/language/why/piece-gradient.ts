import type { RuleOverrides } from '../../autodiff/differentiate.ts';
import type { Graph } from '../../onnx/graph.ts';
import { extractSubgraph } from '../../onnx/lowering/extract.ts';
import { gradientsOf } from '../../runtime/gradient.ts';
import { throwIfCancelled } from '../../runtime/runtime.ts';
import { namedMemo } from '../../tensor/memo.ts';
import { float32, int64, type Tensor, tensor } from '../../tensor/tensor.ts';
import { decoderProgram, longText, withConstants } from '../generate/decoder-program.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { wholeNumbers } from '../model/run.ts';

/** A text in token vectors, and how much the score of each next token counts. */
export interface ScoredText {
  readonly ids: readonly number[];
  /** `tokens × width`, in place of the vectors of the ids. */
  readonly vectors: Float32Array;
  /** Of each token how much log p of the one behind it counts, with that one in `next`. */
  readonly weights: Float32Array;
  readonly next: readonly number[];
}

export interface PieceOptions {
  /** Tokens of a piece. */
  readonly length: number;
  /** Tokens that the kept values hold. */
  readonly capacity: number;
  readonly signal?: AbortSignal;
  readonly overrides?: (graph: Graph) => RuleOverrides;
}

interface Piece {
  readonly start: number;
  readonly end: number;
}

/**
 * `Σ_t w_t log p(next_t | …)` of a text and its gradient at the token vectors, in pieces of the text, so that memory
 * grows with the length of a piece times that of the text instead of its square. What earlier tokens hand on are the kept
 * values (see `withCache`): they are filled piece by piece, and the backward pass goes from the last piece to the first
 * with the gradient at the kept values in hand. It is the same gradient, in another order of sums.
 */
export async function gradientInPieces(
  language: LanguageModel,
  text: ScoredText,
  options: PieceOptions,
): Promise<{ value: number; gradient: Float32Array }> {
  const { signal } = options;
  const { cached, scores, next } = await decoderProgram(language, options.capacity);
  const { caches } = cached;
  const { executor } = language.model;
  const last = text.weights.findLastIndex((weight) => weight !== 0) + 1;
  const pieces: Piece[] = [];
  for (let start = 0; start < last; start += options.length)
    pieces.push({ start, end: Math.min(start + options.length, last) });
  let kept = new Map(caches.map(({ input, type, shape }) => [input, tensor(type, shape)] as const));
  for (const piece of pieces.slice(0, -1)) {
    const { graph } = await pieceGraph(language, piece, options.capacity);
    const wanted = caches.map(({ output }) => output);
    throwIfCancelled(signal);
    const results = await executor.runOnce(graph, pieceFeeds(language, text, piece, { graph, next, kept }), wanted);
    kept = new Map(caches.map(({ input, output }) => [input, results.get(output) as Tensor]));
  }
  const gradient = new Float32Array(text.vectors.length);
  const width = gradient.length / text.ids.length;
  const { embedding } = language.roles;
  // Places of tokens may be kept as well: nothing flows back to whole numbers.
  const slopes = caches.filter(({ type }) => type.startsWith('float'));
  let flowing = new Map(slopes.map(({ output, shape }) => [output, tensor('float32', shape)] as const));
  let value = 0;
  for (const piece of pieces.reverse()) {
    const { graph } = await pieceGraph(language, piece, options.capacity);
    const weights = text.weights.subarray(piece.start, piece.end);
    const { gradients, outputs } = await gradientsOf(
      { ...language.model, graph },
      {
        inputs: pieceFeeds(language, text, piece, { graph, next, kept }),
        seeds: new Map([...flowing, [scores, float32([1, weights.length, 1], weights)]]),
        wrt: [embedding, ...slopes.map(({ input }) => input)],
        overrides: options.overrides?.(graph),
        frugal: options.capacity >= longText,
        signal,
      },
    );
    // Each piece has a graph of its own, and every open one holds memory for its values.
    await executor.releaseSessions();
    flowing = new Map(slopes.map(({ input, output }) => [output, gradients.get(input) as Tensor<'float32'>]));
    gradient.set(gradients.get(embedding)?.data as Float32Array, piece.start * width);
    const found = outputs.get(scores) as Tensor<'float32'>;
    for (const [i, score] of found.data.entries()) value += weights[i] * score;
  }
  return { value, gradient };
}

const graphs = namedMemo<LanguageModel, Promise<{ graph: Graph }>>();

/**
 * The graph of a piece and feeds that it could have: what its size is asked of.
 * @param width numbers of a token vector
 */
export async function pieceSample(language: LanguageModel, piece: Piece, capacity: number, width: number) {
  const { cached, next } = await decoderProgram(language, capacity);
  const { graph } = await pieceGraph(language, piece, capacity);
  const kept = new Map(cached.caches.map(({ input, type, shape }) => [input, tensor(type, shape)] as const));
  const ids = new Array<number>(capacity).fill(0);
  const text = { ids, next: ids, vectors: new Float32Array(capacity * width), weights: new Float32Array(capacity) };
  return { graph, feeds: pieceFeeds(language, text, piece, { graph, next, kept }), kept };
}

/** The graph of a piece: the place where it begins is a constant, which decides the shapes. */
const pieceGraph = (language: LanguageModel, { start, end }: Piece, capacity: number) =>
  graphs(language, `${capacity} ${start} ${end}`, async () => {
    const { cached, scores } = await decoderProgram(language, capacity);
    const { embedding } = language.roles;
    const placed = withConstants(cached.graph, new Map([[cached.past, int64([1], [start])]]));
    const vectors = { name: embedding, type: 'float32', shape: [1, end - start, undefined] } as const;
    const outputs = [scores, ...cached.caches.map(({ output }) => output)];
    return { graph: extractSubgraph(placed, { inputs: [vectors], outputs }) };
  });

function pieceFeeds(
  { model, roles }: LanguageModel,
  { ids, vectors, next }: ScoredText,
  { start, end }: Piece,
  { graph, next: nextName, kept }: { graph: Graph; next: string; kept: ReadonlyMap<string, Tensor> },
): Map<string, Tensor> {
  const width = vectors.length / ids.length;
  const count = end - start;
  const whole = (name: string, valueAt: (i: number) => number) =>
    wholeNumbers(
      model,
      name,
      [1, count],
      Array.from({ length: count }, (_, i) => valueAt(start + i)),
    );
  const feeds = new Map<string, Tensor>([
    [roles.ids, whole(roles.ids, (i) => ids[i])],
    ...kept,
    [roles.embedding, float32([1, count, width], vectors.slice(start * width, end * width))],
    [nextName, int64([1, count, 1], next.slice(start, end))],
  ]);
  if (roles.positions !== undefined)
    feeds.set(
      roles.positions,
      whole(roles.positions, (i) => i),
    );
  return new Map(graph.inputs.map(({ name }) => [name, feeds.get(name) as Tensor]));
}
