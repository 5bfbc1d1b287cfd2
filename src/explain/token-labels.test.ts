import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTarget } from '../attribution/targets/text.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { encodeModel } from '../onnx/encode.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, int64 } from '../tensor/tensor.ts';
import { explain } from './explain.ts';
import { predict } from './prediction.ts';
import { preprocessingOf } from './preprocessing-of.ts';

const runtime = createNodeRuntime({ threads: 1 });
const labels = ['O', 'PER', 'LOC'];
let model: LoadedModel;

/** Scores of three classes for each token, a row of the table; the mask multiplies them. */
const table = [
  [0, 0, 0],
  [9, 0, 0], // [CLS], [SEP]
  [0, 3, 0], // Anna
  [0, 0, 4], // Paris
  [5, 0, 0], // old
  [0, 9, 0], // ##s, the end of a word
];

beforeAll(async () => {
  const builder = new GraphBuilder();
  builder.input('input_ids', 'int64', ['n', 'tokens']);
  builder.input('attention_mask', 'int64', ['n', 'tokens']);
  // More rows, of words that are not used, so that three classes are no vocabulary.
  const all = builder.constant(float32([206, 3], [...table.flat(), ...new Array(600).fill(0)]));
  const shift = builder.op('Cast', [builder.op('Unsqueeze', ['attention_mask', builder.ints([2])])], { to: 1 });
  builder.op('Mul', [builder.op('Gather', [all, 'input_ids']), shift], {}, { outputs: ['logits'] });
  builder.output('logits', 'float32', ['n', 'tokens', 3]);
  const opsets = new Map([['', 20]]);
  const graph = builder.build();
  const bytes = encodeModel({ irVersion: 10, producer: '', opsets, graph, functions: [], metadata: new Map() });
  model = { ...(await loadModel(bytes, { runtime })), labels };
});
afterAll(async () => {
  await model.close();
  await runtime.close();
});

const tensors = (ids: number[], mask = ids.map(() => 1)) =>
  new Map([
    ['input_ids', int64([1, ids.length], ids)],
    ['attention_mask', int64([1, ids.length], mask)],
  ]);
/** [CLS] Anna ##s old Paris Paris [SEP] [PAD] */
const inputs = tensors([1, 2, 5, 4, 3, 3, 1, 0], [1, 1, 1, 1, 1, 1, 1, 0]);
const words: ModelInput['groups'] = {
  kind: 'words',
  of: [0, 1, 1, 2, 3, 4, 5, 6],
  names: [],
  texts: ['[CLS]', 'Annas', ' old', ' Paris', ' Paris', '[SEP]', '[PAD]'],
  special: [0, 5, 6],
};
const input = { source: 'a text', tensors: inputs, groups: words } as unknown as ModelInput;
const said = (groups?: ModelInput['groups']) =>
  predict(model, inputs, preprocessingOf(model, {}), labels, { words: groups });

describe('a model for token classification', () => {
  it('is known by numbers for each token that are too few for its vocabulary', () => {
    expect(preprocessingOf(model, {}).task).toBe('token-classification');
  });

  it('says the label of each word by its first token, without what is outside', async () => {
    const { summary, target, tokenClasses } = await said(words);
    // e³/(e³ + 2) and e⁴/(e⁴ + 2)
    const [anna, paris] = [expect.closeTo(0.909443, 5), expect.closeTo(0.964664, 5)];
    expect(summary).toEqual({
      output: 'logits',
      kind: 'token-label',
      top: [
        { index: 1, label: 'PER', value: anna, position: 1, token: 'Annas' },
        { index: 2, label: 'LOC', value: paris, position: 4, token: 'Paris' },
        { index: 2, label: 'LOC', value: paris, position: 5, token: 'Paris' },
      ],
    });
    expect(target).toEqual({ kind: 'tokenClass', output: 'logits', position: 4, class: 2 });
    expect([...(tokenClasses ?? [])]).toEqual([
      [1, 1],
      [3, 0],
      [4, 2],
      [5, 2],
    ]);
  });

  it('of ids alone every token counts that the mask shows', async () => {
    const { summary, target } = await said();
    expect(summary.top.map(({ position }) => position)).toEqual([1, 2, 4, 5]);
    // The end of the word is the most certain: e⁹/(e⁹ + 2).
    expect(target).toMatchObject({ position: 2, class: 1 });
  });

  it.each([
    ['tag:Paris', { position: 4, class: 2 }],
    ['tag:paris#2', { position: 5, class: 2 }],
    ['tag:annas,LOC', { position: 1, class: 2 }],
    ['tag:3', { position: 3, class: 0 }],
    ['tag:2,1', { position: 2, class: 1 }],
  ])('%s', async (text, expected) => {
    const read = await readTarget(text, { labels, embedding: () => Promise.reject() });
    const target = typeof read === 'function' ? read(input, await said(words)) : read;
    expect(target).toMatchObject({ kind: 'tokenClass', ...expected });
  });

  it.each([
    ['tag:Oslo', /the text has no word "Oslo" \(expected (?!.*CLS).*"Annas"/],
    ['tag:Paris#3', /the text has no word "Paris#3"/],
    ['tag:2', /does not say which class \(got a special token, padding, or no first token of a word/],
  ])('%s is refused', async (text, message) => {
    const read = await readTarget(text, { labels, embedding: () => Promise.reject() });
    const prediction = await said(words);
    expect(() => typeof read === 'function' && read(input, prediction)).toThrow(message);
  });

  it('is explained at the token that is most certain, which a note says', async () => {
    const [{ document }] = await explain(model, inputs, {
      baseline: { kind: 'tokens', id: 0 },
      method: 'exact-shapley',
    });
    expect(document.targetDescription).toBe('logit of class 1 "PER" at token 2 of logits');
    // Only the token itself counts: 9, against 0.
    expect(document.attributionTarget).toBe(9);
    expect(document.notes.join()).toContain('explained is token 2: the most certain token that is not "O"');
    const [stated] = await explain(model, inputs, {
      baseline: { kind: 'tokens', id: 0 },
      method: 'exact-shapley',
      target: { kind: 'tokenClass', position: 4, class: 2 },
    });
    expect(stated.document.attributionTarget).toBe(4);
    expect(stated.document.notes.join()).not.toContain('explained is');
  });
});
