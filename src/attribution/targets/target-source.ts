import type { Facts } from '../../autodiff/facts.ts';
import { WhereforeError } from '../../errors.ts';
import type { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph } from '../../onnx/graph.ts';
import { formatShape, int64, type Tensor } from '../../tensor/tensor.ts';

/** A model output that a target reads, and the graph that computes the target of it. */
export interface Source {
  readonly builder: GraphBuilder;
  readonly graph: Graph;
  readonly facts: Facts;
  /** Name of the model's output. */
  readonly output: string;
  /** The output with a batch axis: itself, or a value of one row, see {@link withBatch}. */
  readonly scores: string;
  /** Shape of the output without the batch axis. */
  readonly shape: readonly number[];
  /** What was chosen or made up, to be told. */
  readonly notes: string[];
  /** What the index inputs are fed with. */
  readonly feeds: Map<string, Tensor>;
  /** Whether the target is to read the output itself rather than compute a part of it by a shorter way. */
  readonly whole: boolean;
}

/** A graph input that holds one index. */
export function indexInput(source: Source, index: number): string {
  return tensorInput(source, 'index', int64([1], [index]));
}

/** A graph input that holds a tensor. */
export function tensorInput(source: Source, hint: string, tensor: Tensor): string {
  const name = source.builder.input(source.builder.fresh(hint), tensor.type, tensor.shape);
  source.feeds.set(name, tensor);
  return name;
}

/**
 * A value of the model with a batch axis in front. Facts are those of one input: a value whose first axis is not 1, or
 * that has none, was squeezed to that input's own numbers and becomes one row.
 */
export function withBatch(
  { builder, facts }: Pick<Source, 'builder' | 'facts'>,
  value: string,
): { readonly rows: string; readonly shape: readonly number[] } {
  const shape = facts.shapes.get(value) ?? [];
  if (hasBatchAxis(shape)) return { rows: value, shape: shape.slice(1) };
  return { rows: builder.op('Unsqueeze', [value, builder.ints([0])]), shape };
}

/** Whether the first axis of a shape, as it is for one input, is that of the batch. */
export function hasBatchAxis(shape: readonly number[]): boolean {
  return shape[0] === 1;
}

/** Element `flat` of each row of a value, shape [batch]. */
export function flatElement(source: Source, value: string, flat: number): string {
  const { builder } = source;
  const rows = builder.op('Flatten', [value], { axis: 1 });
  const column = builder.op('Gather', [rows, indexInput(source, flat)], { axis: 1 });
  return builder.op('Reshape', [column, builder.ints([-1])]);
}

/**
 * The shape of the output, which has to have so many axes.
 * @throws WhereforeError `wrong-shape`
 */
export function expectRank(source: Source, rank: number, form: string): readonly number[] {
  if (source.shape.length !== rank) {
    throw new WhereforeError('wrong-shape', `output "${source.output}" does not fit the target`, {
      got: `${formatShape(source.shape)} for each input`,
      expected: form,
      fix: 'choose a target that the output has: wherefore inspect shows the outputs',
    });
  }
  return source.shape;
}

/** @throws WhereforeError `out-of-range` for an index that is none of 0 … size − 1 */
export function checkIndex(source: Source, index: number, size: number, what: string): void {
  if (!Number.isInteger(index) || index < 0 || index >= size) {
    throw new WhereforeError('out-of-range', `${what} ${index} of output "${source.output}"`, {
      got: String(index),
      expected: `0 to ${size - 1}`,
    });
  }
}
