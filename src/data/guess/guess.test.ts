import { describe, expect, it } from 'vitest';
import { sharedData } from '../../../test/shared-data.ts';
import { decodeModel } from '../../onnx/decode.ts';
import {
  attributesOf,
  type Initializer,
  type Node,
  type OnnxModel,
  type PlainAttributes,
  type ValueInfo,
} from '../../onnx/graph.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import { readBytes, readText } from '../files/read-file.ts';
import { preprocessingSchema } from '../model/preprocessing.ts';
import { parsePreprocessing } from '../model/preprocessing-yaml.ts';
import { guessPreprocessing } from './guess.ts';
import type { Guess } from './guessed.ts';

const value = (name: string, shape: ValueInfo['shape'], type: ValueInfo['type'] = 'float32'): ValueInfo => ({
  name,
  type,
  shape,
});

function node(op: string, inputs: string[], outputs: string[], attributes: PlainAttributes = {}): Node {
  return { op, domain: '', name: '', inputs, outputs, attributes: attributesOf(attributes) };
}

function modelOf(
  inputs: ValueInfo[],
  nodes: Node[],
  outputs: ValueInfo[],
  options: { weights?: Record<string, Tensor>; producer?: string; metadata?: Record<string, string> } = {},
): OnnxModel {
  const initializers = new Map<string, Initializer>(
    Object.entries(options.weights ?? {}).map(([name, tensor]) => [
      name,
      { name, type: tensor.type, shape: tensor.shape, location: { kind: 'memory', tensor } },
    ]),
  );
  return {
    irVersion: 10,
    producer: options.producer ?? 'pytorch',
    opsets: new Map([['', 17]]),
    graph: { name: 'g', inputs, outputs, nodes, initializers, values: new Map() },
    functions: [],
    metadata: new Map(Object.entries(options.metadata ?? {})),
  };
}

/** value and confidence of every guess by path. */
function guessed(model: OnnxModel): Record<string, [unknown, Guess['confidence']]> {
  const { guesses, preprocessing } = guessPreprocessing(model);
  // Whatever is guessed can be written down and read again.
  expect(() => preprocessingSchema.parse(preprocessing)).not.toThrow();
  for (const guess of guesses) expect(guess.reason).toMatch(/\w{3}/);
  return Object.fromEntries(guesses.map(({ path, value, confidence }) => [path, [value, confidence]]));
}

const classes = [value('logits', ['batch', 10])];
const kernel = float32([8, 3, 3, 3], new Float32Array(216));

describe('images', () => {
  it('a network that begins with a convolution', () => {
    const model = modelOf(
      [value('x', ['batch', 3, 32, 48])],
      [node('Conv', ['x', 'w'], ['y']), node('Gemm', ['y'], ['logits'])],
      classes,
      { weights: { w: kernel } },
    );
    expect(guessed(model)).toMatchObject({
      'inputs.x.kind': ['image', 'likely'],
      'inputs.x.layout': ['NCHW', 'known'],
      'inputs.x.size': [[32, 48], 'known'],
      'inputs.x.colour': ['RGB', 'assumed'],
      'inputs.x.range': [[0, 1], 'assumed'],
      'inputs.x.mean': [[0.485, 0.456, 0.406], 'assumed'],
      task: ['classification', 'likely'],
      'outputs.logits.kind': ['logits', 'known'],
      labels: [undefined, 'unknown'],
    });
  });

  it('a Keras network that begins by moving the channels', () => {
    const model = modelOf(
      [value('x', ['batch', 64, 64, 1])],
      [
        node('Transpose', ['x'], ['t'], { perm: [0, 3, 1, 2] }),
        node('Conv', ['t', 'w'], ['y']),
        node('Softmax', ['y'], ['logits']),
      ],
      classes,
    );
    expect(guessed(model)).toMatchObject({
      'inputs.x.layout': ['NHWC', 'known'],
      'inputs.x.size': [[64, 64], 'known'],
      'inputs.x.colour': ['grey', 'known'],
      'outputs.logits.kind': ['probabilities', 'known'],
    });
  });

  it.each([
    ['Div', [255], [0, 255]],
    ['Mul', [1 / 255], [0, 255]],
    ['Sub', [123.68, 116.779, 103.939], [0, 255]],
    ['Sub', [0.485, 0.456, 0.406], [0, 1]],
    ['Div', [0.229, 0.224, 0.225], [0, 1]],
  ])('the graph normalises its input itself: %s by %j', (op, constant, range) => {
    const weights = { w: kernel, c: float32([constant.length, 1, 1], constant) };
    const model = modelOf(
      [value('x', [1, 3, 8, 8])],
      [node(op, ['x', 'c'], ['n']), node('Conv', ['n', 'w'], ['y']), node('Gemm', ['y'], ['logits'])],
      classes,
      { weights },
    );
    const found = guessed(model);
    expect(found['inputs.x.range']).toEqual([range, 'likely']);
    expect(found['inputs.x.mean']).toBeUndefined();
  });

  it('a batch normalisation on the input', () => {
    const mean = float32([3], [120, 110, 100]);
    const model = modelOf(
      [value('x', [1, 3, 8, 8])],
      [node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], ['logits'])],
      classes,
      { weights: { m: mean } },
    );
    expect(guessed(model)['inputs.x.range']).toEqual([[0, 255], 'likely']);
  });

  it('says what cannot be guessed', () => {
    const model = modelOf(
      [value('x', ['batch', 3, 'height', 'width'])],
      [node('Conv', ['x', 'w'], ['logits'])],
      [value('logits', undefined)],
      { weights: { w: kernel } },
    );
    const { preprocessing } = guessPreprocessing(model);
    expect(guessed(model)).toMatchObject({ 'inputs.x.size': [undefined, 'unknown'], task: [undefined, 'unknown'] });
    expect(preprocessing.inputs?.x).toEqual({ kind: 'tensor' });
  });

  it('reads names of classes and colours from the metadata', () => {
    const metadata = {
      names: "{0: 'person', 1: 'potted \"plant\"'}",
      'Image.BitmapPixelFormat': 'Bgr8',
      'Image.NominalPixelRange': 'Normalized_1_1',
    };
    const model = modelOf([value('x', [1, 3, 8, 8])], [node('Conv', ['x', 'w'], ['logits'])], classes, {
      weights: { w: kernel },
      metadata,
    });
    expect(guessed(model)).toMatchObject({
      labels: [['person', 'potted "plant"'], 'known'],
      'inputs.x.colour': ['BGR', 'known'],
      'inputs.x.range': [[-1, 1], 'known'],
    });
  });
});

describe('other inputs', () => {
  it('tokens', () => {
    const model = modelOf(
      [value('input_ids', ['b', 's'], 'int64'), value('attention_mask', ['b', 's'], 'int64')],
      [node('Gather', ['e', 'input_ids'], ['logits'])],
      [value('logits', ['b', 's', 512])],
    );
    expect(guessed(model)).toMatchObject({
      task: ['language', 'likely'],
      'inputs.input_ids.part': ['ids', 'likely'],
      'inputs.attention_mask.part': ['mask', 'likely'],
      'inputs.input_ids.tokenizer': [undefined, 'unknown'],
    });
  });

  it('rows of numbers', () => {
    const model = modelOf([value('x', ['n', 31])], [node('Gemm', ['x'], ['y'])], [value('y', ['n', 1])]);
    expect(guessed(model)).toMatchObject({ 'inputs.x.kind': ['tensor', 'likely'], task: [undefined, 'unknown'] });
  });

  it('feature maps of other channels are no images', () => {
    const model = modelOf([value('x', [1, 64, 8, 8])], [node('Conv', ['x', 'w'], ['y'])], [value('y', [1, 21, 8, 8])]);
    expect(guessed(model)).toMatchObject({ 'inputs.x.kind': ['tensor', 'likely'], task: ['segmentation', 'likely'] });
  });
});

const handWritten = async (name: string) =>
  parsePreprocessing(
    await readText(new URL(`../../../test/fixtures/preprocessing/${name}.yaml`, import.meta.url).pathname, 'settings'),
  );

describe('real models: the guess agrees with what a person wrote', () => {
  for (const [file, name] of [
    ['squeezenet/squeezenet-fp32.onnx', 'squeezenet'],
    ['squeezenet/squeezenet-fp16.onnx', 'squeezenet'],
    ['yolox-nano/yolox_nano.onnx', 'yolox'],
    ['mnist/mnist-onnxjs.onnx', 'mnist'],
    ['mnist/mnist-winml.onnx', 'mnist'],
  ]) {
    const path = sharedData(file);
    it.skipIf(!path)(file, async () => {
      const { preprocessing, guesses } = guessPreprocessing(decodeModel(await readBytes(path as string, 'model')));
      const written = await handWritten(name);
      expect(preprocessingSchema.parse(preprocessing)).toEqual({ ...written, labels: undefined });
      expect(guesses.filter(({ confidence }) => confidence === 'unknown').map(({ path }) => path)).toEqual(['labels']);
    });
  }

  for (const [file, expected] of [
    [
      'lending-club/lending-club-xgboost.onnx',
      { task: 'classification', outputs: { probabilities: { kind: 'probabilities' } } },
    ],
    ['lending-club/lending-club-lightgbm.onnx', { task: 'classification', outputs: {} }],
    ['stories260k/stories260k.onnx', { task: 'language', outputs: { logits: { kind: 'logits', axis: -1 } } }],
  ] as const) {
    const path = sharedData(file);
    it.skipIf(!path)(file, async () => {
      expect(guessPreprocessing(decodeModel(await readBytes(path as string, 'model'))).preprocessing).toMatchObject(
        expected,
      );
    });
  }
});
