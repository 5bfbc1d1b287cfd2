import { WhereforeError } from '../errors.ts';
import type { GraphBuilder } from '../onnx/builder.ts';
import { describeNode, type Node, operatorKey, type PlainAttributes } from '../onnx/graph.ts';
import { codeOfDataType } from '../onnx/types.ts';
import { toNumbers } from '../tensor/convert.ts';
import { type DataType, sameShape, type Tensor, tensor } from '../tensor/tensor.ts';
import type { Facts } from './facts.ts';

/** Something that the reader of a gradient must know: it is not the plain derivative of what the model computes. */
export interface GradientNote {
  readonly code: 'straight-through' | 'zero-gradient' | 'override' | 'decision' | 'whole-numbers' | 'random';
  readonly node: string;
  readonly operator: string;
  readonly text: string;
}

/**
 * A vector-Jacobian product: from the gradient of each output (undefined where nothing flows back) to the gradient of
 * each input (undefined for zero). It appends nodes through the context and returns names of values.
 * A gradient has the shape and the element type of the value that it belongs to (float32 for quantised integers).
 */
export type VjpRule = (
  context: RuleContext,
  gradients: readonly (string | undefined)[],
) => readonly (string | undefined)[];

export type OpOptions = { domain?: string; outputs?: number | readonly string[]; name?: string };

/**
 * What a rule sees of the node that it differentiates, and the operations that it may append.
 * The arithmetic helpers emit one ONNX node each; shapes are known, so that constants can be baked in.
 */
export class RuleContext {
  /** The node, with the outputs that {@link requestOutput} added. */
  node: Node;
  readonly facts: Facts;
  readonly builder: GraphBuilder;
  readonly #needed: ReadonlySet<string>;
  readonly #notes: GradientNote[];
  readonly #replace: (node: Node) => void;

  constructor(
    node: Node,
    facts: Facts,
    builder: GraphBuilder,
    needed: ReadonlySet<string>,
    notes: GradientNote[],
    replace: (node: Node) => void,
  ) {
    this.node = node;
    this.facts = facts;
    this.builder = builder;
    this.#needed = needed;
    this.#notes = notes;
    this.#replace = replace;
  }

  /**
   * The context of another node of the graph, of which the gradients of the same inputs are asked for: a second copy of
   * this node, this node with other weights, or one that stands for it.
   *
   * @param isNeeded whether the gradient of an input of `node` is asked for; default: as of this node's at that position
   */
  withNode(node: Node, isNeeded: (index: number) => boolean = (index) => this.needs(index)): RuleContext {
    const needed = new Set(node.inputs.filter((name, index) => name && isNeeded(index)));
    return new RuleContext(node, this.facts, this.builder, needed, this.#notes, () => undefined);
  }

  /** Tells the shape and the element type of a value that a rule made, where another rule will ask for them. */
  declare(name: string, shape: readonly number[], type: DataType = 'float32'): string {
    (this.facts.shapes as Map<string, readonly number[]>).set(name, shape);
    (this.facts.types as Map<string, DataType>).set(name, type);
    return name;
  }

  /** {@link declare} with the shape and the element type of the value `like`. */
  declareLike(name: string, like: string): string {
    return this.declare(name, this.shape(like), this.type(like));
  }

  /** Whether the gradient of input `index` is asked for. */
  needs(index: number): boolean {
    return this.#needed.has(this.node.inputs[index] ?? '');
  }

  /** Name of input `index`; '' where it is left out. */
  input(index: number): string {
    return this.node.inputs[index] ?? '';
  }

  hasInput(index: number): boolean {
    return Boolean(this.node.inputs[index]);
  }

  output(index = 0): string {
    return this.node.outputs[index] ?? '';
  }

  /** Shape of a value of the graph that is being differentiated. */
  shape(name: string): readonly number[] {
    const shape = this.facts.shapes.get(name);
    if (!shape) {
      throw new WhereforeError('internal', `the shape of "${name}" is not known`, { where: describeNode(this.node) });
    }
    return shape;
  }

  inputShape(index: number): readonly number[] {
    return this.shape(this.input(index));
  }

  outputShape(index = 0): readonly number[] {
    return this.shape(this.output(index));
  }

  type(name: string): DataType {
    const type = this.facts.types.get(name);
    if (!type)
      throw new WhereforeError('internal', `the type of "${name}" is not known`, { where: describeNode(this.node) });
    return type;
  }

  /** Element type of a value's gradient: the value's own, float32 for quantised integers. */
  gradientType(name: string): DataType {
    const type = this.type(name);
    return type === 'float64' || type === 'float16' || type === 'bfloat16' ? type : 'float32';
  }

  /** Elements of a value that does not depend on the graph's inputs, where they are known. */
  constant(name: string): Tensor | undefined {
    return name ? this.facts.constants.get(name) : undefined;
  }

  /**
   * Elements of input `index` as numbers, or undefined where the input is left out.
   * @throws WhereforeError `not-differentiable` when it is computed from the data, so that no constant is known
   */
  numbers(index: number, what: string): number[] | undefined {
    const name = this.input(index);
    if (!name) return undefined;
    const elements = this.constant(name);
    if (!elements) {
      throw this.refuse(
        `its ${what} ("${name}") is computed from the data`,
        'export the model with a constant there, or explain a layer behind this node',
      );
    }
    return toNumbers(elements);
  }

  /** The error of a node that cannot be differentiated: `why` it cannot, and what to do instead. */
  refuse(why: string, fix: string): WhereforeError {
    return new WhereforeError('not-differentiable', `no gradient: ${why}`, { where: describeNode(this.node), fix });
  }

  /** Records what the reader of the gradient must know about this node. */
  note(code: GradientNote['code'], text: string): void {
    this.#notes.push({ code, node: this.node.name || this.output(), operator: operatorKey(this.node), text });
  }

  /** Name of output `index`, which the forward node is made to compute where it was left out. */
  requestOutput(index: number, shape: readonly number[], type: DataType): string {
    const existing = this.output(index);
    if (existing) return existing;
    const outputs = Array.from({ length: Math.max(index + 1, this.node.outputs.length) }, (_, i) => this.output(i));
    outputs[index] = this.builder.fresh(`${this.output() || this.node.name}/output${index}`);
    this.node = this.builder.setOutputs(this.node, outputs);
    this.#replace(this.node);
    return this.declare(outputs[index], shape, type);
  }

  /** Appends a node and returns its first output. */
  op(op: string, inputs: readonly string[], attributes?: PlainAttributes, options?: OpOptions): string {
    return this.builder.op(op, inputs, attributes, options);
  }

  /** Appends a node of several outputs. */
  ops(
    op: string,
    inputs: readonly string[],
    attributes: PlainAttributes,
    outputs: number | readonly string[],
  ): string[] {
    return this.builder.ops(op, inputs, attributes, { outputs });
  }

  ints(values: readonly number[]): string {
    return this.builder.ints(values);
  }

  /** A 0-d constant of the type of `like` (float32 where none is named). */
  scalar(value: number, like?: string): string {
    return this.builder.scalar(value, like ? this.type(like) : 'float32');
  }

  constantTensor(elements: Tensor): string {
    return this.builder.constant(elements);
  }

  add(a: string, b: string): string {
    return this.op('Add', [a, b]);
  }

  sub(a: string, b: string): string {
    return this.op('Sub', [a, b]);
  }

  mul(a: string, b: string): string {
    return this.op('Mul', [a, b]);
  }

  div(a: string, b: string): string {
    return this.op('Div', [a, b]);
  }

  neg(a: string): string {
    return this.op('Neg', [a]);
  }

  /** `a · factor`, nothing emitted for a factor of 1. `like` names a value of the graph with the same element type. */
  scale(a: string, factor: number, like?: string): string {
    return factor === 1 ? a : this.mul(a, this.scalar(factor, like));
  }

  /** Zeros of a shape, in the element type of the value `like`. */
  zeros(shape: readonly number[], like?: string): string {
    const type = like ? this.type(like) : 'float32';
    return this.op('ConstantOfShape', [this.ints(shape)], { value: tensor(type, [1]) });
  }

  reshape(a: string, shape: readonly number[]): string {
    // Without allowzero, a size of 0 would mean "as in the input".
    return this.op('Reshape', [a, this.ints(shape)], shape.includes(0) ? { allowzero: 1 } : undefined);
  }

  /** `a` of shape `from` under the shape `to`; nothing emitted where they are equal. */
  reshapeTo(a: string, from: readonly number[], to: readonly number[]): string {
    return sameShape(from, to) ? a : this.reshape(a, to);
  }

  transpose(a: string, permutation: readonly number[]): string {
    return permutation.every((axis, i) => axis === i) ? a : this.op('Transpose', [a], { perm: permutation });
  }

  expand(a: string, shape: readonly number[]): string {
    return this.op('Expand', [a, this.ints(shape)]);
  }

  reduceSum(a: string, axes: readonly number[], keepdims: boolean): string {
    return axes.length ? this.op('ReduceSum', [a, this.ints(axes)], { keepdims: keepdims ? 1 : 0 }) : a;
  }

  reduceMean(a: string, axes: readonly number[], keepdims: boolean): string {
    return axes.length ? this.op('ReduceMean', [a, this.ints(axes)], { keepdims: keepdims ? 1 : 0 }) : a;
  }

  /** 1 where the condition holds, 0 elsewhere, in the element type of `like`. */
  indicator(condition: string, like: string): string {
    return this.op('Cast', [condition], { to: codeOfDataType[this.type(like)] });
  }

  /**
   * Undoes broadcasting: sums a gradient of shape `from` over the axes along which a value of shape `to` was repeated.
   */
  unbroadcast(gradient: string, from: readonly number[], to: readonly number[]): string {
    if (sameShape(from, to)) return gradient;
    const lead = from.length - to.length;
    const axes = from.flatMap((size, i) => (i < lead || (to[i - lead] === 1 && size !== 1) ? [i] : []));
    const summed = this.reduceSum(gradient, axes, true);
    const kept = from.map((size, i) => (axes.includes(i) ? 1 : size));
    return this.reshapeTo(summed, kept, to);
  }
}
