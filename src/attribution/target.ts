import { WhereforeError } from '../errors.ts';
import type { Facts } from '../autodiff/facts.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { type Graph, intAttribute, type Node } from '../onnx/graph.ts';
import { formatShape, int64, sizeOf, type Tensor } from '../tensor/tensor.ts';

interface OfOutput {
  /** Name of the model output; default: the first one of a float type. */
  readonly output?: string;
}

/** What is explained: one number per input, computed from the outputs. Indices leave the batch axis out. */
export type Target =
  /** The score of a class before softmax or sigmoid. */
  | ({ readonly kind: 'classLogit'; readonly class: number } & OfOutput)
  /** The probability of a class: the output itself if the model ends in softmax or sigmoid, else the softmax of it. */
  | ({ readonly kind: 'classProbability'; readonly class: number } & OfOutput)
  /** The logarithm of `classProbability`. */
  | ({ readonly kind: 'classLogProbability'; readonly class: number } & OfOutput)
  /** `logit a − logit b`: why a rather than b. */
  | ({ readonly kind: 'logitDifference'; readonly a: number; readonly b: number } & OfOutput)
  /** `log p(token id | what precedes)` at a position of a language model's output [batch, position, vocabulary]. */
  | ({ readonly kind: 'tokenLogProbability'; readonly position: number; readonly id: number } & OfOutput)
  /** Objectness × class score of one row of a detector's raw grid [batch, anchor, 4 + 1 + classes]. */
  | ({ readonly kind: 'detectionScore'; readonly anchor: number; readonly class: number } & OfOutput)
  /** One raw box coordinate of a row of a detector's grid: 0 to 3, as the model gives them. */
  | ({ readonly kind: 'boxCoordinate'; readonly anchor: number; readonly coordinate: number } & OfOutput)
  /** One element of an output. */
  | ({ readonly kind: 'output'; readonly index: readonly number[] } & OfOutput);

export type TargetKind = Target['kind'];

/** A target in the graph. Its indices are graph inputs, so that one session serves every class, token and anchor. */
export interface CompiledTarget {
  /** The graph with the target as its only output. */
  readonly graph: Graph;
  /** Name of the value that holds the target, shape [batch]. */
  readonly value: string;
  /** What the index inputs are fed with. */
  readonly feeds: ReadonlyMap<string, Tensor>;
  readonly notes: readonly string[];
}

/** A model output that the target reads: its name and its shape without the batch axis. */
interface Source {
  readonly builder: GraphBuilder;
  readonly graph: Graph;
  readonly output: string;
  readonly shape: readonly number[];
  readonly notes: string[];
  readonly feeds: Map<string, Tensor>;
}

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
    case 'logitDifference':
      return `logit of class ${name(target.a)} minus logit of class ${name(target.b)}${of}`;
    case 'tokenLogProbability':
      return `log-probability of token ${target.id} at position ${target.position}${of}`;
    case 'detectionScore':
      return `score of class ${name(target.class)} at anchor ${target.anchor}${of}`;
    case 'boxCoordinate':
      return `box coordinate ${target.coordinate} at anchor ${target.anchor}${of}`;
    case 'output':
      return `${target.output ?? 'output'}[${target.index.join(',')}]`;
  }
}

type Compile<K extends TargetKind> = (source: Source, target: Extract<Target, { kind: K }>) => string;

const compilers: { readonly [K in TargetKind]: Compile<K> } = {
  classLogit: (source, target) => pick(scores(source), target.class, 'class'),
  classProbability: (source, target) => pick(probabilities(source), target.class, 'class'),
  classLogProbability: (source, target) => pick(logProbabilities(source), target.class, 'class'),
  logitDifference: (source, target) => {
    const logits = scores(source);
    return source.builder.op('Sub', [pick(logits, target.a, 'class'), pick(logits, target.b, 'class')]);
  },
  tokenLogProbability: (source, target) => {
    const [positions, vocabulary] = expectRank(source, 2, '[batch, position, vocabulary]');
    const position = target.position < 0 ? target.position + positions : target.position;
    checkIndex(source, position, positions, 'position');
    checkIndex(source, target.id, vocabulary, 'token');
    const row = source.builder.op('Gather', [source.output, indexInput(source, position)], { axis: 1 });
    const logProbability = source.builder.op('LogSoftmax', [row], { axis: -1 });
    return flatElement(source, logProbability, target.id);
  },
  detectionScore: (source, target) => {
    const [anchors, columns] = expectRank(source, 2, '[batch, anchor, 4 + 1 + classes]');
    checkIndex(source, target.anchor, anchors, 'anchor');
    checkIndex(source, target.class, columns - 5, 'class');
    const row = target.anchor * columns;
    const objectness = flatElement(source, source.output, row + 4);
    return source.builder.op('Mul', [objectness, flatElement(source, source.output, row + 5 + target.class)]);
  },
  boxCoordinate: (source, target) => {
    const [anchors, columns] = expectRank(source, 2, '[batch, anchor, 4 + 1 + classes]');
    checkIndex(source, target.anchor, anchors, 'anchor');
    checkIndex(source, target.coordinate, 4, 'coordinate');
    return flatElement(source, source.output, target.anchor * columns + target.coordinate);
  },
  output: (source, target) => {
    if (target.index.length !== source.shape.length) {
      throw new WhereforeError('out-of-range', `the index of output "${source.output}" has the wrong number of axes`, {
        got: `[${target.index.join(',')}]`,
        expected: `${source.shape.length} indices for ${formatShape(source.shape)} (the batch axis is left out)`,
      });
    }
    let flat = 0;
    target.index.forEach((position, axis) => {
      checkIndex(source, position, source.shape[axis], `axis ${axis}`);
      flat = flat * source.shape[axis] + position;
    });
    return flatElement(source, source.output, flat);
  },
};

/**
 * Appends the nodes that compute a target, shape [batch], to a graph.
 * @throws WhereforeError `unknown-name` for an output that does not exist, `out-of-range` for an index beyond its shape
 */
export function compileTarget(graph: Graph, facts: Facts, target: Target): CompiledTarget {
  const output = targetOutput(graph, facts, target);
  const shape = facts.shapes.get(output) ?? [];
  const builder = new GraphBuilder({ ...graph, outputs: [] }, { prefix: 'target/' });
  const source: Source = { builder, graph, output, shape: shape.slice(1), notes: [], feeds: new Map() };
  const value = (compilers[target.kind] as Compile<TargetKind>)(source, target as never);
  builder.output(value, facts.types.get(output), [undefined]);
  return { graph: builder.build(), value, feeds: source.feeds, notes: source.notes };
}

/** Targets with the same key share a graph: they differ only in what the index inputs are fed with. */
export function targetKey(target: Target): string {
  return `${target.kind}:${target.output ?? ''}`;
}

/** The output that a target reads: the one it names, else the first float output. */
export function targetOutput(graph: Graph, facts: Facts, target: OfOutput): string {
  const names = graph.outputs.map((output) => output.name);
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

interface Scores {
  readonly source: Source;
  readonly value: string;
  readonly classes: number;
}

/** A graph input that holds one index. */
function indexInput(source: Source, index: number): string {
  const name = source.builder.input(source.builder.fresh('index'), 'int64', [1]);
  source.feeds.set(name, int64([1], [index]));
  return name;
}

/** Element `flat` of each row of a value, shape [batch]. */
function flatElement(source: Source, value: string, flat: number): string {
  const { builder } = source;
  const rows = builder.op('Flatten', [value], { axis: 1 });
  const column = builder.op('Gather', [rows, indexInput(source, flat)], { axis: 1 });
  return builder.op('Reshape', [column, builder.ints([-1])]);
}

function pick({ source, value, classes }: Scores, index: number, what: string): string {
  checkIndex(source, index, classes, what);
  return flatElement(source, value, index);
}

/** Nodes that only rename or regroup elements, so that element i of a row stays element i. */
const regrouping: ReadonlySet<string> = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity']);

/** The last node before an output that computes something, seen through reshapes. */
export function finalNode(graph: Graph, output: string): Node | undefined {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  let node = producers.get(output);
  while (node && regrouping.has(node.op)) node = producers.get(node.inputs[0]);
  return node;
}

function classCount(source: Source): number {
  return sizeOf(source.shape);
}

function scores(source: Source): Scores {
  const last = finalNode(source.graph, source.output);
  if (last && (last.op === 'Softmax' || last.op === 'LogSoftmax' || last.op === 'Sigmoid')) {
    source.notes.push(`the model ends in ${last.op}; the logit is the value before it, "${last.inputs[0]}"`);
    return { source, value: last.inputs[0], classes: classCount(source) };
  }
  return { source, value: source.output, classes: classCount(source) };
}

function probabilities(source: Source): Scores {
  const last = finalNode(source.graph, source.output);
  if (last?.op === 'Softmax' || last?.op === 'Sigmoid') return { source, value: source.output, classes: classCount(source) };
  if (last?.op === 'LogSoftmax') {
    return { source, value: source.builder.op('Exp', [source.output]), classes: classCount(source) };
  }
  source.notes.push('the model gives scores; the probability is their softmax');
  return { source, value: source.builder.op('Softmax', [source.output], { axis: classAxis(source) }), classes: classCount(source) };
}

function logProbabilities(source: Source): Scores {
  const last = finalNode(source.graph, source.output);
  const classes = classCount(source);
  if (last?.op === 'LogSoftmax') return { source, value: source.output, classes };
  if (last?.op === 'Softmax') {
    // Numerically better than the logarithm of the output.
    const axis = intAttribute(last, 'axis', -1);
    return { source, value: source.builder.op('LogSoftmax', [last.inputs[0]], { axis }), classes };
  }
  if (last?.op === 'Sigmoid') return { source, value: source.builder.op('Log', [source.output]), classes };
  source.notes.push('the model gives scores; the probability is their softmax');
  return { source, value: source.builder.op('LogSoftmax', [source.output], { axis: classAxis(source) }), classes };
}

function classAxis(source: Source): number {
  const axes = source.shape.flatMap((size, axis) => (size > 1 ? [axis + 1] : []));
  if (axes.length > 1) {
    throw new WhereforeError('invalid-argument', `output "${source.output}" has no single class axis`, {
      got: formatShape(source.shape),
      fix: "use an { kind: 'output', index } target, or classLogit with a flat index",
    });
  }
  return axes[0] ?? 1;
}

function expectRank(source: Source, rank: number, form: string): readonly number[] {
  if (source.shape.length !== rank) {
    throw new WhereforeError('wrong-shape', `output "${source.output}" does not fit the target`, {
      got: `${formatShape(source.shape)} for each input`,
      expected: form,
    });
  }
  return source.shape;
}

function checkIndex(source: Source, index: number, size: number, what: string): void {
  if (!Number.isInteger(index) || index < 0 || index >= size) {
    throw new WhereforeError('out-of-range', `${what} ${index} of output "${source.output}"`, {
      got: String(index),
      expected: `0 to ${size - 1}`,
    });
  }
}
