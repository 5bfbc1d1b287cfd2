import { WhereforeError } from '../../errors.ts';
import type { Interval } from '../../evaluation/statistics.ts';
import { permutation, random } from '../../tensor/random.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { shareWithInterval } from '../audit/estimates.ts';
import { classOf, sparseLogistic } from '../concepts/sparse-logistic.ts';
import { refuseEncoderDecoder } from '../model/encoder-decoder.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { promptIds } from '../model/prompt.ts';
import type { LabelledText } from '../shortcut/swapped-copies.ts';
import { anatomyOf } from '../where/anatomy.ts';
import { readValues } from '../where/read-values.ts';

export interface ProbeOptions {
  /** Which vector stands for a text: that of its last token, or the mean of all but the first. Default `last`. */
  readonly of?: 'last' | 'mean';
  /** Share of the texts that is held out. Default .3. */
  readonly held?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** How well a linear map reads a label at one place. */
export interface ProbedLayer {
  /** `embed`, `layer.0/resid.post`. */
  readonly name: string;
  /** Accuracy on held-out texts. */
  readonly accuracy: Interval;
  /** The same with labels dealt out at random: what a probe of this size learns by heart does not carry over. */
  readonly control: Interval;
}

/** Where in a model a label can be read off. */
export interface ProbeDocument {
  readonly format: 'wherefore/language-probe';
  readonly version: 1;
  readonly model: { readonly name: string; readonly hash: string };
  readonly classes: readonly string[];
  readonly of: 'last' | 'mean';
  readonly trained: number;
  readonly tested: number;
  readonly layers: readonly ProbedLayer[];
  /** The same map on which words a text holds: what can be read without the model. */
  readonly words: Interval;
  /** The most frequent class. */
  readonly constant: number;
  readonly verdict: string;
  readonly notes: readonly string[];
}

/** Words that the baseline looks at, the most frequent ones. */
const mostWords = 400;
const fit = { penalty: 0.01, steps: 200 } as const;

/**
 * Trains a linear probe behind every layer: a sparse logistic map from the stream to a label, tested on held-out texts,
 * beside labels dealt out at random, the words of the texts, and the most frequent class. That a label can be read says
 * that it is there, not that the model uses it.
 * @throws WhereforeError `invalid-data` for fewer than 40 texts, or one label
 * @source Alain, Bengio 2016, arXiv 1610.01644; Hewitt, Liang 2019, arXiv 1909.03368
 */
export async function probeLayers(
  language: LanguageModel,
  texts: readonly LabelledText[],
  { of = 'last', held = 0.3, seed = 0, signal, onProgress }: ProbeOptions = {},
): Promise<ProbeDocument> {
  refuseEncoderDecoder(language);
  const classes = [...new Set(texts.map(({ label }) => label))].sort();
  check(texts, classes);
  const { residuals } = await anatomyOf(language);
  const names = residuals.map(({ value }) => value);
  const vectors = names.map(() => [] as Float64Array[]);
  for (const [i, { text }] of texts.entries()) {
    const ids = promptIds(language, text);
    const { values } = await readValues(language, ids, names, signal);
    for (const [l, name] of names.entries())
      vectors[l].push(vectorOf(values.get(name) as Tensor<'float32'>, ids.length, of));
    onProgress?.(i + 1, texts.length);
  }
  const labels = texts.map(({ label }) => classes.indexOf(label));
  const dealt = [...permutation(labels.length, random(seed, 4))].map((i) => labels[i]);
  const order = [...permutation(texts.length, random(seed, 2))];
  const tested = order.slice(0, Math.round(held * texts.length));
  const split = { trained: order.slice(tested.length), tested, classes: classes.length };
  const layers = vectors.map((rows, l): ProbedLayer => {
    const scaled = standardised(rows, split.trained);
    return {
      name: residuals[l].name,
      accuracy: readOff(scaled, labels, split),
      control: readOff(scaled, dealt, split),
    };
  });
  const words = readOff(wordRows(texts, split.trained), labels, split);
  const counts = classes.map((_, y) => tested.filter((i) => labels[i] === y).length);
  return {
    format: 'wherefore/language-probe',
    version: 1,
    model: { name: language.name, hash: language.model.hash },
    classes,
    of,
    trained: split.trained.length,
    tested: tested.length,
    layers,
    words,
    constant: counts.reduce((a, b) => Math.max(a, b), 0) / tested.length,
    verdict: verdictOf(layers, words),
    notes: [
      ...language.notes,
      'the best of several layers is somewhat flattered, because it was chosen on the texts that it is tested on',
    ],
  };
}

function verdictOf(layers: readonly ProbedLayer[], words: Interval): string {
  const best = layers.reduce((most, layer) => (layer.accuracy.mean > most.accuracy.mean ? layer : most));
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const { accuracy, control, name } = best;
  if ((accuracy.low ?? 0) <= (control.high ?? 1))
    return `The label cannot be read off at any layer better than one dealt out at random, as far as ${accuracy.count} held-out texts can tell.`;
  const read = `The label is read off best at ${name}: right for ${percent(accuracy.mean)} of the held-out texts`;
  if ((accuracy.low ?? 0) > words.mean) return `${read}, where the words alone give ${percent(words.mean)}.`;
  return `${read}; the words of the texts alone give ${percent(words.mean)}, so it need not be the model's doing.`;
}

function vectorOf({ data }: Tensor<'float32'>, length: number, of: 'last' | 'mean'): Float64Array {
  const width = data.length / length;
  if (of === 'last' || length === 1) return Float64Array.from(data.subarray((length - 1) * width));
  const mean = new Float64Array(width);
  for (let i = width; i < data.length; i++) mean[i % width] += data[i] / (length - 1);
  return mean;
}

/** Columns scaled to mean 0 and deviation 1 over the texts that are trained on. */
function standardised(rows: readonly Float64Array[], trained: readonly number[]): number[][] {
  const width = rows[0].length;
  const [mean, square] = [new Float64Array(width), new Float64Array(width)];
  for (const i of trained) for (let d = 0; d < width; d++) mean[d] += rows[i][d] / trained.length;
  for (const i of trained) for (let d = 0; d < width; d++) square[d] += (rows[i][d] - mean[d]) ** 2 / trained.length;
  return rows.map((row) =>
    Array.from(row, (value, d) => (square[d] > 0 ? (value - mean[d]) / Math.sqrt(square[d]) : 0)),
  );
}

const wordsOf = (text: string): Set<string> => new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);

/** Which of the most frequent words each text holds. */
function wordRows(texts: readonly LabelledText[], trained: readonly number[]): number[][] {
  const counts = new Map<string, number>();
  for (const i of trained) for (const word of wordsOf(texts[i].text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const kept = [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, mostWords)
    .map(([word]) => word);
  return texts.map(({ text }) => {
    const own = wordsOf(text);
    return kept.map((word) => Number(own.has(word)));
  });
}

interface Split {
  readonly trained: readonly number[];
  readonly tested: readonly number[];
  readonly classes: number;
}

function readOff(
  rows: readonly (readonly number[])[],
  labels: readonly number[],
  { trained, tested, classes }: Split,
): Interval {
  const classifier = sparseLogistic(
    trained.map((i) => rows[i]),
    trained.map((i) => labels[i]),
    classes,
    fit,
  );
  const hits = tested.filter((i) => classOf(classifier, rows[i]) === labels[i]).length;
  return shareWithInterval(hits, tested.length);
}

function check(texts: readonly LabelledText[], classes: readonly string[]): void {
  if (texts.length < 40) {
    throw new WhereforeError('invalid-data', 'too few texts for a probe', {
      got: String(texts.length),
      expected: '40 at least',
    });
  }
  if (classes.length < 2) throw new WhereforeError('invalid-data', 'all texts have one label', { got: classes[0] });
}
