import { arraysOf, type FactorForm } from '../autodiff/per-sample/layer-factors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { type Runtime, throwIfCancelled } from '../runtime/runtime.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import type { Block } from './gradient-material.ts';
import type { RowRange } from './gradient-passes.ts';
import { type Matrix, type Matrix64, zeros } from './matrix.ts';

/** The factors of some rows: arrays by name, rows × width each. */
export interface FactorPiece {
  /** Position of the first of these rows among all. */
  readonly first: number;
  readonly rows: number;
  readonly arrays: ReadonlyMap<string, Float32Array>;
}

/** Gradients of all rows as what they are products of, read in pieces. */
export interface StoredFactors {
  readonly rows: number;
  /** How each block is told, in the order of the blocks. */
  readonly forms: readonly FactorForm[];
  pieces(): AsyncIterable<FactorPiece>;
}

/** Numbers of an inner value of the products, at most: 64 MiB. */
const mostNumbers = 2 ** 24;

/** Name, width and number of each array of the blocks. */
export const factorArrays = (blocks: readonly Block[], forms: readonly FactorForm[]) =>
  blocks.flatMap(({ name, rows, columns }, b) =>
    arraysOf({ outputs: rows, inputs: columns }, forms[b]).map(({ part, width }) => ({ name: name + part, width })),
  );

/**
 * `d · g_i` for every direction and row, directions × rows, from stored factors: products of matrices, run by the runtime
 * in float32.
 * @param only one block; default all
 */
export async function dotFactors(
  runtime: Runtime,
  stored: StoredFactors,
  blocks: readonly Block[],
  directions: Matrix,
  { only, signal }: { readonly only?: Block; readonly signal?: AbortSignal } = {},
): Promise<Matrix64> {
  const used = blocks
    .map((block, b) => ({ block, form: stored.forms[b] }))
    .filter(({ block }) => !only || block === only);
  const arrays = factorArrays(
    used.map(({ block }) => block),
    used.map(({ form }) => form),
  );
  const model = productModel(used, directions);
  const session = await runtime.open(model);
  const K = directions.rows;
  const widest = used.reduce((most, { block, form }) => Math.max(most, innerNumbers(block, form, K)), 1);
  const together = Math.max(1, Math.floor(mostNumbers / widest));
  const result = zeros(K, stored.rows);
  try {
    for await (const piece of stored.pieces()) {
      throwIfCancelled(signal);
      for (let from = 0; from < piece.rows; from += together) {
        const range = { from, to: Math.min(piece.rows, from + together) };
        const dots = (await session.run(feedsOf(piece, arrays, range), ['dots'])).get('dots') as Tensor<'float32'>;
        place(dots.data, result, piece.first + from);
      }
    }
  } finally {
    await session.release();
  }
  return result;
}

/** The arrays of some rows of a piece. */
function feedsOf({ arrays }: FactorPiece, of: ReturnType<typeof factorArrays>, { from, to }: RowRange) {
  const feeds = new Map<string, Tensor>();
  for (const { name, width } of of) {
    const values = arrays.get(name) as Float32Array;
    feeds.set(name, float32([to - from, width], values.slice(from * width, to * width)));
  }
  return feeds;
}

/** Puts rows × directions where they belong in directions × all rows. */
function place(dots: Float32Array, { rows: K, columns, data }: Matrix64, first: number): void {
  for (let j = 0; j < dots.length; j++) data[(j % K) * columns + first + Math.floor(j / K)] = dots[j];
}

interface Used {
  readonly block: Block;
  readonly form: FactorForm;
}

/** The side of a block that is multiplied with the directions first: the wider, so that what stays is narrow. */
const isInputFirst = ({ rows, columns }: Block, form: FactorForm) => form.kind === 'indexed' || columns >= rows;

function innerNumbers(block: Block, form: FactorForm, count: number): number {
  if (form.kind === 'dense') return block.rows * block.columns;
  const narrow = isInputFirst(block, form) ? block.rows : block.columns;
  return form.positions * (count * narrow + block.rows + block.columns);
}

/** `dots` `[N, K]` of the arrays of some blocks; the directions are constants of the graph. */
function productModel(used: readonly Used[], directions: Matrix): OnnxModel {
  const b = new GraphBuilder();
  const K = directions.rows;
  const parts = used.map(({ block, form }) => {
    const [first, second] = factorArrays([block], [form]).map(({ name, width }) =>
      b.input(name, 'float32', ['N', width]),
    );
    if (form.kind === 'dense') return b.op('MatMul', [first, b.constant(turned(directions, block))]);
    const inputFirst = isInputFirst(block, form);
    const [wide, narrow] = inputFirst ? [block.columns, block.rows] : [block.rows, block.columns];
    const [moved, kept] = inputFirst ? [second, first] : [first, second];
    const matrix = b.constant(byWide(directions, block, inputFirst));
    const T = form.positions;
    const shaped = (value: string, shape: readonly number[]) => b.op('Reshape', [value, b.ints(shape)]);
    const through =
      form.kind === 'indexed'
        ? b.op('Gather', [matrix, b.op('Cast', [moved], { to: 7 })], { axis: 0 })
        : b.op('MatMul', [shaped(moved, [-1, T, wide]), matrix]);
    const product = b.op('Mul', [shaped(through, [-1, T, K, narrow]), shaped(kept, [-1, T, 1, narrow])]);
    return b.op('ReduceSum', [product, b.ints([1, 3])], { keepdims: 0 });
  });
  b.op('Sum', parts, {}, { outputs: ['dots'] });
  b.output('dots', 'float32', ['N', K]);
  return {
    irVersion: 9,
    producer: 'wherefore',
    opsets: new Map([['', 20]]),
    graph: b.build(),
    functions: [],
    metadata: new Map(),
  };
}

/** Directions of a block as `[rows · columns, K]`. */
function turned(directions: Matrix, { offset, rows, columns }: Block) {
  const [K, size] = [directions.rows, rows * columns];
  const data = new Float32Array(size * K);
  for (let k = 0; k < K; k++)
    for (let j = 0; j < size; j++) data[j * K + k] = directions.data[k * directions.columns + offset + j];
  return float32([size, K], data);
}

/** Directions of a block as `[wide, K · narrow]`. */
function byWide(directions: Matrix, { offset, rows, columns }: Block, inputFirst: boolean) {
  const [K, wide, narrow] = [directions.rows, inputFirst ? columns : rows, inputFirst ? rows : columns];
  const data = new Float32Array(wide * K * narrow);
  for (let k = 0; k < K; k++) {
    const from = k * directions.columns + offset;
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        const [w, n] = inputFirst ? [c, r] : [r, c];
        data[w * K * narrow + k * narrow + n] = directions.data[from + r * columns + c];
      }
  }
  return float32([wide, K * narrow], data);
}
