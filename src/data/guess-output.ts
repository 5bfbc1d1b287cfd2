import type { Dimension, Node, OnnxModel, ValueInfo } from '../onnx/graph.ts';
import { requiredInputs } from '../onnx/graph.ts';
import type { Guess } from './guessed.ts';
import type { PreprocessingText } from './preprocessing.ts';

export interface GuessedOutputs {
  task?: PreprocessingText['task'];
  outputs: NonNullable<PreprocessingText['outputs']>;
  labels?: string[];
  detection?: PreprocessingText['detection'];
}

/** What a model does and what its outputs are, from their shapes and the nodes that make them. */
export function guessOutputs(model: OnnxModel, guesses: Guess[]): GuessedOutputs {
  const result: GuessedOutputs = { outputs: {} };
  const add = (path: string, value: unknown, confidence: Guess['confidence'], reason: string) =>
    guesses.push({ path, value, confidence, reason });
  for (const output of model.graph.outputs) guessOutput(model, output, result, add);
  if (!result.task) add('task', undefined, 'unknown', 'the shapes of the outputs fit no usual task');
  const labels = statedLabels(model);
  if (labels) {
    result.labels = labels;
    add('labels', labels, 'known', `the metadata name ${labels.length} classes`);
  } else if (result.task === 'classification' || result.task === 'detection') {
    add('labels', undefined, 'unknown', 'a graph does not name its classes: give a list or a file');
  }
  return result;
}

type Add = (path: string, value: unknown, confidence: Guess['confidence'], reason: string) => void;

function guessOutput(model: OnnxModel, output: ValueInfo, result: GuessedOutputs, add: Add): void {
  const { name, shape } = output;
  const maker = makerOf(model, name);
  const tree =
    maker?.op.startsWith('TreeEnsemble') || maker?.op === 'LinearClassifier' || maker?.op === 'SVMClassifier';
  if (tree && maker) {
    const classifier = maker.op.endsWith('Classifier');
    if (!result.task) {
      result.task = classifier ? 'classification' : 'regression';
      add('task', result.task, 'known', `"${name}" is made by ${maker.op}`);
    }
    // A classifier's first output is the label itself, which is not a number to explain.
    if (classifier && (maker.outputs[0] === name || output.type === 'int64')) return;
    const kind = classifier ? 'probabilities' : 'value';
    if (output.type === undefined) {
      add(
        `outputs.${name}`,
        undefined,
        'unknown',
        'it is a sequence of maps, not a tensor: export the model without ZipMap',
      );
      return;
    }
    result.outputs[name] = { kind };
    add(`outputs.${name}.kind`, kind, 'known', `it is made by ${maker.op}`);
    return;
  }
  const strides = yoloxStrides(model, shape);
  if (strides) {
    result.task ??= 'detection';
    result.detection ??= { format: 'yolox', strides };
    result.outputs[name] = { kind: 'detections' };
    add(
      'detection',
      result.detection,
      'likely',
      `"${name}" has as many rows as grids of strides ${strides.join(', ')} have cells`,
    );
    return;
  }
  if (!shape || result.task) return;
  const last = shape.at(-1);
  if (shape.length === 3 && isLanguageModel(model)) {
    result.task = 'language';
    result.outputs[name] = { kind: 'logits', axis: -1 };
    add(
      'task',
      'language',
      'likely',
      `token numbers go in, and scores for ${last ?? '?'} tokens at each position come out`,
    );
    return;
  }
  const flat = shape.length >= 2 && shape.slice(2).every((size) => size === 1);
  if (flat && typeof shape[1] === 'number') {
    const classes = shape[1];
    if (classes === 1) {
      add(
        'task',
        undefined,
        'unknown',
        `"${name}" is one number: a regression, or a classification into two: say which`,
      );
      return;
    }
    result.task = 'classification';
    const kind = maker?.op === 'Softmax' || maker?.op === 'Sigmoid' ? 'probabilities' : 'logits';
    result.outputs[name] = { kind };
    add('task', 'classification', 'likely', `"${name}" gives ${classes} numbers for an input`);
    add(`outputs.${name}.kind`, kind, 'known', maker ? `it is made by ${maker.op}` : 'nothing normalises it');
  } else if (shape.length === 4 && typeof shape[1] === 'number' && shape[1] > 1) {
    result.task = 'segmentation';
    result.outputs[name] = { kind: maker?.op === 'Softmax' ? 'probabilities' : 'logits' };
    add('task', 'segmentation', 'likely', `"${name}" gives ${shape[1]} numbers for every place of a map`);
  }
}

/** The node that computes a value, past those that only pass it on in another shape or type. */
function makerOf(model: OnnxModel, name: string): Node | undefined {
  const passing = new Set(['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Cast', 'ZipMap']);
  let node = model.graph.nodes.find((candidate) => candidate.outputs.includes(name));
  while (node && passing.has(node.op)) {
    const { inputs } = node;
    node = model.graph.nodes.find((candidate) => candidate.outputs.includes(inputs[0]));
  }
  return node;
}

/** Strides 8, 16, 32 (and 64) whose grids over the input have together as many cells as the output has rows. */
function yoloxStrides(model: OnnxModel, shape: readonly Dimension[] | undefined): number[] | undefined {
  const [input] = requiredInputs(model.graph);
  const [height, width] = input?.shape?.length === 4 ? input.shape.slice(2) : [];
  if (shape?.length !== 3 || typeof height !== 'number' || typeof width !== 'number') return undefined;
  const [, rows, columns] = shape;
  if (typeof columns !== 'number' || columns < 6) return undefined;
  return [
    [8, 16, 32],
    [8, 16, 32, 64],
  ].find(
    (strides) =>
      strides.reduce((sum, stride) => sum + Math.floor(height / stride) * Math.floor(width / stride), 0) === rows,
  );
}

function isLanguageModel(model: OnnxModel): boolean {
  return requiredInputs(model.graph).some(
    ({ type, shape }) => (type === 'int64' || type === 'int32') && shape?.length === 2,
  );
}

/** Class names in the metadata: a JSON list or object, or a Python dictionary as Ultralytics writes it. */
function statedLabels(model: OnnxModel): string[] | undefined {
  const text = model.metadata.get('names') ?? model.metadata.get('classes') ?? model.metadata.get('labels');
  if (!text) return undefined;
  const pairs = [...text.matchAll(/(\d+)"?\s*:\s*(?:'([^']*)'|"([^"]*)")/g)];
  if (pairs.length && pairs.every(([, key], i) => key === String(i)))
    return pairs.map(([, , single, double]) => single ?? double);
  const list = /^\s*\[(.*)\]\s*$/s.exec(text);
  const items = list ? [...list[1].matchAll(/'([^']*)'|"([^"]*)"/g)].map(([, single, double]) => single ?? double) : [];
  return items.length ? items : undefined;
}
