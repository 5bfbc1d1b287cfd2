import type { Facts } from '../../autodiff/facts.ts';
import { WhereforeError } from '../../errors.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph } from '../../onnx/graph.ts';
import { float32, formatShape, sameShape, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { classLogit, classLogOdds, classLogProbability, classProbability } from './class-scores.ts';
import { outputsOf, parseExpression } from './expression.ts';
import { type Region, regionCount, regionMask } from './region.ts';
import type { StatedScale } from './scale.ts';
import { isSingle } from './single-score.ts';
import { compileExpression } from './target-expression.ts';
import { checkTarget } from './target-schema.ts';
import {
  checkIndex,
  expectRank,
  flatElement,
  indexInput,
  type Source,
  tensorInput,
  withBatch,
} from './target-source.ts';

export interface OfOutput {
  /** Name of the model output; default: the first one of a float type. */
  readonly output?: string;
}

export interface OfClasses extends OfOutput {
  /**
   * The output is one number z that tells two classes apart: class 1 has the probability `sigmoid(z)` and the logit z,
   * class 0 has `1 − sigmoid(z)` and −z. `explain` sets it where labels, the task or the model say so. Default false.
   */
  readonly binary?: boolean;
  /** What the numbers are where the graph does not show it: probabilities, or scores with a sigmoid each. */
  readonly scale?: StatedScale;
}

/** What is explained: one number per input, computed from the outputs. Indices leave the batch axis out. */
export type Target =
  /** The score of a class before softmax or sigmoid. */
  | ({ readonly kind: 'classLogit'; readonly class: number } & OfClasses)
  /**
   * The probability of a class: the output itself if the model ends in softmax or sigmoid, else the softmax of it, or
   * the sigmoid where the output is one number.
   */
  | ({ readonly kind: 'classProbability'; readonly class: number } & OfClasses)
  /** The logarithm of `classProbability`. */
  | ({ readonly kind: 'classLogProbability'; readonly class: number } & OfClasses)
  /** The log-odds of a class, `log p / (1 − p)`, or against another class, `log p − log p_against`. */
  | ({ readonly kind: 'classLogOdds'; readonly class: number; readonly against?: number } & OfClasses)
  /** `logit a − logit b`: why a rather than b. */
  | ({ readonly kind: 'logitDifference'; readonly a: number; readonly b: number } & OfClasses)
  /** `log p(token id | what precedes)` at a position of a language model's output [batch, position, vocabulary]. */
  | ({ readonly kind: 'tokenLogProbability'; readonly position: number; readonly id: number } & OfOutput)
  /** Objectness × class score of one row of a detector's raw grid [batch, anchor, 4 + 1 + classes]. */
  | ({ readonly kind: 'detectionScore'; readonly anchor: number; readonly class: number } & OfOutput)
  /** One raw box coordinate of a row of a detector's grid: 0 to 3, as the model gives them. */
  | ({ readonly kind: 'boxCoordinate'; readonly anchor: number; readonly coordinate: number } & OfOutput)
  /** One element of an output: the value of a regression, an entry of anything. */
  | ({ readonly kind: 'output'; readonly index: readonly number[] } & OfOutput)
  /** Score of a class over a region of a segmentation [batch, class, row, column]: the mean of its positions, or their sum. */
  | ({
      readonly kind: 'region';
      readonly class: number;
      readonly region: Region;
      readonly reduce: 'mean' | 'sum';
    } & OfOutput)
  /** Cosine between an embedding and a given one, `⟨y, r⟩ / (‖y‖ ‖r‖)`: why does this input resemble that one? */
  | ({ readonly kind: 'similarity'; readonly to: readonly number[]; readonly description: string } & OfOutput)
  /** Any formula over the outputs, see {@link parseExpression}: `logits[3] - max(logits[5], logits[7])`. */
  | { readonly kind: 'expression'; readonly text: string; readonly output?: undefined };

export type TargetKind = Target['kind'];

/** A target of the classes of an output. */
export type ClassTarget = Extract<Target, OfClasses & { readonly kind: `class${string}` | 'logitDifference' }>;

export function isClassTarget(target: Target): target is ClassTarget {
  return target.kind.startsWith('class') || target.kind === 'logitDifference';
}

/** A target in the graph. Its indices are graph inputs, so that one session serves every class, token and anchor. */
export interface CompiledTarget {
  /** The graph with the target as its only output. */
  readonly graph: Graph;
  /** Name of the value that holds the target, shape [batch]. */
  readonly value: string;
  /** Name of the model output that the target reads. */
  readonly output: string;
  /** Shapes and types of the model's values at the input. */
  readonly facts: Facts;
  /** What the index inputs are fed with. */
  readonly feeds: ReadonlyMap<string, Tensor>;
  readonly notes: readonly string[];
}

/** What the coordinates of a box are in a detector's grid. */
const boxCoordinates: readonly string[] = [' (x of its centre)', ' (y of its centre)', ' (its width)', ' (its height)'];

/** Describes a target in words, as it is printed and recorded. */
export function describeTarget(target: Target, labels?: readonly string[]): string {
  const of = target.output ? ` of ${target.output}` : '';
  const name = (index: number) => (labels?.[index] ? `${index} "${labels[index]}"` : String(index));
  switch (target.kind) {
    case 'classLogit':
      return `logit of class ${name(target.class)}${of}`;
    case 'classProbability':
      return `probability of class ${name(target.class)}${of}`;
    case 'classLogProbability':
      return `log-probability of class ${name(target.class)}${of}`;
    case 'classLogOdds':
      return target.against === undefined
        ? `log-odds of class ${name(target.class)}${of}`
        : `log-odds of class ${name(target.class)} against class ${name(target.against)}${of}`;
    case 'logitDifference':
      return `logit of class ${name(target.a)} minus logit of class ${name(target.b)}${of}`;
    case 'tokenLogProbability':
      return `log-probability of token ${name(target.id)} at position ${target.position}${of}`;
    case 'detectionScore':
      return `score of class ${name(target.class)} at anchor ${target.anchor}${of}`;
    case 'boxCoordinate':
      return `raw box coordinate ${target.coordinate}${boxCoordinates[target.coordinate] ?? ''} at anchor ${target.anchor}${of}`;
    case 'output':
      return `${target.output ?? 'output'}[${target.index.join(',')}]`;
    case 'region':
      return `${target.reduce} score of class ${name(target.class)} over a region of ${regionCount(target.region)} places${of}`;
    case 'similarity':
      return `similarity${of} to ${of ? 'that of ' : ''}${target.description}`;
    case 'expression':
      return target.text;
  }
}

const units: { readonly [K in TargetKind]?: string } = {
  classLogit: 'logits',
  logitDifference: 'logits',
  classLogOdds: 'nats',
  classProbability: '0.01 is one point',
  classLogProbability: 'nats',
  tokenLogProbability: 'nats',
};

/** What a target's value is counted in; undefined where only the model says. */
export function unitOf({ kind }: Target): string | undefined {
  return units[kind];
}

type Compile<K extends TargetKind> = (source: Source, target: Extract<Target, { kind: K }>) => string;

const compilers: { readonly [K in TargetKind]: Compile<K> } = {
  classLogit,
  classProbability,
  classLogProbability,
  classLogOdds,
  logitDifference: (source, { a, b, binary, scale }) => {
    // Of one number the logits are z and −z, and what tells the classes apart is z, not 2 z.
    if (isSingle(source) && a !== b) return classLogOdds(source, { class: a, against: b, scale });
    const [first, second] = [a, b].map((index) => classLogit(source, { class: index, binary, scale }));
    return source.builder.op('Sub', [first, second]);
  },
  tokenLogProbability: (source, target) => {
    const [positions, vocabulary] = expectRank(source, 2, '[batch, position, vocabulary]');
    const position = target.position < 0 ? target.position + positions : target.position;
    checkIndex(source, position, positions, 'position');
    checkIndex(source, target.id, vocabulary, 'token');
    const row = rowAt(source, position);
    const logProbability = source.builder.op('LogSoftmax', [row], { axis: -1 });
    return flatElement(source, logProbability, target.id);
  },
  detectionScore: (source, target) => {
    const [anchors, columns] = expectRank(source, 2, '[batch, anchor, 4 + 1 + classes]');
    checkIndex(source, target.anchor, anchors, 'anchor');
    checkIndex(source, target.class, columns - 5, 'class');
    const row = target.anchor * columns;
    const objectness = flatElement(source, source.scores, row + 4);
    return source.builder.op('Mul', [objectness, flatElement(source, source.scores, row + 5 + target.class)]);
  },
  boxCoordinate: (source, target) => {
    const [anchors, columns] = expectRank(source, 2, '[batch, anchor, 4 + 1 + classes]');
    checkIndex(source, target.anchor, anchors, 'anchor');
    checkIndex(source, target.coordinate, 4, 'coordinate');
    return flatElement(source, source.scores, target.anchor * columns + target.coordinate);
  },
  output: (source, target) => {
    if (target.index.length !== source.shape.length) {
      throw new WhereforeError('out-of-range', `the index of output "${source.output}" has the wrong number of axes`, {
        got: `[${target.index.join(',')}]`,
        expected: `${source.shape.length} indices for ${formatShape(source.shape)} (the batch axis is left out)`,
      });
    }
    let flat = 0;
    target.index.forEach((given, axis) => {
      const size = source.shape[axis];
      const position = given < 0 ? given + size : given;
      checkIndex(source, position, size, `on axis ${axis}, element`);
      flat = flat * size + position;
    });
    return flatElement(source, source.scores, flat);
  },
  region: (source, target) => {
    const [classes, ...size] = expectRank(source, 3, '[batch, class, row, column]');
    checkIndex(source, target.class, classes, 'class');
    if (!sameShape(size, target.region.size)) {
      throw new WhereforeError('wrong-shape', `the region does not fit output "${source.output}"`, {
        got: formatShape(target.region.size),
        expected: formatShape(size),
      });
    }
    const mask = regionMask(target.region);
    const share = target.reduce === 'mean' ? 1 / regionCount(target.region) : 1;
    const weights = tensorInput(
      source,
      'weights',
      float32(
        [1, ...size],
        mask.map((inside) => inside * share),
      ),
    );
    const scores = source.builder.op('Gather', [source.scores, indexInput(source, target.class)], { axis: 1 });
    const plane = source.builder.op('Squeeze', [scores, source.builder.ints([1])]);
    const weighted = source.builder.op('Mul', [plane, weights]);
    return source.builder.op('ReduceSum', [weighted, source.builder.ints([1, 2])], { keepdims: 0 });
  },
  similarity: (source, { to }) => {
    const { builder } = source;
    const size = sizeOf(source.shape);
    const norm = to.reduce((length, value) => Math.hypot(length, value), 0);
    if (to.length !== size || !(norm > 0)) {
      throw new WhereforeError('wrong-shape', `the other embedding does not fit output "${source.output}"`, {
        got: norm > 0 ? `${to.length} numbers` : 'zeros',
        expected: `${size} numbers, not all 0`,
      });
    }
    const unit = tensorInput(
      source,
      'direction',
      float32(
        [size, 1],
        Float32Array.from(to, (value) => value / norm),
      ),
    );
    const rows = builder.op('Flatten', [source.scores], { axis: 1 });
    const along = builder.op('MatMul', [rows, unit]);
    const length = builder.op('ReduceL2', [rows, builder.ints([1])], { keepdims: 1 });
    return builder.op('Reshape', [builder.op('Div', [along, length]), builder.ints([-1])]);
  },
  expression: ({ builder, graph, facts }, { text }) =>
    compileExpression(
      builder,
      graph.outputs.map(({ name }) => name),
      facts,
      text,
    ),
};

/**
 * Appends the nodes that compute a target, shape [batch], to a graph.
 * @param layer values that are attributed to: where the output is one of them, the target reads it
 * @throws WhereforeError `unknown-name` for an output that does not exist, `out-of-range` for an index beyond its shape
 */
export function compileTarget(
  graph: Graph,
  facts: Facts,
  target: Target,
  layer: readonly string[] = [],
): CompiledTarget {
  checkTarget(target);
  const output = targetOutput(graph, facts, target);
  const builder = new GraphBuilder({ ...graph, outputs: [] }, { prefix: 'target/' });
  const { rows, shape } = withBatch({ builder, facts }, output);
  const source: Source = {
    builder,
    graph,
    facts,
    output,
    scores: rows,
    shape,
    notes: [],
    feeds: new Map(),
    whole: layer.includes(output),
  };
  const value = (compilers[target.kind] as Compile<TargetKind>)(source, target as never);
  builder.output(value, facts.types.get(output), [undefined]);
  return { graph: builder.build(), value, output, facts, feeds: source.feeds, notes: source.notes };
}

/**
 * Targets with the same key share a graph: they differ only in what the index inputs are fed with.
 * @param layer as for {@link compileTarget}
 */
export function targetKey(target: Target, graph: Graph, layer: readonly string[] = []): string {
  const form =
    target.kind === 'expression'
      ? target.text
      : target.kind === 'region'
        ? target.region.size.join('×')
        : classForm(target);
  const read = graph.outputs.filter(({ name }) => layer.includes(name)).map(({ name }) => name);
  return `${target.kind}:${target.output ?? ''}:${form}:${read.join()}`;
}

/** What of classes is built into the graph: the side of an output of one number, whether there is a second class. */
function classForm(target: Target): string {
  if (!isClassTarget(target)) return '';
  const { binary, scale } = target;
  const side = target.kind === 'logitDifference' ? target.a === 0 : binary && target.class === 0;
  return [side, scale, target.kind === 'classLogOdds' && target.against !== undefined].join();
}

/** The output that a target reads: the one it names, else the first float output. */
export function targetOutput(graph: Graph, facts: Facts, target: OfOutput & { readonly text?: string }): string {
  const names = graph.outputs.map((output) => output.name);
  const read = target.text === undefined ? [] : outputsOf(parseExpression(target.text));
  if (read.length > 0 && names.includes(read[0])) return read[0];
  if (target.output !== undefined) {
    if (!names.includes(target.output)) {
      throw new WhereforeError('unknown-name', `the model has no output "${target.output}"`, {
        expected: names.map((name) => `"${name}"`).join(', '),
      });
    }
    return target.output;
  }
  const first = names.find((name) => facts.types.get(name)?.startsWith('float') && facts.shapes.has(name));
  if (!first) throw new WhereforeError('unsupported-model', 'the model has no output of floats to explain');
  return first;
}

/**
 * The scores at one position. Where the output is a product with a matrix of weights, only that position's features
 * are multiplied: the scores of all positions over a whole vocabulary are most of a small model's work.
 */
function rowAt(source: Source, position: number): string {
  const { builder, graph, facts, scores, whole } = source;
  const last = graph.nodes.find((node) => node.outputs.includes(scores));
  const [features, weights] = last?.inputs ?? [];
  const plain = !whole && last?.op === 'MatMul' && last.domain === '' && facts.shapes.get(weights)?.length === 2;
  const value = plain && facts.shapes.get(features)?.length === 3 ? features : scores;
  const row = builder.op('Gather', [value, indexInput(source, position)], { axis: 1 });
  return value === scores ? row : builder.op('MatMul', [row, weights]);
}
