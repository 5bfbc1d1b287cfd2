import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../onnx/builder.ts';
import { encodeModel } from '../../onnx/encode.ts';
import { loadModel } from '../model/load-model.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import { usedBeside } from '../model/used-beside.ts';
import { guessNotes } from './guess-notes.ts';
import { settledPreprocessing } from './settled-preprocessing.ts';

const root = mkdtempSync(join(tmpdir(), 'wherefore-settled-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

/** A model in a folder with such files: of images, five classes by a softmax. */
async function withModel<T>(files: Record<string, string>, work: (model: LoadedModel) => T): Promise<T> {
  const folder = join(root, String(++folders));
  mkdirSync(folder);
  const b = new GraphBuilder();
  b.input('x', 'float32', ['N', 3, 4, 4]);
  const sums = b.op('ReduceSum', ['x', b.ints([1, 2])], { keepdims: 0 });
  const scores = b.op('Pad', [sums, b.ints([0, 0, 0, 1])]);
  b.op('Softmax', [scores], { axis: 1 }, { outputs: ['p'] });
  b.output('p', 'float32', ['N', 5]);
  const [graph, opsets] = [b.build(), new Map([['', 20]])];
  const path = join(folder, 'model.onnx');
  writeFileSync(
    path,
    encodeModel({ irVersion: 9, producer: 'test', opsets, graph, functions: [], metadata: new Map() }),
  );
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const model = await loadModel(path);
  try {
    return work(model);
  } finally {
    await model.close();
  }
}

const names = ['ant', 'bee', 'cat', 'dog', 'elk'];
const lines = `${names.join('\n')}\n`;
const notesOf = (model: LoadedModel) => {
  const preprocessing = settledPreprocessing(model);
  return [...usedBeside(model, preprocessing), ...guessNotes(model, preprocessing)].join('\n');
};

describe('what a wherefore.yaml leaves out', () => {
  const guessedImage = { kind: 'image', size: [4, 4], layout: 'NCHW', colour: 'RGB', range: [0, 1] };

  it('is guessed, input by input, and told', async () => {
    await withModel({ 'wherefore.yaml': 'labels: [a, b, c, d, e]' }, (model) => {
      expect(settledPreprocessing(model)).toMatchObject({
        task: 'classification',
        inputs: { x: guessedImage },
        outputs: { p: { kind: 'probabilities' } },
      });
      expect(model.labels).toEqual(['a', 'b', 'c', 'd', 'e']);
      expect(notesOf(model)).toMatch(
        /left open by wherefore\.yaml, and guessed: task classification, input "x" image, output "p" probabilities/,
      );
      expect(notesOf(model)).toMatch(/how images become the input was guessed from the graph.*resized to 4×4/);
    });
  });

  it('is what nobody wrote: inputs that are described stay, and outputs are guessed', async () => {
    const yaml = 'inputs: { x: { kind: image, size: [4, 4], range: [0, 255], colour: BGR } }';
    await withModel({ 'wherefore.yaml': yaml }, (model) => {
      expect(settledPreprocessing(model)).toMatchObject({
        inputs: { x: { kind: 'image', range: [0, 255], colour: 'BGR', mean: 0, std: 1 } },
        outputs: { p: { kind: 'probabilities' } },
      });
      expect(notesOf(model)).not.toMatch(/how images become/);
    });
  });

  it('is not guessed of outputs that are described, nor against a stated task', async () => {
    await withModel({ 'wherefore.yaml': 'outputs: { p: { kind: logits } }' }, (model) => {
      const { task, outputs, inputs } = settledPreprocessing(model);
      expect(task).toBeUndefined();
      expect(outputs).toEqual({ p: { kind: 'logits' } });
      expect(inputs.x).toMatchObject(guessedImage);
    });
    await withModel({ 'wherefore.yaml': 'task: regression' }, (model) => {
      expect(settledPreprocessing(model)).toMatchObject({ task: 'regression', outputs: { p: { kind: 'value' } } });
    });
  });

  it('says nothing where all is described, or the caller describes it', async () => {
    const yaml =
      'task: classification\ninputs: { x: { kind: image, size: [4, 4], range: [0, 1] } }\noutputs: { p: { kind: logits } }';
    await withModel({ 'wherefore.yaml': yaml }, (model) => expect(notesOf(model)).toBe(''));
    await withModel({}, (model) => {
      const settled = settledPreprocessing(model);
      const own = { ...settled, inputs: { x: { ...settled.inputs.x, range: [0, 255] } } } as typeof settled;
      expect(guessNotes(model, own)).toEqual([]);
      expect(guessNotes(model, settled)).toHaveLength(1);
      // Tensors are what the model takes: nothing was guessed of how they are made.
      expect(guessNotes(model, settled, false)).toEqual([]);
    });
  });
});

describe('lists of names beside a model', () => {
  it('are used where one is called so and has as many names as there are classes', async () => {
    const files = { 'insect_classes.txt': lines, 'other_classes.txt': 'a\nb\n', 'notes.txt': lines };
    await withModel(files, (model) => {
      expect(model.labels).toEqual(names);
      expect(notesOf(model)).toMatch(/used beside the model: insect_classes\.txt \(5 class names\)/);
    });
    await withModel({ 'id_to_label.json': JSON.stringify(names) }, (model) => expect(model.labels).toEqual(names));
  });

  it('are pointed to where their names do not say so, or there are several', async () => {
    await withModel({ 'notes.txt': lines }, (model) => {
      expect(model.labels).toBeUndefined();
      expect(notesOf(model)).toMatch(/notes\.txt beside the model holds as many names.*"labels: notes\.txt"/);
    });
    await withModel({ 'classes.txt': lines, 'labels_de.txt': lines }, (model) => {
      expect(model.labels).toBeUndefined();
      expect(notesOf(model)).toMatch(/classes\.txt, labels_de\.txt beside the model hold/);
    });
  });

  it('are nothing to a model with names of its own, with other classes, or where they are no lists', async () => {
    const own = { 'labels.txt': 'p\nq\nr\ns\nt\n', 'insect_classes.txt': lines };
    await withModel(own, (model) => expect(model.labels).toEqual(['p', 'q', 'r', 's', 't']));
    const others: Record<string, string>[] = [
      { 'insect_classes.txt': 'a\nb\n' },
      { 'class_settings.json': '{"a": 1}' },
      { 'classes.txt': 'a\n\nb\nc\nd\n' },
      { 'vocab.txt': lines },
    ];
    for (const files of others) {
      await withModel(files, (model) => {
        expect(model.labels).toBeUndefined();
        expect(notesOf(model)).not.toMatch(/as many names|class names/);
      });
    }
  });
});
