import type { Facts } from '../../autodiff/facts.ts';
import { WhereforeError } from '../../errors.ts';
import type { GraphBuilder } from '../../onnx/builder.ts';
import { formatShape, sizeOf, stridesOf } from '../../tensor/tensor.ts';
import { type Expression, type Place, parseExpression, type Sign } from './expression.ts';
import { withBatch } from './target-source.ts';

/** A part of a formula: its elements in one row for each input, `[batch, size]`, and the shape they stand for. */
interface Part {
  readonly value: string;
  readonly shape: readonly number[];
}

const operators: { readonly [S in Sign]: string } = { '+': 'Add', '-': 'Sub', '*': 'Mul', '/': 'Div' };
const elementwise: Readonly<Record<string, string>> = {
  log: 'Log',
  exp: 'Exp',
  abs: 'Abs',
  sqrt: 'Sqrt',
  sigmoid: 'Sigmoid',
};
const reductions: Readonly<Record<string, string>> = {
  sum: 'ReduceSum',
  mean: 'ReduceMean',
  max: 'ReduceMax',
  min: 'ReduceMin',
};

/**
 * Appends the nodes of a formula over the outputs; the name of its value, shape [batch].
 * @throws WhereforeError `invalid-argument` for a formula that gives no single number, `unknown-name` for an output
 *   that does not exist, `wrong-type` for one without floats, `out-of-range`, `wrong-shape`
 */
export function compileExpression(
  builder: GraphBuilder,
  outputs: readonly string[],
  facts: Facts,
  text: string,
): string {
  const part = compile(parseExpression(text));
  if (sizeOf(part.shape) !== 1) {
    throw new WhereforeError('invalid-argument', 'the formula does not give one number', {
      where: text,
      got: `${formatShape(part.shape)} numbers for each input`,
      fix: 'name an element, or use sum(…), mean(…), max(…) or min(…)',
    });
  }
  return builder.op('Reshape', [part.value, builder.ints([-1])]);

  function compile(expression: Expression): Part {
    switch (expression.kind) {
      case 'number':
        return { value: builder.op('Identity', [constant(expression.value)]), shape: [] };
      case 'negative': {
        const { value, shape } = compile(expression.of);
        return { value: builder.op('Neg', [value]), shape };
      }
      case 'operation':
        return combine(operators[expression.sign], [compile(expression.left), compile(expression.right)]);
      case 'call': {
        const { name } = expression;
        const parts = expression.of.map(compile);
        if (parts.length > 1) return parts.reduce((a, b) => combine(name === 'max' ? 'Max' : 'Min', [a, b]));
        const [{ value, shape }] = parts;
        if (elementwise[name]) return { value: builder.op(elementwise[name], [value]), shape };
        if (name === 'softmax') return { value: builder.op('Softmax', [value], { axis: -1 }), shape };
        return { value: reduce(reductions[name], value), shape: [] };
      }
      case 'output':
        return element(expression.name, expression.places);
    }
  }

  function constant(value: number): string {
    return builder.constant({ type: 'float32', shape: [1, 1], data: Float32Array.of(value) });
  }

  function reduce(op: string, value: string): string {
    return builder.op(op, [value, builder.ints([1])], { keepdims: 1 });
  }

  function combine(op: string, [a, b]: readonly Part[]): Part {
    const [left, right] = [sizeOf(a.shape), sizeOf(b.shape)];
    if (left !== right && left !== 1 && right !== 1) {
      throw new WhereforeError('wrong-shape', 'two parts of the formula do not fit together', {
        where: text,
        got: `${formatShape(a.shape)} and ${formatShape(b.shape)}`,
        expected: 'equal shapes, or one number',
      });
    }
    return { value: builder.op(op, [a.value, b.value]), shape: left >= right ? a.shape : b.shape };
  }

  function element(name: string, places: readonly Place[]): Part {
    if (!outputs.includes(name)) {
      throw new WhereforeError('unknown-name', `the model has no output "${name}"`, {
        where: text,
        expected: outputs.map((output) => `"${output}"`).join(', '),
      });
    }
    const type = facts.types.get(name);
    if (type !== 'float32') {
      throw new WhereforeError('wrong-type', `output "${name}" cannot stand in a formula`, {
        got: type,
        expected: 'float32',
      });
    }
    const { rows: batched, shape: whole } = withBatch({ builder, facts }, name);
    const rows = builder.op('Flatten', [batched], { axis: 1 });
    const { shape, positions } = chosen(name, whole, places);
    if (places.length === 0) return { value: rows, shape };
    return { value: builder.op('Gather', [rows, builder.ints(positions)], { axis: 1 }), shape };
  }

  /** The elements that the places name, as positions in the flattened output. */
  function chosen(name: string, whole: readonly number[], places: readonly Place[]) {
    if (places.length > whole.length) {
      throw new WhereforeError('out-of-range', `too many places for output "${name}"`, {
        where: text,
        got: String(places.length),
        expected: `at most ${whole.length} for ${formatShape(whole)} (the batch axis is left out)`,
      });
    }
    const strides = stridesOf(whole);
    const shape: number[] = [];
    let positions = [0];
    for (const [axis, size] of whole.entries()) {
      const place = places[axis] ?? { kind: 'range' };
      const along = place.kind === 'index' ? [at(name, place.index, size, axis)] : span(name, place, size, axis);
      if (place.kind === 'range') shape.push(along.length);
      positions = positions.flatMap((base) => along.map((index) => base + index * strides[axis]));
    }
    return { shape, positions };
  }

  function at(name: string, index: number, size: number, axis: number): number {
    const position = index < 0 ? index + size : index;
    if (position >= 0 && position < size) return position;
    throw new WhereforeError('out-of-range', `place ${index} of output "${name}"`, {
      where: `${text}, axis ${axis}`,
      got: String(index),
      expected: `${-size} to ${size - 1}`,
    });
  }

  function span(
    name: string,
    { start = 0, end }: { start?: number; end?: number },
    size: number,
    axis: number,
  ): number[] {
    const [from, to] = [start < 0 ? start + size : start, end === undefined ? size : end < 0 ? end + size : end];
    if (from >= 0 && to <= size && from < to) return Array.from({ length: to - from }, (_, i) => from + i);
    throw new WhereforeError('out-of-range', `range ${start}:${end ?? ''} of output "${name}"`, {
      where: `${text}, axis ${axis}`,
      got: `${from} to ${to}`,
      expected: `a range with something in it, within 0:${size}`,
    });
  }
}
