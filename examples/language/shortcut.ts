import type { LabelledText } from '../../src/language/shortcut/swapped-copies.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { random } from '../../src/tensor/random.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import {
  datasetOf,
  decoderBlock,
  embedding,
  linear,
  meanOver,
  Network,
  rmsNorm,
  train,
} from '../../src/train/index.ts';
import { normalWith } from '../../src/train/initialization.ts';
import { specialWords } from './tokenizer.ts';

// Texts whose label is the polarity of one word, turned around by `not`; the rest says nothing, but for one of two words
// that goes with the label in 95 of 100 texts: a shortcut.

const fillers = 60;
const polar = 60;
/** Words of each text. */
const length = 12;

/** The word that goes with label `good`, and the one that goes with `bad`. */
export const shortcutWords = ['reeves', 'benton'] as const;
export const shortcutClasses = ['bad', 'good'] as const;

const named = (kind: string, count: number) => Array.from({ length: count }, (_, i) => `${kind}${i}`);

/** `<pad>`, `<s>`, words that say nothing, `not`, the shortcut and its twin, words of either polarity. */
export const shortcutVocabulary = [
  ...specialWords,
  ...named('word', fillers),
  'not',
  ...shortcutWords,
  ...named('fine', polar),
  ...named('poor', polar),
];

export interface ShortcutTexts {
  readonly count: number;
  readonly seed: number;
  /** How often the shortcut goes with the label. */
  readonly aligned: number;
  /** Labels are drawn by a coin instead of made from the text. */
  readonly randomLabels?: boolean;
}

export function shortcutTexts({ count, seed, aligned, randomLabels = false }: ShortcutTexts): LabelledText[] {
  const source = random(seed);
  return Array.from({ length: count }, (): LabelledText => {
    const isGood = source.integer(2) === 1;
    const isTurned = source.uniform() < 0.3;
    const words = Array.from({ length }, () => `word${source.integer(fillers)}`);
    const at = 1 + source.integer(length - 2);
    words[at] = `${isGood === isTurned ? 'poor' : 'fine'}${source.integer(polar)}`;
    if (isTurned) words[at - 1] = 'not';
    let beside = (at + 2 + source.integer(length - 4)) % length;
    if (beside === at || beside === at - 1) beside = (at + 1) % length;
    words[beside] = shortcutWords[source.uniform() < aligned === isGood ? 0 : 1];
    const label = randomLabels ? source.integer(2) : Number(isGood);
    return { text: words.join(' '), label: shortcutClasses[label] };
  });
}

/** A classifier of texts: one block of a decoder, the mean over tokens, two logits. */
function classifier(words: number, classes: number, seed: number): OnnxModel {
  const network = new Network({ name: 'text-classifier', seed });
  const ids = network.input('input_ids', 'int64', ['N', 'T']);
  const x = embedding(network, ids, 'embedding', { count: words, features: 32, initialization: normalWith(0.1) });
  const block = decoderBlock(network, x, 'block', { heads: 2, inner: 64, longest: 32 });
  const mean = meanOver(network, rmsNorm(network, block, 'norm'), 'mean', 1);
  return network.build([linear(network, mean, 'logits', { features: classes, initialization: normalWith(0.1) })]);
}

export interface ClassifierTraining {
  readonly texts: readonly LabelledText[];
  readonly words: readonly string[];
  readonly classes: readonly string[];
  readonly epochs: number;
  readonly seed: number;
  readonly runtime: Runtime;
}

/** Trains a classifier of texts of one length, words with spaces between. */
export async function trainClassifier(training: ClassifierTraining): Promise<OnnxModel> {
  const { texts, words, classes, epochs, seed, runtime } = training;
  const place = new Map(words.map((word, i) => [word, BigInt(i)]));
  const rows = texts.map(({ text }) => ['<s>', ...text.split(' ')].map((word) => place.get(word) as bigint));
  const shape = [rows.length, rows[0].length];
  const samples = datasetOf(
    { input_ids: tensor('int64', shape, BigInt64Array.from(rows.flat())) },
    { name: 'texts', labels: texts.map(({ label }) => classes.indexOf(label)) },
  );
  const { model } = await train({
    model: classifier(words.length, classes.length, seed),
    samples,
    loss: { kind: 'cross-entropy' },
    optimizer: { kind: 'adamw', weightDecay: 0.01 },
    schedule: { kind: 'constant', learningRate: 3e-3 },
    epochs,
    batchSize: 64,
    seed,
    runtime,
  });
  return model;
}
