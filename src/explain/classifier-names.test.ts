import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TextClassifier, writeTextClassifier } from '../../test/text-models.ts';
import { loadModel } from '../data/model/load-model.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { encodeModel } from '../onnx/encode.ts';
import type { PlainAttributes } from '../onnx/graph.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32 } from '../tensor/tensor.ts';
import { explain } from './explain.ts';
import type { ExplainOptions, ExplainSource } from './explain-options.ts';

const runtime = createNodeRuntime({ threads: 1 });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherefore-'));
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

async function explained(path: string, source: ExplainSource, options: ExplainOptions = {}) {
  const model = await loadModel(path, { runtime });
  try {
    const [{ document }] = await explain(model, source, options);
    return document;
  } finally {
    await model.close();
  }
}

const sentiment: TextClassifier = { classes: 2, words: { good: [-2, 2], bad: [3, -3], film: [0, 0], a: [0, 0] } };
const named = {
  architectures: ['BertForSequenceClassification'],
  // In another order than the numbers.
  id2label: { 1: 'positive', 0: 'negative' },
};
const config = (content: object) => ({ 'config.json': JSON.stringify(content) });

describe('a classifier of texts', () => {
  it('is shown with its class names, its text with the words of the tokenizer (Hugging Face layout)', async () => {
    const path = await writeTextClassifier(join(folder, 'sentiment'), sentiment, config(named));
    const { prediction, targetDescription, input, attributionTarget, notes } = await explained(path, 'A good film');
    // [CLS] a good film [SEP]: the mean is (−2, 2) / 5, and softmax gives σ(0.8) for class 1.
    expect(prediction?.kind).toBe('probability');
    expect(prediction?.top.map(({ label }) => label)).toEqual(['positive', 'negative']);
    expect(prediction?.top[0].value).toBeCloseTo(1 / (1 + Math.exp(-0.8)), 5);
    expect(targetDescription).toBe('logit of class 1 "positive" of logits');
    expect(attributionTarget).toBeCloseTo(0.4, 5);
    expect(input.texts).toEqual(['[CLS]', 'A', 'good', 'film', '[SEP]']);
    expect(notes).toContain(
      'used beside the model: config.json (2 class names, task classification), tokenizer.json (texts become tokens)',
    );
  });

  it('of 77 classes reads labels.txt', async () => {
    const words = Object.fromEntries(
      Array.from({ length: 77 }, (_, i) => [`w${i}`, Array.from({ length: 77 }, (_, c) => (c === i ? 9 : 0))]),
    );
    const labels = Array.from({ length: 77 }, (_, i) => `intent_${i}`).join('\n');
    const path = await writeTextClassifier(
      join(folder, '77'),
      { classes: 77, words },
      { 'labels.txt': `${labels}\n` },
      'm.onnx',
    );
    const { prediction, targetDescription } = await explained(path, 'w41 w41 w41');
    expect(prediction?.top[0]).toMatchObject({ index: 41, label: 'intent_41' });
    expect(targetDescription).toBe('logit of class 41 "intent_41" of logits');
  });

  it('with one logit has two classes, and their probabilities add up to 1', async () => {
    const single: TextClassifier = { classes: 1, words: { good: [2], bad: [-3], film: [0] } };
    const path = await writeTextClassifier(join(folder, 'single'), single, config(named));
    const { prediction, target, value } = await explained(path, 'bad bad');
    // [CLS] bad bad [SEP]: −6 / 4, σ(−1.5) = 0.182426.
    expect(prediction?.top.map(({ label, value }) => [label, value.toFixed(6)])).toEqual([
      ['negative', (1 - 0.182426).toFixed(6)],
      ['positive', '0.182426'],
    ]);
    expect(target).toEqual({ kind: 'classLogit', output: 'logits', class: 0, binary: true });
    expect(value).toBeCloseTo(1.5, 5);
    const other = await explained(path, 'bad bad', { target: { kind: 'classProbability', class: 1 } });
    expect(other.value).toBeCloseTo(0.182426, 5);
  });

  it('of several labels has a sigmoid for each', async () => {
    const content = { ...named, problem_type: 'multi_label_classification' };
    const path = await writeTextClassifier(join(folder, 'labels'), sentiment, config(content));
    const { prediction } = await explained(path, 'good good');
    // (−4, 4) / 4
    expect(prediction?.top.map(({ value }) => value)).toEqual([
      expect.closeTo(1 / (1 + Math.exp(-1)), 5),
      expect.closeTo(1 / (1 + Math.E), 5),
    ]);
    const asked = await explained(path, 'good good', { target: { kind: 'classProbability', class: 0 } });
    expect(asked.value).toBeCloseTo(1 / (1 + Math.E), 5);
  });

  it('of numbers is a value, whatever the configuration names', async () => {
    const single: TextClassifier = { classes: 1, words: { good: [2] } };
    const content = { ...named, id2label: { 0: 'LABEL_0' }, problem_type: 'regression' };
    const path = await writeTextClassifier(join(folder, 'stars'), single, config(content));
    expect((await explained(path, 'good good')).prediction).toEqual({
      output: 'logits',
      kind: 'value',
      top: [{ index: 0, label: undefined, value: 1 }],
    });
  });

  it('takes no names that fit no output, and says so', async () => {
    const path = await writeTextClassifier(join(folder, 'other'), sentiment, { 'labels.txt': 'a\nb\nc\n' });
    const { prediction, notes } = await explained(path, 'good');
    expect(prediction?.top[0].label).toBeUndefined();
    expect(notes).toContain('labels.txt beside the model is not used: it names 3 classes, and no output has so many');
  });

  it('goes on beside a config.json of another tool, and says so', async () => {
    const path = await writeTextClassifier(join(folder, 'broken'), sentiment, { 'config.json': '{ "id2label": ["a" ' });
    const { notes } = await explained(path, 'good');
    expect(notes).toContainEqual(expect.stringMatching(/^config\.json beside the model is not used: .*not JSON/));
  });

  it('with a wherefore.yaml takes its labels, not those of other files', async () => {
    const path = await writeTextClassifier(join(folder, 'yaml'), sentiment, config(named), 'model.onnx');
    await writeFile(
      join(folder, 'yaml', 'wherefore.yaml'),
      'inputs:\n  input_ids: { kind: text }\n  attention_mask: { kind: text, part: mask }\nlabels: [thumbs down, thumbs up]\n',
    );
    const { prediction, notes } = await explained(path, 'good');
    expect(prediction?.top[0].label).toBe('thumbs up');
    // The file leaves the task open; the labels are its own.
    expect(notes).toContain(
      'used beside the model: config.json (task classification), tokenizer.json (texts become tokens)',
    );
  });
});

/** `label, probabilities` as skl2onnx writes a logistic regression. */
async function writeLinear(
  path: string,
  labels: PlainAttributes,
  { zipMap = false, transform = 'SOFTMAX' }: { zipMap?: boolean; transform?: string } = {},
) {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [undefined, 2]);
  const ml = { domain: 'ai.onnx.ml' };
  const scores = zipMap ? 'scores' : 'probabilities';
  builder.ops(
    'LinearClassifier',
    ['x'],
    {
      ...labels,
      coefficients: { floats: [1, 0, 0, 1, -1, -1] },
      intercepts: { floats: [0, 0, 0] },
      post_transform: transform,
    },
    { ...ml, outputs: ['label', scores] },
  );
  const isNamed = 'classlabels_strings' in labels;
  builder.output('label', isNamed ? 'string' : 'int64', [undefined]);
  if (zipMap) {
    const zipped = isNamed ? labels : { classlabels_int64s: labels.classlabels_ints };
    builder.op('ZipMap', ['scores'], zipped, { ...ml, outputs: ['probabilities'] });
    builder.output('probabilities');
  } else builder.output('probabilities', 'float32', [undefined, 3]);
  const opsets = new Map([
    ['', 15],
    ['ai.onnx.ml', 1],
  ]);
  await writeFile(
    path,
    encodeModel({ irVersion: 8, producer: '', opsets, graph: builder.build(), functions: [], metadata: new Map() }),
  );
  return path;
}

describe('a linear classifier of scikit-learn', () => {
  const input = new Map([['x', float32([1, 2], [2, 1])]]);
  // Scores 2, 1, −3: softmax.
  const total = Math.exp(2) + Math.exp(1) + Math.exp(-3);
  it.each([
    [false, { classlabels_ints: [0, 1, 2] }, undefined],
    [false, { classlabels_ints: [3, 5, 7] }, '3'],
    [false, { classlabels_strings: { strings: ['setosa', 'versicolor', 'virginica'] } }, 'setosa'],
    [true, { classlabels_strings: { strings: ['setosa', 'versicolor', 'virginica'] } }, 'setosa'],
    [true, { classlabels_ints: [0, 1, 2] }, undefined],
  ] as const)('ZipMap %s, %o: the target is a probability, never the label', async (zipMap, labels, name) => {
    const path = await writeLinear(join(folder, `linear-${zipMap}-${JSON.stringify(labels).length}.onnx`), labels, {
      zipMap,
    });
    const { prediction, target, value } = await explained(path, input, { methods: ['occlusion'] });
    expect(prediction).toMatchObject({ output: 'probabilities', kind: 'probability' });
    expect(prediction?.top[0]).toMatchObject({ index: 0, label: name });
    expect(prediction?.top[0].value).toBeCloseTo(Math.exp(2) / total, 5);
    expect(target).toMatchObject({ kind: 'classProbability', class: 0, output: 'probabilities' });
    expect(value).toBeCloseTo(Math.exp(2) / total, 5);
  });

  it('without a transform gives scores, shown as probabilities and explained as they are', async () => {
    const path = await writeLinear(join(folder, 'raw.onnx'), { classlabels_ints: [0, 1, 2] }, { transform: 'NONE' });
    const { prediction, target, value } = await explained(path, input, { methods: ['occlusion'] });
    expect(prediction?.top[0].value).toBeCloseTo(Math.exp(2) / total, 5);
    expect(target).toMatchObject({ kind: 'classLogit', class: 0 });
    expect(value).toBeCloseTo(2, 5);
  });
});
