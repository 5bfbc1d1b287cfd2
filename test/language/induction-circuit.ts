import { GraphBuilder } from '../../src/onnx/builder.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import { permutation, type Random, random } from '../../src/tensor/random.ts';
import { float32 } from '../../src/tensor/tensor.ts';

// An induction circuit set by hand: two layers of four heads, attention only, no norm. The stream holds
// [token | token before | output | position | junk]; a head's score is x_i QK x_j, what it writes x_j OV.

const tokens = 24;
const places = tokens + 1;
const heads = 4;
const width = 4 * tokens + places;
const at = { token: 0, before: tokens, output: 2 * tokens, place: 3 * tokens, junk: 3 * tokens + places } as const;

/** Words of the model's tokens: the first two have the names that tokenizers here begin with. */
export const inductionWords = ['<pad>', '<s>', ...Array.from({ length: tokens - 2 }, (_, i) => `t${i + 2}`)];

/** What the circuit consists of. */
export const inductionEdges = [
  'embed → layer.0/head.2.value',
  'embed.positions → layer.0/head.2.query',
  'embed.positions → layer.0/head.2.key',
  'layer.0/head.2 → layer.1/head.1.key',
  'embed → layer.1/head.1.query',
  'embed → layer.1/head.1.value',
  'layer.1/head.1 → logits',
];

/** A `width × width` matrix of a head, with noise in every element. */
type Matrix = Float32Array;

/** @param sharp what scores are multiplied with: 6 is soft, 25 saturates */
export function inductionCircuit(sharp: number, seed: number): OnnxModel {
  const source = random(seed);
  const noisy = (): Matrix => Float32Array.from({ length: width ** 2 }, () => 0.02 * source.normal());
  const layers = [0, 1].map(() => ({
    scores: Array.from({ length: heads }, noisy),
    moves: Array.from({ length: heads }, noisy),
  }));
  const [first, second] = layers;
  const same = (count: number) => Array.from({ length: count }, (_, i) => [i, i] as const);
  const shuffled = () => [...permutation(tokens, source)].map((to, i) => [i, to] as const);
  const shift = Array.from({ length: places - 1 }, (_, i) => [i + 1, i] as const);
  add(first.scores[2], at.place, at.place, shift, sharp);
  add(first.moves[2], at.token, at.before, same(tokens), 1);
  add(second.scores[1], at.token, at.before, same(tokens), sharp);
  add(second.moves[1], at.token, at.output, same(tokens), 1);
  // Heads that work and serve nothing: a second one that looks back, one at equal tokens, one at itself, one that reads junk.
  add(first.scores[0], at.place, at.place, shift, sharp);
  add(first.moves[0], at.token, at.junk, same(tokens), 1);
  add(first.scores[3], at.token, at.token, same(tokens), sharp);
  add(first.moves[3], at.token, at.junk, shuffled(), 1);
  add(second.scores[3], at.place, at.place, same(places), sharp);
  add(second.moves[3], at.token, at.junk, same(tokens), 1);
  add(second.scores[0], at.token, at.junk, shuffled(), 2);
  for (let p = 0; p < places; p++)
    for (let j = 0; j < tokens; j++) second.moves[0][(at.place + p) * width + at.junk + j] += source.normal();
  return graphOf(layers);
}

function add(
  matrix: Matrix,
  row: number,
  column: number,
  cells: readonly (readonly [number, number])[],
  value: number,
) {
  for (const [r, c] of cells) matrix[(row + r) * width + column + c] += value;
}

/** Matrices of heads side by side: `width × (heads · width)`. */
function beside(matrices: readonly Matrix[]): Float32Array {
  const all = new Float32Array(width * heads * width);
  for (const [h, matrix] of matrices.entries())
    for (let r = 0; r < width; r++) all.set(matrix.subarray(r * width, (r + 1) * width), (r * heads + h) * width);
  return all;
}

const identity = (): Matrix => {
  const matrix = new Float32Array(width ** 2);
  for (let i = 0; i < width; i++) matrix[i * width + i] = 1;
  return matrix;
};

function graphOf(
  layers: readonly { readonly scores: readonly Matrix[]; readonly moves: readonly Matrix[] }[],
): OnnxModel {
  const builder = new GraphBuilder();
  const ids = builder.input('input_ids', 'int64', ['N', 'T']);
  const table = new Float32Array(tokens * width);
  for (let t = 0; t < tokens; t++) table[t * width + at.token + t] = 1;
  const rows = new Float32Array(places * width);
  for (let p = 0; p < places; p++) rows[p * width + at.place + p] = 1;
  const mask = new Float32Array(places ** 2);
  for (let p = 0; p < places; p++) mask.fill(-1e9, p * places + p + 1, (p + 1) * places);
  const [zero, one, two] = [0, 1, 2].map((n) => builder.ints([n]));
  const length = builder.op('Slice', [builder.op('Shape', [ids]), one, two]);
  const upTo = (value: string, axis: number) => builder.op('Slice', [value, zero, length, builder.ints([axis])]);
  const positions = upTo(builder.constant(float32([1, places, width], rows)), 1);
  const allowed = upTo(upTo(builder.constant(float32([1, 1, places, places], mask)), 2), 3);
  let stream = builder.op('Gather', [builder.constant(float32([tokens, width], table)), ids]);
  stream = builder.op('Add', [stream, positions]);
  const wide = [width, heads * width];
  const same = builder.constant(float32(wide, beside(new Array<Matrix>(heads).fill(identity()))));
  const back = new Float32Array(heads * width * width);
  for (let h = 0; h < heads; h++) back.set(identity(), h * width * width);
  const joined = builder.constant(float32([heads * width, width], back));
  for (const { scores, moves } of layers) {
    const byHead = (weights: string) => {
      const product = builder.op('MatMul', [stream, weights]);
      const split = builder.op('Reshape', [product, builder.ints([0, 0, heads, width])]);
      return builder.op('Transpose', [split], { perm: [0, 2, 1, 3] });
    };
    const query = byHead(builder.constant(float32(wide, beside(scores))));
    const key = builder.op('Transpose', [byHead(same)], { perm: [0, 1, 3, 2] });
    const value = byHead(builder.constant(float32(wide, beside(moves))));
    const weights = builder.op('Softmax', [builder.op('Add', [builder.op('MatMul', [query, key]), allowed])], {
      axis: -1,
    });
    const mixed = builder.op('Transpose', [builder.op('MatMul', [weights, value])], { perm: [0, 2, 1, 3] });
    const flat = builder.op('Reshape', [mixed, builder.ints([0, 0, heads * width])]);
    stream = builder.op('Add', [stream, builder.op('MatMul', [flat, joined])]);
  }
  const read = new Float32Array(width * tokens);
  for (let t = 0; t < tokens; t++) read[(at.output + t) * tokens + t] = 10;
  const logits = builder.op(
    'MatMul',
    [stream, builder.constant(float32([width, tokens], read))],
    {},
    { outputs: ['logits'] },
  );
  builder.output(logits, 'float32', ['N', 'T', tokens]);
  const none = { functions: [], metadata: new Map<string, string>() };
  return { irVersion: 9, producer: 'wherefore', opsets: new Map([['', 20]]), graph: builder.build(), ...none };
}

/** A text of all tokens in random order, the last of which comes again: what follows is its successor. */
export interface InductionText {
  readonly ids: readonly number[];
  readonly answer: number;
  /** The successor of another token. */
  readonly wrong: number;
  /** That token. */
  readonly otherLast: number;
}

export function inductionText(source: Random): InductionText {
  const ids = [...permutation(tokens, source)];
  const last = source.integer(places - 3);
  const step = 1 + source.integer(places - 4);
  const other = (last + step) % (places - 3);
  return { ids: [...ids, ids[last]], answer: ids[last + 1], wrong: ids[other + 1], otherLast: ids[other] };
}
