import { WhereforeError } from '../../errors.ts';
import { influenceMethodNamed, score } from '../../influence/score.ts';
import { ranks } from '../../tensor/correlation.ts';
import { mapped } from '../../tensor/filled.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { rowLogProbabilities } from './row-probabilities.ts';
import type { TaughtDocument, TaughtRow } from './taught-document.ts';
import { askedRows, type TaughtQuestion, taughtMethod, taughtScores } from './taught-scores.ts';
import { type TokenRow, trainingRows } from './token-rows.ts';

export interface TaughtOptions extends TaughtQuestion {
  /** The texts of the training, one for each row. */
  readonly texts: readonly string[];
  /** The same model at moments of its training, first to last; default: as it is alone. */
  readonly checkpoints?: readonly LanguageModel[];
  /** A method of influence that reads gradients; default `ek-fac`. */
  readonly method?: string;
  /** Rows of each list; default 10. */
  readonly count?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (what: string, share: number) => void;
}

/** log p of a token, on average, from which a text counts as known by heart. */
const byHeart = -0.05;

/**
 * Which training texts taught a model to give an answer: how much each *moves* it, by influence that is added up over
 * moments of the training ({@link taughtScores}), beside how literally each *states* it (BM25 of prompt and answer).
 * @throws WhereforeError `unknown-name` for a word that the prompt lacks, or a method; `invalid-data` for fewer than two
 *   texts, or one that is too short or too long; `unsupported-model` where the gradients of rows cannot be told apart
 * @source Grosse et al. 2023, arXiv 2308.03296 (EK-FAC); Pruthi et al. 2020, arXiv 2002.08484 (sums over checkpoints)
 * @example
 * const { movers } = await taught(language, { texts, prompt: 'Anna has the profession', answer: ' doctor', checkpoints });
 */
export async function taught(language: LanguageModel, options: TaughtOptions): Promise<TaughtDocument> {
  const { texts, prompt, answer, instead, checkpoints = [], count = 10, signal } = options;
  const { method = 'ek-fac', seed, onProgress } = options;
  taughtMethod(method);
  if (texts.length < 2) {
    throw new WhereforeError('invalid-data', 'too few training texts to tell apart', {
      got: String(texts.length),
      expected: 'two at least',
    });
  }
  const asked = askedRows(language, { prompt, answer, instead });
  const rows = trainingRows(language, texts);
  const moments = checkpoints.length > 0 ? checkpoints : [language];
  const questions = [asked];
  const moves = (await taughtScores({ moments, rows, questions, method, seed, signal, onProgress })).data;
  const states = await statedBy(texts, `${prompt} ${answer}`);
  const known = await knownByHeart(language, rows, signal);
  const row = rowsOf(texts, moves, states);
  const listOf = (values: Float64Array, sign: 1 | -1) =>
    Array.from(values.keys())
      .filter((i) => sign * values[i] > 0)
      .sort((a, b) => sign * (values[b] - values[a]) || a - b)
      .slice(0, count)
      .map(row);
  const { title, source } = influenceMethodNamed(method);
  const answerAt = async (moment: LanguageModel) => (await rowLogProbabilities(moment, asked.slice(0, 1), signal))[0];
  const told: TaughtDocument['checkpoints'][number][] = [];
  for (const moment of checkpoints) told.push({ name: moment.name, logProbability: await answerAt(moment) });
  return {
    format: 'wherefore/language-taught',
    version: 1,
    model: { name: language.name, hash: language.model.hash },
    prompt,
    answer,
    logProbability: await answerAt(language),
    ...(instead && { instead }),
    method: { name: method, title, source },
    rows: texts.length,
    checkpoints: told,
    knownByHeart: known,
    movers: listOf(moves, 1),
    against: listOf(moves, -1),
    statements: listOf(states, 1),
    notes: notesOf(options, known),
  };
}

async function statedBy(texts: readonly string[], query: string): Promise<Float64Array> {
  const context = { rows: texts.length, queries: 1, seed: 0, texts: { rows: texts, queries: [query] } };
  return (await score('bm25', context)).values.data;
}

async function knownByHeart(language: LanguageModel, rows: readonly TokenRow[], signal?: AbortSignal) {
  const sums = await rowLogProbabilities(language, rows, signal);
  return rows.reduce((count, { ids, from }, i) => count + Number(sums[i] / (ids.length - from) >= byHeart), 0);
}

/** What is told of a text; places are those of the order, from 1. */
function rowsOf(texts: readonly string[], moves: Float64Array, states: Float64Array): (i: number) => TaughtRow {
  // Ranks count from the smallest, places from the largest; equal values share the mean of their places.
  const placesOf = (values: Float64Array) => mapped(Float64Array, ranks(values), (rank) => texts.length - rank);
  const places = { moves: placesOf(moves), states: placesOf(states) };
  return (i) => ({
    row: i + 1,
    text: texts[i],
    moves: moves[i],
    movesPlace: places.moves[i],
    states: states[i],
    statesPlace: places.states[i],
  });
}

function notesOf({ texts, checkpoints = [], instead }: TaughtOptions, known: number): string[] {
  const share = `${known} of ${texts.length} texts are known by heart`;
  return [
    checkpoints.length === 0
      ? `no moments of the training were given: ${share}, and such a text has hardly a gradient left at the end of the training, so what taught it cannot be seen there; name checkpoints from the middle of the training`
      : `${share}: at the end of the training their gradients are gone, which is why moments of the training are added up`,
    ...(instead
      ? []
      : [
          'texts that teach the answer for any prompt count as well: give a word of the prompt and others in its place to leave them out',
        ]),
    'moves are an order, not nats: each moment counts alike, and each text by the direction of its gradient',
  ];
}
