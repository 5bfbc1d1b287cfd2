import type { Graph, Node, OnnxModel } from '../src/onnx/graph.ts';
import { readInitializer } from '../src/onnx/initializer.ts';
import type { Runtime, Tensors } from '../src/runtime/runtime.ts';
import { fromNumbers, toNumbers } from '../src/tensor/convert.ts';
import { type DataType, formatShape, sizeOf, stridesOf, type Tensor } from '../src/tensor/tensor.ts';

/**
 * A runtime in plain JavaScript for the few operators of a small network of dense layers, so that the core can be seen
 * to run where no other runtime is: in a page, in a test. Numbers are rounded to float32 after each operator, as
 * elsewhere.
 */
export function createSmallRuntime(): Runtime {
  return {
    name: 'small',
    version: '1',
    open: async (model: OnnxModel) => {
      for (const { op } of model.graph.nodes) {
        if (!operators[op]) throw new Error(`the small runtime has no ${op}`);
      }
      return {
        run: async (feeds, fetches) => run(model.graph, feeds, fetches),
        read: async () => new Map(),
        release: async () => undefined,
      };
    },
    close: async () => undefined,
  };
}

function run(graph: Graph, feeds: Tensors, fetches: readonly string[]): Map<string, Tensor> {
  const values = new Map<string, Tensor>(feeds);
  for (const [name, initializer] of graph.initializers) values.set(name, readInitializer(initializer));
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => values.get(name) as Tensor);
    values.set(node.outputs[0], operators[node.op](inputs, node));
  }
  return new Map(fetches.map((name) => [name, values.get(name) as Tensor]));
}

type Compute = (inputs: readonly Tensor[], node: Node) => Tensor;

const attribute = <T>(node: Node, name: string, otherwise: T): T =>
  name in node.attributes ? ((node.attributes[name] as { value: unknown }).value as T) : otherwise;

const numbersOf = (t: Tensor): number[] => [...toNumbers(t)].map(Number);

/** The place of an element of the result in an operand that is broadcast to it. */
function placeIn(shape: readonly number[], index: readonly number[]): number {
  const strides = stridesOf(shape);
  const skipped = index.length - shape.length;
  return shape.reduce((place, size, axis) => place + (size === 1 ? 0 : index[skipped + axis] * strides[axis]), 0);
}

function indexOf(place: number, shape: readonly number[]): number[] {
  const strides = stridesOf(shape);
  return shape.map((size, axis) => Math.floor(place / strides[axis]) % size);
}

function broadcast(shapes: readonly (readonly number[])[]): number[] {
  const rank = shapes.reduce((most, shape) => (shape.length > most ? shape.length : most), 0);
  return Array.from({ length: rank }, (_, axis) =>
    shapes.reduce((size, shape) => {
      const own = shape[shape.length - rank + axis] ?? 1;
      return own === 1 ? size : own;
    }, 1),
  );
}

/** Element by element, operands broadcast; the result has the type of the last operand unless said otherwise. */
const elementwise =
  (f: (...values: number[]) => number | boolean, type?: 'bool'): Compute =>
  (inputs) => {
    const shape = broadcast(inputs.map((one) => one.shape));
    const data = inputs.map(numbersOf);
    const values = Array.from({ length: sizeOf(shape) }, (_, place) => {
      const index = indexOf(place, shape);
      return Number(f(...data.map((numbers, k) => numbers[placeIn(inputs[k].shape, index)])));
    });
    return fromNumbers(type ?? (inputs.at(-1) as Tensor).type, shape, values);
  };

const transposed = (t: Tensor): Tensor => permute(t, t.shape.map((_, axis) => axis).reverse());

function permute(t: Tensor, order: readonly number[]): Tensor {
  const shape = order.map((axis) => t.shape[axis]);
  const data = numbersOf(t);
  const strides = stridesOf(t.shape);
  const values = Array.from({ length: data.length }, (_, place) => {
    const index = indexOf(place, shape);
    return data[order.reduce((sum, axis, k) => sum + index[k] * strides[axis], 0)];
  });
  return fromNumbers(t.type, shape, values);
}

/** a [m, k] · b [k, n] */
function product(a: Tensor, b: Tensor): Tensor {
  if (a.shape.length !== 2 || b.shape.length !== 2) throw new Error(`MatMul of ${formatShape(a.shape)}`);
  const [[m, k], [, n]] = [a.shape, b.shape];
  const [left, right] = [numbersOf(a), numbersOf(b)];
  const values = new Array<number>(m * n).fill(0);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) for (let l = 0; l < k; l++) values[i * n + j] += left[i * k + l] * right[l * n + j];
  }
  return fromNumbers('float32', [m, n], values);
}

function gather([data, indices]: readonly Tensor[], node: Node): Tensor {
  const axis = (attribute(node, 'axis', 0) + data.shape.length) % data.shape.length;
  const size = data.shape[axis];
  const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
  const [numbers, chosen] = [numbersOf(data), numbersOf(indices)];
  const inner = sizeOf(data.shape.slice(axis + 1));
  const values = Array.from({ length: sizeOf(shape) }, (_, place) => {
    const [outer, at, within] = [
      Math.floor(place / (inner * chosen.length)),
      Math.floor(place / inner) % chosen.length,
      place % inner,
    ];
    return numbers[(outer * size + ((chosen[at] + size) % size)) * inner + within];
  });
  return fromNumbers(data.type, shape, values);
}

/** Forward steps only. */
function sliced([data, starts, ends, axes, steps]: readonly Tensor[]): Tensor {
  const [from, to] = [numbersOf(starts), numbersOf(ends)];
  const along = axes ? numbersOf(axes) : from.map((_, k) => k);
  const step = steps ? numbersOf(steps) : from.map(() => 1);
  return along.reduce((result, axis, k) => {
    const size = result.shape[(axis + result.shape.length) % result.shape.length];
    const within = (at: number) => Math.min(size, Math.max(0, at < 0 ? at + size : at));
    const indices: number[] = [];
    for (let at = within(from[k]); at < within(to[k]); at += step[k]) indices.push(at);
    const node = { attributes: { axis: { kind: 'int', value: axis } } } as unknown as Node;
    return gather([result, fromNumbers('int64', [indices.length], indices)], node);
  }, data);
}

function scattered([data, indices, updates]: readonly Tensor[], node: Node): Tensor {
  const axis = (attribute(node, 'axis', 0) + data.shape.length) % data.shape.length;
  const sums = attribute<string>(node, 'reduction', 'none') === 'add';
  const values = numbersOf(data);
  const strides = stridesOf(data.shape);
  const [chosen, added] = [numbersOf(indices), numbersOf(updates)];
  chosen.forEach((at, k) => {
    const index = indexOf(k, indices.shape);
    index[axis] = (at + data.shape[axis]) % data.shape[axis];
    const place = index.reduce((sum, one, along) => sum + one * strides[along], 0);
    values[place] = sums ? values[place] + added[k] : added[k];
  });
  return fromNumbers(data.type, data.shape, values);
}

const reduced =
  (start: number, f: (a: number, b: number) => number): Compute =>
  ([data, axes], node) => {
    const rank = data.shape.length;
    const along = axes ? numbersOf(axes).map((axis) => (axis + rank) % rank) : data.shape.map((_, axis) => axis);
    const kept = data.shape.map((size, axis) => (along.includes(axis) ? 1 : size));
    const values = new Array<number>(sizeOf(kept)).fill(start);
    numbersOf(data).forEach((value, k) => {
      const place = placeIn(kept, indexOf(k, data.shape));
      values[place] = f(values[place], value);
    });
    const shape = attribute(node, 'keepdims', 1) ? kept : kept.filter((_, axis) => !along.includes(axis));
    return fromNumbers(data.type, shape, values);
  };

function reshaped([data, shape]: readonly Tensor[]): Tensor {
  const wanted = numbersOf(shape).map((size, axis) => (size === 0 ? data.shape[axis] : size));
  const known = wanted.reduce((size, one) => (one < 0 ? size : size * one), 1);
  return { ...data, shape: wanted.map((size) => (size < 0 ? sizeOf(data.shape) / known : size)) };
}

function flattened([data]: readonly Tensor[], node: Node): Tensor {
  const axis = attribute(node, 'axis', 1);
  return { ...data, shape: [sizeOf(data.shape.slice(0, axis)), sizeOf(data.shape.slice(axis))] };
}

/** `1` added, or taken away, at some axes. */
function unsqueezed([data, axes]: readonly Tensor[]): Tensor {
  const added = numbersOf(axes);
  const rank = data.shape.length + added.length;
  const places = added.map((axis) => (axis + rank) % rank);
  const rest = [...data.shape];
  return {
    ...data,
    shape: Array.from({ length: rank }, (_, axis) => (places.includes(axis) ? 1 : (rest.shift() as number))),
  };
}

function squeezed([data, axes]: readonly Tensor[]): Tensor {
  const gone = numbersOf(axes).map((axis) => (axis + data.shape.length) % data.shape.length);
  return { ...data, shape: data.shape.filter((_, axis) => !gone.includes(axis)) };
}

function joined(inputs: readonly Tensor[], node: Node): Tensor {
  const [first] = inputs;
  const axis = (attribute(node, 'axis', 0) + first.shape.length) % first.shape.length;
  const outer = sizeOf(first.shape.slice(0, axis));
  const values: number[] = [];
  for (let k = 0; k < outer; k++) {
    for (const one of inputs) {
      const size = sizeOf(one.shape.slice(axis));
      values.push(...numbersOf(one).slice(k * size, (k + 1) * size));
    }
  }
  const length = inputs.reduce((sum, one) => sum + one.shape[axis], 0);
  return fromNumbers(first.type, [...first.shape.slice(0, axis), length, ...first.shape.slice(axis + 1)], values);
}

/** Codes of the types of elements. */
const castTo: Readonly<Record<number, DataType>> = { 1: 'float32', 7: 'int64', 9: 'bool' };

const operators: Readonly<Record<string, Compute>> = {
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  Div: elementwise((a, b) => a / b),
  Neg: elementwise((a) => -a),
  Exp: elementwise(Math.exp),
  Relu: elementwise((a) => (a > 0 ? a : 0)),
  Ceil: elementwise(Math.ceil),
  Floor: elementwise(Math.floor),
  Mod: elementwise((a, b) => ((a % b) + b) % b),
  Abs: elementwise(Math.abs),
  Less: elementwise((a, b) => a < b, 'bool'),
  LessOrEqual: elementwise((a, b) => a <= b, 'bool'),
  GreaterOrEqual: elementwise((a, b) => a >= b, 'bool'),
  And: elementwise((a, b) => a !== 0 && b !== 0, 'bool'),
  Or: elementwise((a, b) => a !== 0 || b !== 0, 'bool'),
  Xor: elementwise((a, b) => (a !== 0) !== (b !== 0), 'bool'),
  Sign: elementwise(Math.sign),
  Max: elementwise(Math.max),
  Min: elementwise(Math.min),
  Greater: elementwise((a, b) => a > b, 'bool'),
  Equal: elementwise((a, b) => a === b, 'bool'),
  Not: elementwise((a) => !a, 'bool'),
  Where: elementwise((condition, a, b) => (condition ? a : b)),
  Cast: ([data], node) =>
    fromNumbers(castTo[attribute<number>(node, 'to', 1)] ?? 'float32', data.shape, numbersOf(data)),
  Identity: ([data]) => data,
  MatMul: ([a, b]) => product(a, b),
  Gemm: ([a, b, c], node) => {
    const left = attribute(node, 'transA', 0) ? transposed(a) : a;
    const right = attribute(node, 'transB', 0) ? transposed(b) : b;
    const scaled = elementwise((value) => value * attribute(node, 'alpha', 1))([product(left, right)], node);
    return c ? elementwise((x, y) => x + attribute(node, 'beta', 1) * y)([scaled, c], node) : scaled;
  },
  Transpose: ([data], node) => permute(data, attribute(node, 'perm', data.shape.map((_, axis) => axis).reverse())),
  Gather: gather,
  Reshape: reshaped,
  Flatten: flattened,
  Unsqueeze: unsqueezed,
  Squeeze: squeezed,
  Slice: sliced,
  Concat: joined,
  ReduceSum: reduced(0, (a, b) => a + b),
  ReduceMax: reduced(Number.NEGATIVE_INFINITY, (a, b) => (b > a ? b : a)),
  ReduceMin: reduced(Number.POSITIVE_INFINITY, (a, b) => (b < a ? b : a)),
  ScatterElements: scattered,
  Shape: ([data]) => fromNumbers('int64', [data.shape.length], [...data.shape]),
  Expand: ([data, shape]) => {
    const wanted = broadcast([data.shape, numbersOf(shape)]);
    const numbers = numbersOf(data);
    const values = Array.from(
      { length: sizeOf(wanted) },
      (_, place) => numbers[placeIn(data.shape, indexOf(place, wanted))],
    );
    return fromNumbers(data.type, wanted, values);
  },
  ConstantOfShape: ([shape], node) => {
    const wanted = numbersOf(shape);
    const value = attribute<Tensor | undefined>(node, 'value', undefined);
    const [number] = value ? numbersOf(value) : [0];
    return fromNumbers(value?.type ?? 'float32', wanted, new Array<number>(sizeOf(wanted)).fill(number));
  },
};
