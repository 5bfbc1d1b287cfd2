import { WhereforeError } from '../../errors.ts';
import { influenceMethodNamed, score } from '../../influence/score.ts';
import { ranks } from '../../tensor/correlation.ts';
import { mapped } from '../../tensor/filled.ts';
import { checkCausal } from '../cache/causal.ts';
import { refuseEncoderDecoder } from '../model/encoder-decoder.ts';
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
  refuseEncoderDecoder(language);
  await checkCausal(language);
  const { texts, prompt, answer, instead, checkpoints = [], count = 10, signal } = options;
  const { method = 'ek-fac', seed, onProgress } = options;
  taughtMethod(method);
  checkTexts(texts);
  const asked = askedRows(language, { prompt, answer, instead });
  const rows = trainingRows(language, texts);
  const moments = checkpoints.length > 0 ? checkpoints : [language];
  const questions = [asked];
  const moves = (await taughtScores({ moments, rows, questions, method, seed, signal, onProgress })).data;
  const states = await statedBy(texts, `${prompt} ${answer}`);
  const known = await knownByHeart(language, rows, signal);
  const row = rowsOf(texts, states, moves);
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
    movers: listed(moves, 1, count).map(row),
    against: listed(moves, -1, count).map(row),
    statements: listed(states, 1, count).map(row),
    notes: notesOf(options, known),
  };
}

export interface SimilarTextsOptions extends Pick<TaughtOptions, 'texts' | 'prompt' | 'answer' | 'count'> {
  /** What the model is called. */
  readonly model: string;
}

/**
 * For a model that gives no gradients, behind an endpoint: the training texts that state an answer in the same words, by
 * BM25. The model is not asked: similar text is no influence, and the document says so.
 * @throws WhereforeError `invalid-data` for fewer than two texts
 */
export async function similarTexts(options: SimilarTextsOptions): Promise<TaughtDocument> {
  const { texts, prompt, answer, model, count = 10 } = options;
  checkTexts(texts);
  const states = await statedBy(texts, `${prompt} ${answer}`);
  return {
    format: 'wherefore/language-taught',
    version: 1,
    model: { name: model },
    prompt,
    answer,
    rows: texts.length,
    checkpoints: [],
    movers: [],
    against: [],
    statements: listed(states, 1, count).map(rowsOf(texts, states)),
    notes: ['similar text, not influence: the model gives no gradients, so nothing is known of what moved it'],
  };
}

function checkTexts({ length }: readonly string[]): void {
  if (length >= 2) return;
  throw new WhereforeError('invalid-data', 'too few training texts to tell apart', {
    got: String(length),
    expected: 'two at least',
  });
}

/** The texts with the largest values of one sign. */
const listed = (values: Float64Array, sign: 1 | -1, count: number): number[] =>
  Array.from(values.keys())
    .filter((i) => sign * values[i] > 0)
    .sort((a, b) => sign * (values[b] - values[a]) || a - b)
    .slice(0, count);

async function statedBy(texts: readonly string[], query: string): Promise<Float64Array> {
  const context = { rows: texts.length, queries: 1, seed: 0, texts: { rows: texts, queries: [query] } };
  return (await score('bm25', context)).values.data;
}

async function knownByHeart(language: LanguageModel, rows: readonly TokenRow[], signal?: AbortSignal) {
  const sums = await rowLogProbabilities(language, rows, signal);
  return rows.reduce((count, { ids, from }, i) => count + Number(sums[i] / (ids.length - from) >= byHeart), 0);
}

/** What is told of a text; places are those of the order, from 1. */
function rowsOf(texts: readonly string[], states: Float64Array, moves?: Float64Array): (i: number) => TaughtRow {
  // Ranks count from the smallest, places from the largest; equal values share the mean of their places.
  const placesOf = (values: Float64Array) => mapped(Float64Array, ranks(values), (rank) => texts.length - rank);
  const statesPlaces = placesOf(states);
  const movesPlaces = moves && placesOf(moves);
  return (i) => ({
    row: i + 1,
    text: texts[i],
    states: states[i],
    statesPlace: statesPlaces[i],
    ...(moves && movesPlaces && { moves: moves[i], movesPlace: movesPlaces[i] }),
  });
}

function notesOf({ texts, checkpoints = [], instead }: TaughtOptions, known: number): string[] {
  const share = `${known} of ${texts.length} texts are known by heart`;
  const gone = 'and such a text has hardly a gradient left at the end of the training';
  const moments =
    checkpoints.length === 0
      ? [
          `no moments of the training were given: ${share}, ${gone}, so what taught it cannot be seen there; name checkpoints from the middle of the training`,
        ]
      : known > 0
        ? [`${share}, ${gone}: influence is added up over ${checkpoints.length} moments before it`]
        : [];
  const alone = 'texts that teach the answer for any prompt count as well';
  return [
    ...moments,
    ...(instead ? [] : [`${alone}: give a word of the prompt and others in its place to leave them out`]),
    'moves are an order, not nats: each moment counts alike, and each text by the direction of its gradient',
  ];
}
