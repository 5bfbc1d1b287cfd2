import { WhereforeError } from '../../errors.ts';
import {
  type Dimension,
  type Initializer,
  intsAttribute,
  type Node,
  type OnnxModel,
  type ValueInfo,
} from '../../onnx/graph.ts';
import { readInitializer } from '../../onnx/initializer.ts';
import { toNumbers } from '../../tensor/convert.ts';
import { maxOf } from '../../tensor/extremes.ts';
import { formatShape, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import type { PreprocessingText } from '../model/preprocessing.ts';
import { type ProcessorFile, readImageProcessor } from '../model/preprocessor-config.ts';
import type { Guess } from './guessed.ts';

type ImageText = Extract<NonNullable<PreprocessingText['inputs']>[string], { kind: 'image' }>;
type Layout = 'NCHW' | 'NHWC';

/** Mean and standard deviation of ImageNet's colours on the scale 0–1, RGB: what torchvision's models expect. */
const imagenetMean = [0.485, 0.456, 0.406];
const imagenetStd = [0.229, 0.224, 0.225];
/** The mean colour that Caffe's models subtract, BGR, 0–255. */
const caffeMean = [103.939, 116.779, 123.68];

/** How a four-dimensional input is made from an image; undefined where it is none, or its size is not known. */
export function guessImage(
  model: OnnxModel,
  input: ValueInfo,
  { detector, processor }: { readonly detector: boolean; readonly processor?: ProcessorFile },
  guesses: Guess[],
): ImageText | undefined {
  const path = `inputs.${input.name}`;
  const add = (key: string, value: unknown, confidence: Guess['confidence'], reason: string) => {
    guesses.push({ path: `${path}.${key}`, value, confidence, reason });
  };
  const start = beginning(model, input.name);
  const axes = guessLayout(input, start);
  if (!axes) return undefined;
  const { layout, channels, reason } = axes;
  add('kind', 'image', 'likely', `four axes, one of them of ${channels} channel${channels > 1 ? 's' : ''}`);
  add('layout', layout, axes.certain ? 'known' : 'likely', reason);

  const shape = input.shape ?? [];
  const [height, width] = layout === 'NCHW' ? shape.slice(2) : shape.slice(1, 3);
  const followed = processor && followProcessor(processor, [height, width], channels, add);
  if (followed) return { ...followed, layout };
  if (typeof height !== 'number' || typeof width !== 'number') {
    add('size', undefined, 'unknown', 'the graph takes images of any size: give the size that it was trained with');
    return undefined;
  }
  add('size', [height, width], 'known', `the input is ${formatShape(shape)}`);

  const fit = detector
    ? ({ resize: 'letterbox', pad: 114, place: 'corner', antialias: false } as const)
    : ({ resize: 'stretch' } as const);
  add(
    'resize',
    fit.resize,
    detector ? 'likely' : 'assumed',
    detector ? 'YOLOX detectors pad with 114 below and to the right' : 'a graph does not say how images get its size',
  );
  if (detector)
    add('antialias', false, 'likely', 'YOLOX detectors resize with OpenCV, which takes the nearest pixels alone');
  else add('kernel', 'bilinear', 'assumed', 'the default of torchvision, which averages over the pixels covered');
  const values = guessValues(model, channels, input, start, detector);
  for (const [key, confidence, why] of values.reasons) add(key, values.text[key], confidence, why);
  return { kind: 'image', size: [height, width], ...fit, layout, ...values.text };
}

type Add = (key: string, value: unknown, confidence: Guess['confidence'], reason: string) => void;

/** What the image processor beside the model says, where the model can take what it makes. */
function followProcessor(
  { path, content }: ProcessorFile,
  sides: readonly (Dimension | undefined)[],
  channels: number,
  add: Add,
): Omit<ImageText, 'layout'> | undefined {
  const file = fileName(path);
  let found: ReturnType<typeof readImageProcessor>;
  try {
    found = readImageProcessor(content, file);
  } catch (error) {
    if (!(error instanceof WhereforeError)) throw error;
    add('kind', 'image', 'unknown', `${file} was not used: ${error.message}`);
    return undefined;
  }
  if (!found) return undefined;
  const { input, defaults, type } = found;
  const fits = channels === 3 && sides.every((side, i) => typeof side !== 'number' || side === input.size[i]);
  if (!fits) {
    const takes = `${sides.join('×')} with ${channels} channel${channels > 1 ? 's' : ''}`;
    add(
      'size',
      sides,
      'unknown',
      `${file} was not used: it makes ${input.size.join('×')} in colour, the model takes ${takes}`,
    );
    return undefined;
  }
  const said = `${file} says so${type ? ` (${type})` : ''}`;
  for (const [key, value] of Object.entries(input)) if (key !== 'kind') add(key, value, 'known', said);
  if (defaults.length > 0)
    add(
      'kind',
      'image',
      'likely',
      `${file} leaves out ${defaults.join(', ')}: the default${defaults.length > 1 ? 's' : ''} of ${type || 'transformers'}`,
    );
  return input;
}

const fileName = (path: string) => path.split(/[\\/]/).pop() as string;

function guessLayout(
  input: ValueInfo,
  start: Beginning,
): { layout: Layout; channels: number; certain: boolean; reason: string } | undefined {
  const [, second, , fourth] = input.shape ?? [];
  const isColour = (size: unknown): size is number => size === 1 || size === 3;
  const turned = start.permutation?.join();
  if (turned === '0,3,1,2' && isColour(fourth)) {
    return {
      layout: 'NHWC',
      channels: fourth,
      certain: true,
      reason: 'the graph begins by moving the last axis to the second place',
    };
  }
  if (start.next?.op === 'Conv' && !start.permutation) {
    const channels = isColour(second) ? second : start.channels;
    if (!isColour(channels)) return undefined;
    return {
      layout: 'NCHW',
      channels,
      certain: true,
      reason: 'the graph begins with a convolution, which takes channels in the second place',
    };
  }
  if (input.name === 'pixel_values' && typeof second !== 'number')
    return { layout: 'NCHW', channels: 3, certain: false, reason: 'the name that transformers gives to NCHW images' };
  if (isColour(second) && !isColour(fourth))
    return { layout: 'NCHW', channels: second, certain: false, reason: `the second axis has ${second} of them` };
  if (isColour(fourth) && !isColour(second))
    return { layout: 'NHWC', channels: fourth, certain: false, reason: `the last axis has ${fourth} of them` };
  return undefined;
}

interface Values {
  text: Pick<ImageText, 'colour' | 'range' | 'mean' | 'std'>;
  reasons: [key: 'colour' | 'range' | 'mean' | 'std', confidence: Guess['confidence'], reason: string][];
}

function guessValues(
  model: OnnxModel,
  channels: number,
  input: ValueInfo,
  start: Beginning,
  detector: boolean,
): Values {
  const text: Values['text'] = {};
  const reasons: Values['reasons'] = [];
  const format = model.metadata.get('Image.BitmapPixelFormat');
  const caffe = /caffe/i.test(model.producer);
  if (channels === 1) {
    text.colour = 'grey';
    reasons.push(['colour', 'known', 'the input has one channel']);
  } else if (format) {
    text.colour = /^bgr/i.test(format) ? 'BGR' : 'RGB';
    reasons.push(['colour', 'known', `the metadata say Image.BitmapPixelFormat = ${format}`]);
  } else if (caffe || detector) {
    text.colour = 'BGR';
    reasons.push([
      'colour',
      'likely',
      caffe ? `the file was made by ${model.producer}, and Caffe's models take BGR` : 'YOLOX detectors take BGR',
    ]);
  } else {
    text.colour = 'RGB';
    reasons.push(['colour', 'assumed', 'a graph does not tell RGB from BGR']);
  }

  const stated = statedRange(model.metadata.get('Image.NominalPixelRange'));
  const inside = start.normalisation;
  if (stated) {
    text.range = stated;
    reasons.push(['range', 'known', 'the metadata say Image.NominalPixelRange']);
  } else if (input.type === 'uint8') {
    text.range = [0, 255];
    reasons.push(['range', 'known', 'the input takes bytes']);
  } else if (inside) {
    text.range = inside.bytes ? [0, 255] : [0, 1];
    reasons.push(['range', 'likely', `${inside.reason}, which fits values from 0 to ${text.range[1]}`]);
  } else if (detector) {
    text.range = [0, 255];
    reasons.push(['range', 'likely', 'YOLOX detectors take 0 to 255']);
  } else if (caffe && channels === 3) {
    text.range = [0, 255];
    text.mean = caffeMean;
    reasons.push(
      ['range', 'likely', "Caffe's models take 0 to 255"],
      ['mean', 'likely', 'the mean colour that models from Caffe subtract'],
    );
  } else if (/cntk/i.test(model.producer)) {
    text.range = [0, 255];
    reasons.push(['range', 'assumed', 'the file was made by CNTK, whose examples take 0 to 255']);
  } else {
    text.range = [0, 1];
    reasons.push(['range', 'assumed', 'the graph does not normalise its input itself, and most models take 0 to 1']);
    if (channels === 3) {
      text.mean = imagenetMean;
      text.std = imagenetStd;
      reasons.push(
        ['mean', 'assumed', "ImageNet's, as torchvision's and most published models use"],
        ['std', 'assumed', 'with the mean'],
      );
    }
  }
  return { text, reasons };
}

function statedRange(text: string | undefined): [number, number] | undefined {
  if (text === 'NominalRange_0_255') return [0, 255];
  if (text === 'Normalized_0_1') return [0, 1];
  return text === 'Normalized_1_1' ? [-1, 1] : undefined;
}

interface Beginning {
  /** The first node that computes with the input. */
  readonly next?: Node;
  /** Order of axes that the graph brings the input into before that. */
  readonly permutation?: readonly number[];
  /** Channels of the first convolution. */
  readonly channels?: number;
  /** The graph's own normalisation, and whether it fits bytes (0–255) rather than 0–1. */
  readonly normalisation?: { readonly bytes: boolean; readonly reason: string };
}

/** Follows an input through nodes that only pass it on to the first one that computes. */
function beginning(model: OnnxModel, name: string): Beginning {
  let permutation: readonly number[] | undefined;
  let current = name;
  for (;;) {
    const users = model.graph.nodes.filter((node) => node.inputs.includes(current));
    // The shape of an input is often read beside its use.
    const [next, another] = users.filter((node) => node.op !== 'Shape');
    if (!next || another) return { permutation, next: another ? undefined : next };
    if (next.op === 'Transpose') permutation = intsAttribute(next, 'perm');
    else if (next.op !== 'Cast' && next.op !== 'Identity') {
      return {
        permutation,
        next,
        channels: convolutionChannels(model, next),
        normalisation: normalisation(model, next, current),
      };
    }
    current = next.outputs[0];
  }
}

function convolutionChannels(model: OnnxModel, node: Node): number | undefined {
  return node.op === 'Conv' ? model.graph.initializers.get(node.inputs[1])?.shape[1] : undefined;
}

function normalisation(model: OnnxModel, node: Node, value: string): Beginning['normalisation'] {
  const largest = (name: string | undefined) => {
    const numbers = name ? constantNumbers(model, name) : undefined;
    return numbers?.length ? maxOf(numbers.map(Math.abs)) : undefined;
  };
  const other = largest(node.inputs.find((input) => input !== value));
  if (node.op === 'BatchNormalization' || node.op === 'InstanceNormalization' || node.op === 'LayerNormalization') {
    const mean = node.op === 'BatchNormalization' ? largest(node.inputs[3]) : undefined;
    return mean === undefined
      ? undefined
      : { bytes: mean > 2, reason: `the graph begins with a batch normalisation of mean up to ${round(mean)}` };
  }
  if (other === undefined) return undefined;
  const constant = `${node.op} by ${round(other)}`;
  if (node.op === 'Div') return { bytes: other > 2, reason: `the graph begins with ${constant}` };
  if (node.op === 'Mul') return { bytes: other < 0.1, reason: `the graph begins with ${constant}` };
  if (node.op === 'Sub' || node.op === 'Add') return { bytes: other > 2, reason: `the graph begins with ${constant}` };
  return undefined;
}

function round(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** The numbers of a small constant: an initializer held in memory or a Constant node. */
function constantNumbers(model: OnnxModel, name: string): number[] | undefined {
  const found = constantTensor(model, name);
  return found && found.type !== 'string' ? toNumbers(found) : undefined;
}

function constantTensor(model: OnnxModel, name: string): Tensor | undefined {
  const initializer: Initializer | undefined = model.graph.initializers.get(name);
  if (initializer)
    return initializer.location.kind !== 'file' && sizeOf(initializer.shape) <= 4096
      ? readInitializer(initializer)
      : undefined;
  const node = model.graph.nodes.find((candidate) => candidate.op === 'Constant' && candidate.outputs[0] === name);
  const value = node?.attributes.value;
  return value?.kind === 'tensor' ? value.value : undefined;
}
