import { isClassTarget, type Target } from '../attribution/targets/kinds/index.ts';
import { type Scale, type StatedScale, scaleOf } from '../attribution/targets/scale.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import type { Graph } from '../onnx/graph.ts';

/** How the numbers of an output are read as classes. */
export interface ClassReading {
  /** One number tells two classes apart, see `Target`. */
  readonly binary: boolean;
  readonly scale: Scale;
  /** What is said of the numbers beside the graph. */
  readonly stated: StatedScale | undefined;
}

interface Facts {
  /** Numbers that the output has for an input. */
  readonly count: number;
  readonly labels: readonly string[] | undefined;
}

/**
 * How an output tells classes apart, by what is said of it (the task, its kind, labels), else by the graph; undefined
 * where its numbers are values. One number is a value unless something says that it stands for one of two classes.
 */
export function classReading(
  graph: Graph,
  { task, outputs }: Preprocessing,
  output: string,
  { count, labels }: Facts,
): ClassReading | undefined {
  const { kind, activation } = outputs[output] ?? {};
  if (kind === 'value' || kind === 'embedding' || task === 'regression' || task === 'embedding') return undefined;
  const stated: StatedScale | undefined =
    kind === 'probabilities' ? 'probabilities' : activation === 'sigmoid' ? 'independent' : undefined;
  const scale = scaleOf(graph, output, stated);
  const reading = { binary: count === 1, scale, stated: stated === scale ? stated : undefined };
  if (count !== 1) return reading;
  const isTold = task === 'classification' || kind !== undefined || labels?.length === 2;
  return isTold || scale === 'sigmoid' || scale === 'probabilities' ? reading : undefined;
}

/** The probabilities of all classes; of one number those of class 0 and class 1. */
export function probabilitiesOf(numbers: readonly number[], { binary, scale }: ClassReading): readonly number[] {
  if (binary) {
    const isProbability = scale === 'sigmoid' || scale === 'probabilities';
    const p = isProbability ? numbers[0] : sigmoid(numbers[0]);
    return [1 - p, p];
  }
  if (scale === 'scores') return softmax(numbers);
  if (scale === 'log-softmax') return numbers.map(Math.exp);
  return scale === 'independent' ? numbers.map(sigmoid) : numbers;
}

/** What a target has to say of its output besides the class. */
export function statedReading({ binary, stated }: ClassReading): { binary?: boolean; scale?: StatedScale } {
  return { ...(binary && { binary }), ...(stated && { scale: stated }) };
}

/** A target of classes with what is known of its output; others as they are. */
export function completedTarget(target: Target, reading: ClassReading | undefined): Target {
  return reading && isClassTarget(target) ? { ...statedReading(reading), ...target } : target;
}

/** Whether the last axis of an output is the vocabulary. */
export function isLanguage({ task, outputs }: Preprocessing, output: string, shape: readonly number[]): boolean {
  return task === 'language' || (shape.length === 3 && outputs[output]?.axis === -1);
}

const sigmoid = (score: number) => 1 / (1 + Math.exp(-score));

export function softmax(scores: readonly number[]): number[] {
  const largest = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const weights = scores.map((score) => Math.exp(score - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
