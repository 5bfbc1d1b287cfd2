import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Dimension, OnnxModel } from '../onnx/graph.ts';
import { type Random, random } from '../tensor/random.ts';
import { type DataType, float32, formatShape, sizeOf } from '../tensor/tensor.ts';
import type { Fans, Initialization } from './initialization.ts';
import { trainableKey } from './parameters.ts';

/** A value of a network under construction: its name in the graph and its shape; the first axis is the batch. */
export interface Value {
  readonly name: string;
  readonly shape: readonly Dimension[];
}

export interface NetworkOptions {
  /** Name of the graph. Default `network`. */
  readonly name?: string;
  /** Determines every initial weight. */
  readonly seed: number;
  /** Layers are added to this model, whose own weights stay as they are. Default: an empty one. */
  readonly onto?: OnnxModel;
  /** Goes before every name that a layer gives by itself, e.g. of a constant. Default none. */
  readonly prefix?: string;
}

/**
 * Builds a model layer by layer: a graph, its parameters drawn from a seed, and the record of which are trainable.
 *
 * Layers are functions that take a network and a value and return a value:
 * ```ts
 * const network = new Network({ seed: 1 });
 * const image = network.input('image', 'float32', ['N', 3, 32, 32]);
 * const stage = convolution(network, image, 'conv1', { channels: 16, kernel: 3, padding: 1 });
 * const mean = globalAveragePool(network, activation(network, stage, 'conv1.relu', 'relu'), 'mean');
 * const model = network.build([linear(network, mean, 'logits', { features: 10 })]);
 * ```
 */
export class Network {
  readonly builder: GraphBuilder;
  readonly random: Random;
  readonly #name: string;
  readonly #onto: OnnxModel | undefined;
  readonly #trainable: string[] = [];

  constructor(options: NetworkOptions) {
    this.#name = options.name ?? 'network';
    this.#onto = options.onto;
    this.builder = new GraphBuilder(options.onto && { ...options.onto.graph, outputs: [] }, { prefix: options.prefix });
    this.random = random(options.seed);
  }

  /** Declares an input; the first axis of `shape` is the batch, usually the symbol `N`. */
  input(name: string, type: DataType, shape: readonly Dimension[]): Value {
    return { name: this.builder.input(name, type, shape), shape };
  }

  /** Adds a trainable parameter and returns its name. Parameters are drawn in the order in which they are added. */
  parameter(
    name: string,
    shape: readonly number[],
    initialization: Initialization,
    fans: Fans = { in: 1, out: 1 },
  ): string {
    this.builder.initializer(name, float32(shape, initialization(sizeOf(shape), fans, this.random)));
    this.#trainable.push(name);
    return name;
  }

  /** Names of the trainable parameters so far. */
  get trainable(): readonly string[] {
    return this.#trainable;
  }

  /**
   * The model with these outputs.
   * @param metadata goes into the file beside the list of trainable parameters.
   */
  build(outputs: readonly Value[], metadata: Readonly<Record<string, string>> = {}): OnnxModel {
    for (const { name, shape } of outputs) this.builder.output(name, 'float32', shape);
    return {
      irVersion: this.#onto?.irVersion ?? 9,
      producer: 'wherefore',
      opsets: this.#onto?.opsets ?? new Map([['', 20]]),
      graph: { ...this.builder.build(), name: this.#name },
      functions: this.#onto?.functions ?? [],
      metadata: new Map([...Object.entries(metadata), [trainableKey, JSON.stringify(this.#trainable)]]),
    };
  }
}

/** The size of an axis that a layer must know. @throws WhereforeError `wrong-shape` when it is symbolic or absent. */
export function sizeAt(value: Value, axis: number, layer: string): number {
  const size = value.shape.at(axis);
  if (typeof size !== 'number') {
    throw new WhereforeError('wrong-shape', `layer "${layer}" must know axis ${axis} of "${value.name}"`, {
      got: formatShape(value.shape),
      fix: 'declare the input with a number there',
    });
  }
  return size;
}
