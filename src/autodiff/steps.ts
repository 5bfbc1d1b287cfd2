import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph, Node, PlainAttributes } from '../onnx/graph.ts';
import type { DataType } from '../tensor/tensor.ts';
import type { Facts } from './facts.ts';

/** Appends operators whose shapes are written down as they are made. */
export class Steps {
  readonly builder: GraphBuilder;
  readonly shapes: Map<string, readonly number[]>;
  readonly types: Map<string, DataType>;
  readonly type: DataType;

  constructor(builder: GraphBuilder, facts: Pick<Steps, 'shapes' | 'types'>, type: DataType) {
    this.builder = builder;
    this.shapes = facts.shapes;
    this.types = facts.types;
    this.type = type;
  }

  declare(name: string, shape: readonly number[], type: DataType = this.type): string {
    this.shapes.set(name, shape);
    this.types.set(name, type);
    return name;
  }

  /** A node; the result has the shape given, by default that of the first input. */
  op(op: string, inputs: readonly string[], shape?: readonly number[], attributes: PlainAttributes = {}): string {
    return this.declare(this.builder.op(op, inputs, attributes), shape ?? this.shapeOf(inputs[0]));
  }

  shapeOf(name: string): readonly number[] {
    return this.shapes.get(name) ?? [];
  }

  ints(values: readonly number[]): string {
    return this.declare(this.builder.ints(values), [values.length], 'int64');
  }

  number(value: number): string {
    return this.declare(this.builder.scalar(value, this.type), []);
  }

  reshape(a: string, shape: readonly number[]): string {
    return this.op('Reshape', [a, this.ints(shape)], shape);
  }

  /** Equal pieces along an axis. */
  split(a: string, axis: number, count: number): string[] {
    if (count === 1) return [a];
    const shape = this.shapeOf(a).map((size, i) => (i === axis ? size / count : size));
    const sizes = this.ints(new Array<number>(count).fill(shape[axis]));
    return this.builder.ops('Split', [a, sizes], { axis }, { outputs: count }).map((name) => this.declare(name, shape));
  }

  concat(parts: readonly string[], axis: number): string {
    if (parts.length === 1) return parts[0];
    const shape = this.shapeOf(parts[0]).map((size, i) =>
      i === axis ? parts.reduce((sum, part) => sum + this.shapeOf(part)[axis], 0) : size,
    );
    return this.op('Concat', parts, shape, { axis });
  }

  /** `a Bᵀ` for a of [1 or time, batch, n] and B of [m, n]. */
  product(a: string, b: string): string {
    const [m, n] = this.shapeOf(b);
    const [time, batch] = this.shapeOf(a);
    const turned = this.op('Transpose', [b], [n, m], { perm: [1, 0] });
    return this.op('MatMul', [a, turned], [time, batch, m]);
  }
}

/** Facts that grow with what a replacement appends. */
export type GrowingFacts = Facts & Pick<Steps, 'shapes' | 'types'>;

/**
 * Replaces nodes by others whose shapes are known as they are made, for rules that have none for the nodes themselves.
 * @param concerns which nodes may be replaced; without one the graph stays as it is
 * @param replace appends what stands for a node, under the names of its outputs, and says whether it did
 */
export function replaceNodes(
  graph: Graph,
  known: Facts,
  concerns: (node: Node) => boolean,
  replace: (node: Node, builder: GraphBuilder, facts: GrowingFacts) => boolean,
  prefix: string,
): { graph: Graph; facts: Facts } {
  if (!graph.nodes.some(concerns)) return { graph, facts: known };
  const facts = { ...known, shapes: new Map(known.shapes), types: new Map(known.types) };
  const builder = new GraphBuilder({ ...graph, nodes: [] }, { prefix });
  for (const node of graph.nodes) if (!concerns(node) || !replace(node, builder, facts)) builder.append(node);
  const replaced = builder.build();
  const constants = new Map(known.constants);
  for (const { name, location } of replaced.initializers.values()) {
    if (location.kind === 'memory') constants.set(name, location.tensor);
  }
  return { graph: replaced, facts: { ...facts, constants } };
}
