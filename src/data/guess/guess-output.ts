import type { Dimension, Node, OnnxModel, ValueInfo } from '../../onnx/graph.ts';
import { operatorKey, requiredInputs } from '../../onnx/graph.ts';
import { traitsOf } from '../../onnx/operators.ts';
import { vocabularySize } from '../../onnx/vocabulary.ts';
import type { Beside } from '../model/beside.ts';
import { type Labels, labelsOfModel } from '../model/model-labels.ts';
import type { PreprocessingText } from '../model/preprocessing.ts';
import type { Guess } from './guessed.ts';

export interface GuessedOutputs {
  task?: PreprocessingText['task'];
  outputs: NonNullable<PreprocessingText['outputs']>;
  labels?: string[];
  detection?: PreprocessingText['detection'];
}

/**
 * What a model does and what its outputs are, from what lies beside it, from their shapes and the nodes that make them.
 */
export function guessOutputs(model: OnnxModel, guesses: Guess[], beside?: Beside): GuessedOutputs {
  const result: GuessedOutputs = { outputs: {} };
  const add = (path: string, value: unknown, confidence: Guess['confidence'], reason: string) =>
    guesses.push({ path, value, confidence, reason });
  const told = beside?.config;
  const { labels } = labelsOfModel(model, beside);
  const vocabulary = told?.vocabularySize;
  for (const output of model.graph.outputs) guessOutput(model, output, result, add, { labels, vocabulary });
  if (told?.task) takeTask(model, result, told.task, add);
  if (told?.isMultiLabel) {
    for (const output of Object.values(result.outputs)) if (output.kind === 'logits') output.activation = 'sigmoid';
    add('outputs', 'activation: sigmoid', 'known', 'config.json names a problem of several labels');
  }
  if (!result.task) add('task', undefined, 'unknown', 'the shapes of the outputs fit no usual task');
  if (labels) {
    result.labels = [...labels.names];
    const count = labels.names.length;
    if (labels.isGuess)
      add('labels', result.labels, 'likely', `${labels.from} holds as many names as there are classes`);
    else add('labels', result.labels, 'known', `${labels.from} names ${count} classes`);
  } else if (result.task === 'classification' || result.task === 'detection') {
    add('labels', undefined, 'unknown', 'a graph does not name its classes: give a list or a file');
  }
  return result;
}

/** The task that config.json names; what was guessed of the outputs under another one goes. */
function takeTask(model: OnnxModel, result: GuessedOutputs, task: NonNullable<GuessedOutputs['task']>, add: Add): void {
  add('task', task, 'known', 'the architecture in config.json');
  if (result.task === task) return;
  result.task = task;
  const [first] = model.graph.outputs;
  const forms = {
    language: { kind: 'logits', axis: -1 },
    embedding: { kind: 'embedding' },
    regression: { kind: 'value' },
    'token-classification': { kind: 'logits' },
  } as const;
  const form = task in forms ? forms[task as keyof typeof forms] : undefined;
  const rank = first?.shape?.length ?? 2;
  result.outputs = first && form && (task !== 'language' || rank === 3) ? { [first.name]: { ...form } } : {};
}

/** What is known of classes and tokens beside the graph. */
interface Known {
  readonly labels?: Labels;
  readonly vocabulary?: number;
}

type Add = (path: string, value: unknown, confidence: Guess['confidence'], reason: string) => void;

function guessOutput(model: OnnxModel, output: ValueInfo, result: GuessedOutputs, add: Add, known: Known): void {
  const { name, shape } = output;
  const maker = makerOf(model, name);
  if (maker && isLearner(maker)) {
    const classifier = maker.op.endsWith('Classifier');
    if (!result.task) {
      result.task = classifier ? 'classification' : 'regression';
      add('task', result.task, 'known', `"${name}" is made by ${maker.op}`);
    }
    // A classifier's first output is the label itself, which is not a number to explain.
    if (classifier && (maker.outputs[0] === name || output.type === 'int64')) return;
    const kind = !classifier ? 'value' : isRaw(model, maker, name) ? 'logits' : 'probabilities';
    if (output.type === undefined)
      add(`outputs.${name}`, 'a tensor', 'known', 'the maps of ZipMap are read as a tensor of scores');
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
  if (shape.length === 3 && isLanguageModel(model) && isVocabulary(model, last, known)) {
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
  if (shape.length === 3 && isLanguageModel(model) && typeof last === 'number' && last > 1) {
    result.task = 'token-classification';
    result.outputs[name] = { kind: 'logits' };
    add('task', result.task, 'likely', `token numbers go in, and ${last} numbers for each of them come out`);
    return;
  }
  const flat = shape.length >= 2 && shape.slice(2).every((size) => size === 1);
  if (flat && typeof shape[1] === 'number') {
    const classes = shape[1];
    const ending = maker?.op === 'Softmax' || maker?.op === 'Sigmoid' ? 'probabilities' : 'logits';
    const isBinary = maker?.op === 'Sigmoid' || known.labels?.names.length === 2;
    if (classes === 1 && isBinary) {
      result.task = 'classification';
      result.outputs[name] = { kind: ending };
      const reason =
        maker?.op === 'Sigmoid' ? 'is one number that a Sigmoid makes' : 'is one number, and there are two labels';
      add('task', 'classification', 'likely', `"${name}" ${reason}: the probability of the second of two classes`);
      return;
    }
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
    const kind = ending;
    result.outputs[name] = { kind };
    add('task', 'classification', 'likely', `"${name}" gives ${classes} numbers for an input`);
    add(`outputs.${name}.kind`, kind, 'known', maker ? `it is made by ${maker.op}` : 'nothing normalises it');
  } else if (shape.length === 4 && typeof shape[1] === 'number' && shape[1] > 1) {
    result.task = 'segmentation';
    result.outputs[name] = { kind: maker?.op === 'Softmax' ? 'probabilities' : 'logits' };
    add('task', 'segmentation', 'likely', `"${name}" gives ${shape[1]} numbers for every place of a map`);
  }
}

/** Operators of scikit-learn and libraries like it that end a model. */
function isLearner({ op }: Node): boolean {
  return op.startsWith('TreeEnsemble') || /^(Linear|SVM)(Classifier|Regressor)$/.test(op);
}

/** Whether a linear classifier or a support vector machine gives its scores as they are. */
function isRaw(model: OnnxModel, { op, attributes }: Node, output: string): boolean {
  const { post_transform: transform } = attributes;
  const isNormalised = model.graph.nodes.some((node) => node.op === 'Normalizer' && node.outputs.includes(output));
  const isPlain = transform?.kind !== 'string' || transform.value === 'NONE';
  return !op.startsWith('Tree') && isPlain && !isNormalised;
}

/** The node that computes a value, past those that only pass it on in another shape or type. */
function makerOf(model: OnnxModel, name: string): Node | undefined {
  const passes = (node: Node) =>
    traitsOf(operatorKey(node)).moves === 'order' || node.op === 'ZipMap' || node.op === 'Normalizer';
  let node = model.graph.nodes.find((candidate) => candidate.outputs.includes(name));
  while (node && passes(node)) {
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

/**
 * Whether an axis runs over the vocabulary: unless it is as long as the list of classes, known to be something else, or
 * shorter than half of the table that tokens are looked up in (tables and heads are filled up to round lengths).
 */
function isVocabulary({ graph }: OnnxModel, size: Dimension | undefined, { labels, vocabulary }: Known): boolean {
  if (typeof size !== 'number') return true;
  if (vocabulary !== undefined) return size >= vocabulary;
  const rows = requiredInputs(graph).flatMap(({ name }) => vocabularySize(graph, name) ?? []);
  return size !== labels?.names.length && !rows.some((count) => size < count / 2);
}

function isLanguageModel(model: OnnxModel): boolean {
  return requiredInputs(model.graph).some(
    ({ type, shape }) => (type === 'int64' || type === 'int32') && shape?.length === 2,
  );
}
