import { WhereforeError } from '../../errors.ts';
import type { Graph } from '../../onnx/graph.ts';
import type { Specialised } from '../../runtime/executor.ts';
import { dataTypes, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { pieceSample } from './piece-gradient.ts';

/** How a gradient is taken within the memory that it may use. */
export interface GradientFit {
  /** Bytes that one gradient of the whole text would hold, about. */
  readonly bytes: number;
  /** Tokens of a piece where the whole does not fit; undefined where it does. */
  readonly piece?: number;
}

/** Bytes that the values of one run may hold where nothing else is said. */
export const defaultMemory = 1.5 * 2 ** 30;

/**
 * A backward pass keeps what the forward pass made, and makes gradients of the same sizes, most of which go again; the
 * runtime does not give back what went: an estimate on the safe side, which no measurement stands behind.
 */
const backwardShare = 2;

/** What reads texts holds memory as well: as much again. */
const withReading = 2;

const smallestPiece = 8;
const largestPiece = 512;

/** What is asked of the memory. */
export interface FitRequest {
  /** Bytes that one run may hold. */
  readonly memory: number;
  /** Tokens of the text. */
  readonly tokens: number;
  /** Numbers of a token vector. */
  readonly width: number;
  /** The graph from the token vectors of one text to scores, with its shapes. */
  readonly whole: Specialised;
}

/**
 * Whether the gradient of a text fits into the memory, and in which pieces where it does not, by the sizes of all values;
 * the weights come on top of the memory.
 * @throws WhereforeError `limit-reached` where not even small pieces fit
 */
export async function gradientFit(language: LanguageModel, request: FitRequest): Promise<GradientFit> {
  const { whole, tokens: capacity, memory, width } = request;
  const { executor } = language.model;
  const bytes = backwardShare * bytesOf(whole);
  if (bytes <= memory) return { bytes };
  let kept = 0;
  const ofPiece = async (length: number) => {
    const sample = await pieceSample(language, { start: capacity - length, end: capacity }, capacity, width);
    // As they come in and as they go out, and the gradients at both.
    kept =
      4 * [...sample.kept.values()].reduce((sum, { shape, type }) => sum + sizeOf(shape) * dataTypes[type].bytes, 0);
    return backwardShare * bytesOf(await executor.specialise(sample.graph, sample.feeds, { frugal: true }));
  };
  const [small, twice] = [await ofPiece(smallestPiece), await ofPiece(2 * smallestPiece)];
  const needed = (length: number) => kept + small + ((twice - small) / smallestPiece) * (length - smallestPiece);
  for (let piece = largestPiece; piece >= smallestPiece; piece /= 2)
    if (withReading * needed(piece) <= memory) return { bytes, piece };
  throw new WhereforeError(
    'limit-reached',
    'the gradient of this text does not fit into the memory, nor do its pieces',
    {
      where: `${capacity} tokens`,
      got: `${megabytes(memory)} MB`,
      expected: `${megabytes(withReading * needed(smallestPiece))} MB in pieces of ${smallestPiece} tokens, ${megabytes(bytes)} MB as a whole`,
      fix: 'allow more (--memory), shorten the prompt, or use methods that leave out: --method refined',
    },
  );
}

/**
 * As {@link gradientFit} for a graph that cannot be taken in pieces.
 * @throws WhereforeError `limit-reached` where it does not fit
 */
export async function fitsWhole(
  language: LanguageModel,
  graph: Graph,
  feeds: ReadonlyMap<string, Tensor>,
  memory: number,
): Promise<GradientFit> {
  const bytes = backwardShare * bytesOf(await language.model.executor.specialise(graph, feeds, { frugal: true }));
  if (bytes <= memory) return { bytes };
  throw new WhereforeError('limit-reached', 'the gradient of this text does not fit into the memory', {
    got: `${megabytes(memory)} MB`,
    expected: `${megabytes(bytes)} MB; an encoder reads the whole text at once`,
    fix: 'allow more (--memory), or shorten the prompt',
  });
}

const megabytes = (bytes: number): number => Math.ceil(bytes / 2 ** 20);

/** Bytes of all values of a graph but its weights. */
function bytesOf({ graph, facts: { shapes, types } }: Specialised): number {
  let bytes = 0;
  for (const [name, shape] of shapes)
    if (!graph.initializers.has(name)) bytes += sizeOf(shape) * dataTypes[types.get(name) ?? 'float32'].bytes;
  return bytes;
}
