import { filled } from '../tensor/filled.ts';
import type { Random } from '../tensor/random.ts';

/** How many values feed one output of a weight, and how many outputs one input feeds. */
export interface Fans {
  readonly in: number;
  readonly out: number;
}

/** Draws the first elements of a parameter. */
export type Initialization = (length: number, fans: Fans, source: Random) => Float32Array;

const normal =
  (deviation: (fans: Fans) => number): Initialization =>
  (length, fans, source) => {
    const scale = deviation(fans);
    return filled(new Float32Array(length), () => scale * source.normal());
  };

const uniform =
  (bound: (fans: Fans) => number): Initialization =>
  (length, fans, source) => {
    const scale = bound(fans);
    return filled(new Float32Array(length), () => scale * (2 * source.uniform() - 1));
  };

/** Normal with variance 2 / fan-in: keeps the variance through ReLU (He et al. 2015, arXiv 1502.01852, eq. 10). */
export const kaimingNormal: Initialization = normal((fans) => Math.sqrt(2 / fans.in));

/** Uniform with variance 2 / fan-in: ±√(6 / fan-in). */
export const kaimingUniform: Initialization = uniform((fans) => Math.sqrt(6 / fans.in));

/** Normal with variance 2 / (fan-in + fan-out): for tanh and linear layers (Glorot and Bengio 2010). */
export const xavierNormal: Initialization = normal((fans) => Math.sqrt(2 / (fans.in + fans.out)));

/** Uniform with variance 2 / (fan-in + fan-out). */
export const xavierUniform: Initialization = uniform((fans) => Math.sqrt(6 / (fans.in + fans.out)));

/** Normal with the given standard deviation. */
export const normalWith = (deviation: number): Initialization => normal(() => deviation);

/** Every element the same: 0 for biases, 1 for the scales of normalisation. */
export const constantly =
  (value: number): Initialization =>
  (length) =>
    new Float32Array(length).fill(value);
