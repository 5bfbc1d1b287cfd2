import type { RowProgram } from '../autodiff/gradient-program.ts';
import { layerParameters } from '../autodiff/per-sample/layer-matrix.ts';
import type { Layer } from '../autodiff/per-sample/layers.ts';
import { WhereforeError } from '../errors.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import type { Rotation, TwoSided } from './gradient-material.ts';
import type { Passes, Results } from './gradient-passes.ts';
import { type Matrix, rowOf, transposed } from './matrix.ts';
import type { Side } from './side.ts';

export const namesOf = ({ name, bias }: Layer) => (bias === undefined ? [name] : [name, bias]);

export function resultOf(results: Results, program: RowProgram, key: string): Float32Array {
  const value = results.get(program.results.get(key) as string) as Tensor<'float32'> | undefined;
  if (!value) throw new WhereforeError('internal', `a gradient program has no result "${key}"`);
  return value.data;
}

export function rowOfResult(results: Results, program: RowProgram, key: string, row: number): Float32Array {
  const value = results.get(program.results.get(key) as string) as Tensor<'float32'> | undefined;
  if (!value) throw new WhereforeError('internal', `a gradient program has no result "${key}"`);
  const width = value.data.length / value.shape[0];
  return value.data.subarray(row * width, (row + 1) * width);
}

/** Directions in the layout of blocks in the parameters' own shapes, `[K, …]`. */
export function directionsByParameter(
  { layers, blocks, shapeOf }: Passes,
  directions: Matrix,
): Map<string, Tensor<'float32'>> {
  const found = new Map<string, Tensor<'float32'>>();
  for (const [l, layer] of layers.entries()) {
    const { offset, rows, columns } = blocks[l];
    const parts = Array.from({ length: directions.rows }, (_, d) =>
      layerParameters(layer, rowOf(directions, d).subarray(offset, offset + rows * columns)),
    );
    const stacked = (values: readonly Float32Array[]) => {
      const all = new Float32Array(values.length * values[0].length);
      values.forEach((value, d) => {
        all.set(value, d * value.length);
      });
      return all;
    };
    const weights = stacked(parts.map(({ weight }) => weight));
    found.set(layer.name, float32([directions.rows, ...shapeOf(layer.name)], weights));
    if (layer.bias !== undefined) {
      const biases = stacked(parts.map(({ bias }) => bias as Float32Array));
      found.set(layer.bias, float32([directions.rows, ...shapeOf(layer.bias)], biases));
    }
  }
  return found;
}

const asTensor = ({ rows, columns, data }: Matrix) => float32([rows, columns], Float32Array.from(data));

/** Projections of each layer as the program takes them, `[k, side]`. */
export function sides(layers: readonly Layer[], of: readonly TwoSided[]) {
  const side = (given: Matrix) => (isIdentity(given) ? undefined : asTensor(given));
  return (layer: Layer) => {
    const { left, right } = of[layers.findIndex(({ name }) => name === layer.name)];
    const [outputs, inputs] = [side(left), side(right)];
    return { ...(outputs && { outputs }), ...(inputs && { inputs }) };
  };
}

/** Rotations of each layer as the program takes them: eigenvectors as columns. */
export function rotationsOf(layers: readonly Layer[], of: readonly Rotation[]) {
  const side = (given: Side) => {
    if (!('parts' in given)) return isIdentity(given) ? undefined : asTensor(transposed(given));
    return given.parts.length === 0 ? undefined : given.parts.map((part) => asTensor(transposed(part)));
  };
  return (layer: Layer) => {
    const { left, right } = of[layers.findIndex(({ name }) => name === layer.name)];
    const [outputs, inputs] = [side(left), side(right)];
    return { ...(outputs && { outputs }), ...(inputs && { inputs }) };
  };
}

function isIdentity({ rows, columns, data }: Matrix): boolean {
  if (rows !== columns) return false;
  for (let i = 0; i < data.length; i++) if (data[i] !== (i % (rows + 1) === 0 ? 1 : 0)) return false;
  return true;
}

/** `to += factor · Σ g gᵀ`. */
export function addOuter(to: Float64Array, gradients: readonly Float64Array[], size: number, factor: number): void {
  for (let p = 0; p < size; p++) {
    for (const g of gradients) {
      const scale = factor * g[p];
      if (scale === 0) continue;
      for (let q = 0; q < size; q++) to[p * size + q] += scale * g[q];
    }
  }
}
