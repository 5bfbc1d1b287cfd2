import { WhereforeError } from '../../errors.ts';
import { float32 } from '../../tensor/tensor.ts';
import { constantly, type Initialization, normalWith } from '../initialization.ts';
import { type Network, sizeAt, type Value } from '../network.ts';
import { activation, add } from './activations.ts';
import { linear } from './linear.ts';
import { rmsNorm } from './normalization.ts';

export interface DecoderBlockOptions {
  readonly heads: number;
  /** Width of the feed-forward part; 0: none, attention only. */
  readonly inner: number;
  /** The longest text; the second axis of the input may have a name instead of a size. */
  readonly longest: number;
  /** How the last map of attention and feed-forward starts, times √fan-in. Default .3. */
  readonly outputScale?: number;
  /** Heads 0, 1, … start by looking this many tokens back. Default: none does. */
  readonly lookBack?: readonly number[];
}

/** Base of the angles of rotary positions. */
const rotaryBase = 10_000;

/** Its negative is low enough that the exponential is exactly 0, and finite so that nothing becomes NaN. */
const masked = 1e9;

const scaled =
  (scale: number): Initialization =>
  (length, fans, source) =>
    normalWith(scale / Math.sqrt(fans.in))(length, fans, source);

/**
 * A block of a decoder as Llama has it: `x + attention(rmsNorm(x))`, then `+ W₃(silu(W₁ h) · W₂ h)` with `h = rmsNorm(·)`;
 * causal attention with rotary positions (Su et al. 2021, arXiv 2104.09864), queries, keys and values with biases. Its
 * values are `<name>.attended` and `<name>`; the weights of the attention are `<name>.attention`, of shape `[N, heads, T, T]`.
 * @throws WhereforeError `invalid-argument` where the features do not divide among heads into pairs
 */
export function decoderBlock(network: Network, x: Value, name: string, options: DecoderBlockOptions): Value {
  const { inner, outputScale = 0.3 } = options;
  const features = sizeAt(x, -1, name);
  const attention = rotaryAttention(network, rmsNorm(network, x, `${name}.norm1`), name, options);
  const attended = add(network, x, attention, inner > 0 ? `${name}.attended` : name);
  if (inner === 0) return attended;
  const normal = rmsNorm(network, attended, `${name}.norm2`);
  const initialization = scaled(1);
  const gate = linear(network, normal, `${name}.gate`, { features: inner, bias: false, initialization });
  const up = linear(network, normal, `${name}.up`, { features: inner, bias: false, initialization });
  const active = activation(network, gate, `${name}.active`, 'silu');
  const product = network.builder.op('Mul', [active.name, up.name], {}, { name: `${name}.gated` });
  const down = { features, bias: false, initialization: scaled(outputScale) };
  return add(network, attended, linear(network, { name: product, shape: up.shape }, `${name}.down`, down), name);
}

function rotaryAttention(network: Network, x: Value, name: string, options: DecoderBlockOptions): Value {
  const { heads, longest, outputScale = 0.3, lookBack = [] } = options;
  const { builder } = network;
  const features = sizeAt(x, -1, name);
  const width = features / heads;
  if (!Number.isInteger(width / 2)) {
    throw new WhereforeError('invalid-argument', `layer "${name}": features do not divide among heads into pairs`, {
      got: `${features} features, ${heads} heads`,
    });
  }
  const joined = lookingBack(network, x, `${name}.qkv`, { features, heads, lookBack });
  const parts = [`${name}.query`, `${name}.key`, `${name}.value`];
  const sizes = builder.ints([features, features, features]);
  builder.ops('Split', [joined, sizes], { axis: 2 }, { name: `${name}.split`, outputs: parts });
  const [query, key, value] = parts.map((part) => {
    const split = builder.op('Reshape', [part, builder.ints([0, 0, heads, width])], {}, { name: `${part}.heads` });
    return builder.op('Transpose', [split], { perm: [0, 2, 1, 3] }, { name: `${part}.byHead` });
  });
  const length = lengthOf(network, x, name);
  const angles = [Math.cos, Math.sin].map((of) => builder.constant(angleTable(longest, width, of)));
  const rotated = [query, key].map((part) =>
    rotate(
      network,
      part,
      width,
      angles.map((table) => firstRows(network, table, length, 2)),
    ),
  );
  const turned = builder.op('Transpose', [rotated[1]], { perm: [0, 1, 3, 2] }, { name: `${name}.keys` });
  const products = builder.op('MatMul', [rotated[0], turned], {}, { name: `${name}.products` });
  const scores = builder.op('Mul', [products, builder.scalar(1 / Math.sqrt(width))], {}, { name: `${name}.scores` });
  const causal = builder.op('Add', [scores, causalMask(network, longest, length)], {}, { name: `${name}.causal` });
  const weights = builder.op(
    'Softmax',
    [causal],
    { axis: -1 },
    { name: `${name}.attention`, outputs: [`${name}.attention`] },
  );
  const mixed = builder.op('MatMul', [weights, value], {}, { name: `${name}.mixed` });
  const ordered = builder.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }, { name: `${name}.ordered` });
  const flat = builder.op('Reshape', [ordered, builder.ints([0, 0, features])], {}, { name: `${name}.flat` });
  const projection = { features, bias: false, initialization: scaled(outputScale) };
  return linear(network, { name: flat, shape: x.shape }, `${name}.projection`, projection);
}

/**
 * Queries, keys and values in one map. A head that is to look some tokens back starts with small weights and biases that
 * answer to nothing but the distance: those of the key are those of the query, rotated by it.
 */
function lookingBack(
  network: Network,
  x: Value,
  name: string,
  {
    features,
    heads,
    lookBack,
  }: { readonly features: number; readonly heads: number; readonly lookBack: readonly number[] },
): string {
  const { builder } = network;
  const width = features / heads;
  const weights: Initialization = (length, fans, source) => {
    const drawn = scaled(1)(length, fans, source);
    for (let i = 0; i < length; i++) {
      const column = i % (3 * features);
      if (column < 2 * features && Math.floor((column % features) / width) < lookBack.length) drawn[i] *= 0.1;
    }
    return drawn;
  };
  const offsets: Initialization = (length) => {
    const bias = new Float32Array(length);
    for (const [head, back] of lookBack.entries()) {
      for (let i = 0; i < width / 2; i++) {
        const speed = rotaryBase ** (-i / (width / 2));
        if (speed <= 0.02) continue;
        const [a, b] = [4, 4];
        const at = head * width + i;
        bias[at] = a;
        bias[at + width / 2] = b;
        const [c, s] = [Math.cos(back * speed), Math.sin(back * speed)];
        bias[features + at] = a * c - b * s;
        bias[features + at + width / 2] = a * s + b * c;
      }
    }
    return bias;
  };
  const fans = { in: features, out: 3 * features };
  const weight = network.parameter(`${name}.weight`, [features, 3 * features], weights, fans);
  const bias = network.parameter(`${name}.bias`, [3 * features], lookBack.length > 0 ? offsets : constantly(0));
  const product = builder.op('MatMul', [x.name, weight], {}, { name: `${name}.product` });
  return builder.op('Add', [product, bias], {}, { name, outputs: [name] });
}

/** The number of tokens as a value of the graph, or as a constant where it is known. */
function lengthOf(network: Network, x: Value, name: string): string {
  const { builder } = network;
  const known = x.shape[1];
  if (typeof known === 'number') return builder.ints([known]);
  const shape = builder.op('Shape', [x.name], {}, { name: `${name}.shape` });
  return builder.op('Slice', [shape, builder.ints([1]), builder.ints([2])], {}, { name: `${name}.length` });
}

const firstRows = ({ builder }: Network, table: string, length: string, axis: number): string =>
  builder.op('Slice', [table, builder.ints([0]), length, builder.ints([axis])], {});

/** `(a, b) → (a cos − b sin, a sin + b cos)` of the halves a, b of the last axis. */
function rotate({ builder }: Network, x: string, width: number, [cos, sin]: readonly string[]): string {
  const halves = builder.ops(
    'Split',
    [x, builder.ints([width / 2, width / 2])],
    { axis: 3 },
    { name: `${x}.halves`, outputs: 2 },
  );
  const [a, b] = halves;
  const times = (half: string, table: string) => builder.op('Mul', [half, table]);
  const first = builder.op('Sub', [times(a, cos), times(b, sin)], {}, { name: `${x}.first` });
  const second = builder.op('Add', [times(a, sin), times(b, cos)], {}, { name: `${x}.second` });
  return builder.op('Concat', [first, second], { axis: -1 }, { name: `${x}.rotated` });
}

function angleTable(longest: number, width: number, of: (angle: number) => number) {
  const half = width / 2;
  const table = new Float32Array(longest * half);
  for (let t = 0; t < longest; t++)
    for (let i = 0; i < half; i++) table[t * half + i] = of(t * rotaryBase ** (-i / half));
  return float32([1, 1, longest, half], table);
}

/** `10⁹ · min(row − column, 0)`: 0 up to the token itself, from two short lists and not from a square table. */
function causalMask(network: Network, longest: number, length: string): string {
  const { builder } = network;
  const index = new Float32Array(longest);
  for (let t = 0; t < longest; t++) index[t] = t;
  const row = firstRows(network, builder.constant(float32([1, 1, longest, 1], index)), length, 2);
  const column = firstRows(network, builder.constant(float32([1, 1, 1, longest], index)), length, 3);
  const behind = builder.op('Min', [builder.op('Sub', [row, column]), builder.scalar(0)]);
  return builder.op('Mul', [behind, builder.scalar(masked)]);
}
