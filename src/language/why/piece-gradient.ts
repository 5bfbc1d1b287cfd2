import type { Graph } from '../../onnx/graph.ts';
import { extractSubgraph } from '../../onnx/lowering/extract.ts';
import { gradientsOf } from '../../runtime/gradient.ts';
import { throwIfCancelled } from '../../runtime/runtime.ts';
import { namedMemo } from '../../tensor/memo.ts';
import { float32, int64, type Tensor, tensor } from '../../tensor/tensor.ts';
import { type DecoderProgram, decoderProgram, longText } from '../generate/decoder-program.ts';
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
}

/** For so few, weights are read as they lie in the file. */
const fewPieces = 3;

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
  const program = await decoderProgram(language, options.capacity, { fixedSizes: true });
  const { caches } = program.cached;
  const { executor } = language.model;
  const last = text.weights.findLastIndex((weight) => weight !== 0) + 1;
  const pieces: Piece[] = [];
  for (let start = 0; start < last; start += options.length)
    pieces.push({ start, end: Math.min(start + options.length, last) });
  let kept = new Map(caches.map(({ input, type, shape }) => [input, tensor(type, shape)] as const));
  const wanted = caches.map(({ output }) => output);
  const reading = pieceGraph(language, program, false);
  for (const piece of pieces.slice(0, -1)) {
    throwIfCancelled(signal);
    const feeds = pieceFeeds(language, text, piece, { graph: reading, program, kept, places: [] });
    const results = await executor.run(reading, feeds, wanted, { prepack: pieces.length > fewPieces, signal });
    kept = new Map(caches.map(({ input, output }) => [input, results.get(output) as Tensor]));
  }
  const gradient = new Float32Array(text.vectors.length);
  const width = gradient.length / text.ids.length;
  const { embedding } = language.roles;
  // Places of tokens may be kept as well: nothing flows back to whole numbers.
  const slopes = caches.filter(({ type }) => type.startsWith('float'));
  let flowing = new Map(slopes.map(({ output, shape }) => [output, tensor('float32', shape)] as const));
  let value = 0;
  let open = '';
  for (const piece of pieces.reverse()) {
    const places = scoredPlaces(text, piece);
    const graph = pieceGraph(language, program, places.length > 0);
    // Every open session holds memory for its values; pieces alike share one.
    const sizes = `${piece.end - piece.start} ${places.length}`;
    if (sizes !== open) await executor.releaseSessions();
    open = sizes;
    const weights = Float32Array.from(places.map((place) => text.weights[piece.start + place]));
    const scored = [program.scores, float32([1, places.length, 1], weights)] as const;
    const { gradients, outputs } = await gradientsOf(
      { ...language.model, graph },
      {
        inputs: pieceFeeds(language, text, piece, { graph, program, kept, places }),
        seeds: new Map([...flowing, ...(places.length > 0 ? [scored] : [])]),
        wrt: [embedding, ...slopes.map(({ input }) => input)],
        frugal: options.capacity >= longText,
        signal,
      },
    );
    flowing = new Map(slopes.map(({ input, output }) => [output, gradients.get(input) as Tensor<'float32'>]));
    gradient.set(gradients.get(embedding)?.data as Float32Array, piece.start * width);
    const found = outputs.get(program.scores)?.data ?? [];
    for (const [i, score] of found.entries()) value += weights[i] * Number(score);
  }
  await executor.releaseSessions();
  return { value, gradient };
}

/** Places of a piece, counted from its beginning, at which something is scored. */
const scoredPlaces = ({ weights }: ScoredText, { start, end }: Piece): number[] =>
  Array.from({ length: end - start }, (_, i) => i).filter((i) => weights[start + i] !== 0);

const graphs = namedMemo<DecoderProgram, Graph>();

/**
 * The graph of a piece and feeds that it could have: what its size is asked of.
 * @param width numbers of a token vector
 */
export async function pieceSample(language: LanguageModel, piece: Piece, capacity: number, width: number) {
  const program = await decoderProgram(language, capacity, { fixedSizes: true });
  const graph = pieceGraph(language, program, true);
  const kept = new Map(program.cached.caches.map(({ input, type, shape }) => [input, tensor(type, shape)] as const));
  const ids = new Array<number>(capacity).fill(0);
  const weights = new Float32Array(capacity).fill(1);
  const text = { ids, next: ids, vectors: new Float32Array(capacity * width), weights };
  const places = scoredPlaces(text, piece);
  return { graph, feeds: pieceFeeds(language, text, piece, { graph, program, kept, places }), kept };
}

/** The graph of a piece, wherever it stands; without anything scored the vocabulary is left out. */
const pieceGraph = (language: LanguageModel, program: DecoderProgram, isScored: boolean): Graph =>
  graphs(program, String(isScored), () => {
    const { cached, scores } = program;
    const vectors = { name: language.roles.embedding, type: 'float32', shape: [1, 'tokens', undefined] } as const;
    const outputs = [...(isScored ? [scores] : []), ...cached.caches.map(({ output }) => output)];
    return extractSubgraph(cached.graph, { inputs: [vectors], outputs });
  });

interface PieceFeeds {
  readonly graph: Graph;
  readonly program: DecoderProgram;
  readonly kept: ReadonlyMap<string, Tensor>;
  readonly places: readonly number[];
}

function pieceFeeds(
  { model, roles }: LanguageModel,
  { ids, vectors, next }: ScoredText,
  { start, end }: Piece,
  { graph, program, kept, places }: PieceFeeds,
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
  const behind = places.map((place) => next[start + place]);
  const feeds = new Map<string, Tensor>([
    [roles.ids, whole(roles.ids, (i) => ids[i])],
    ...kept,
    [program.cached.past, int64([1], [start])],
    [roles.embedding, float32([1, count, width], vectors.slice(start * width, end * width))],
    [program.positions, int64([places.length], places)],
    [program.next, int64([1, places.length, 1], behind)],
  ]);
  if (roles.positions !== undefined)
    feeds.set(
      roles.positions,
      whole(roles.positions, (i) => i),
    );
  return new Map(graph.inputs.map(({ name }) => [name, feeds.get(name) as Tensor]));
}
