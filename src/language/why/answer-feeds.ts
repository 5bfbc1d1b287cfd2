import { mapped } from '../../tensor/filled.ts';
import { float32, int64, type Tensor } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';
import type { AnswerTokens, Question } from './question.ts';

/** A text with one answer: what a gradient starts from, and where. */
export interface AnswerRow {
  /** Tokens of prompt and answer as far as something is foretold from them, filled up to `capacity`. */
  readonly ids: readonly number[];
  /** How many of them are no filling. */
  readonly real: number;
  /** Of each scored position the token behind it, and how much its score counts: 1, or −1 for the other answer. */
  readonly next: readonly number[];
  readonly weights: Float32Array;
  /** `capacity × width` */
  readonly vectors: Float32Array;
}

/** The rows of a question, one an answer, and the positions that are scored, the same for both. */
export interface AnswerRows {
  readonly rows: readonly AnswerRow[];
  readonly positions: readonly number[];
  readonly capacity: number;
  readonly width: number;
}

/** Positions of which the token behind is scored: those before tokens that count, of either answer. */
function scoredPositions({ encoded, answer, against }: Question): number[] {
  const counted = [answer, ...(against ? [against] : [])].map((one) => one.counted);
  const first = counted.reduce((least, [start]) => Math.min(least, start), Number.POSITIVE_INFINITY);
  const end = counted.reduce((most, [, last]) => Math.max(most, last), 0);
  return Array.from({ length: end - first }, (_, j) => encoded.ids.length - 1 + first + j);
}

/** Steps between lengths that share a graph, as a share of the power of two below: the filling is an eighth at most. */
const stepsPerDoubling = 8;
const smallestLength = 64;

/** The length of the graph for texts of a length: a gradient pays for what is filled up. */
function filledLength(length: number, longest = Number.POSITIVE_INFINITY): number {
  const below = 2 ** Math.floor(Math.log2(Math.max(smallestLength, length)));
  const step = below / stepsPerDoubling;
  return Math.max(length, Math.min(Math.max(smallestLength, step * Math.ceil(length / step)), longest));
}

/** @param vectorsOf vectors of some tokens */
export async function answerRows(
  question: Question,
  longest: number | undefined,
  vectorsOf: (ids: readonly number[]) => Promise<Float32Array>,
): Promise<AnswerRows> {
  const { encoded, answer, against } = question;
  const positions = scoredPositions(question);
  // Nothing is foretold from the last token that counts.
  const capacity = filledLength(positions[positions.length - 1] + 1, longest);
  const filling = encoded.ids[0];
  const rowOf = async ({ ids: own, counted: [start, end] }: AnswerTokens, sign: number): Promise<AnswerRow> => {
    const all = [...encoded.ids, ...own.slice(0, end - 1)];
    const ids = [...all, ...new Array<number>(capacity - all.length).fill(filling)];
    const behind = positions.map((position) => position + 1 - encoded.ids.length);
    return {
      ids,
      real: all.length,
      next: behind.map((j) => own[j] ?? filling),
      weights: mapped(Float32Array, behind, (j) => (j >= start && j < end ? sign : 0)),
      vectors: await vectorsOf(ids),
    };
  };
  const rows = [await rowOf(answer, 1), ...(against ? [await rowOf(against, -1)] : [])];
  return { rows, positions, capacity, width: rows[0].vectors.length / capacity };
}

/** Feeds of the graph of answers for the rows of each point; without a point, the vectors are those of the tokens. */
export function answerFeeds(
  language: LanguageModel,
  { rows, positions, capacity, width }: AnswerRows,
  points: readonly (Float32Array | undefined)[],
): Map<string, Tensor> {
  const all = points.flatMap((point) => rows.map((row) => ({ ...row, point })));
  const embedded = new Float32Array(all.length * capacity * width);
  const weights = new Float32Array(all.length * positions.length);
  for (const [r, row] of all.entries()) {
    embedded.set(row.vectors, r * capacity * width);
    if (row.point) embedded.set(row.point, r * capacity * width);
    weights.set(row.weights, r * positions.length);
  }
  const next = all.flatMap((row) => row.next);
  return new Map<string, Tensor>([
    ...feedsOf(
      language,
      all.map(({ ids }) => ids),
      all.map(({ real }) => real),
    ),
    [language.roles.embedding, float32([all.length, capacity, width], embedded)],
    ['why/positions', int64([positions.length], positions)],
    ['why/next', int64([all.length, positions.length, 1], next)],
    ['why/weights', float32([all.length, positions.length], weights)],
  ]);
}
