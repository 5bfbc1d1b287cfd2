import type { Layer } from './layers.ts';

/** A gradient (or any direction) of a layer's parameters, as they lie. */
export interface LayerParameters {
  readonly weight: Float32Array;
  /** Where the layer has a bias. */
  readonly bias?: Float32Array;
}

/** Parameters of a layer as one matrix `[outputs, inputs]`, the bias as its last column; row-major. */
export function layerMatrix(layer: Layer, { weight, bias }: LayerParameters): Float32Array {
  const { outputs, inputs, transposed } = layer;
  const columns = inputs - (layer.bias === undefined ? 0 : 1);
  const matrix = new Float32Array(outputs * inputs);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < columns; i++) {
      matrix[o * inputs + i] = weight[transposed ? i * outputs + o : o * columns + i];
    }
    if (bias && columns < inputs) matrix[o * inputs + columns] = bias[o];
  }
  return matrix;
}

/** The inverse of {@link layerMatrix}. */
export function layerParameters(layer: Layer, matrix: ArrayLike<number>): LayerParameters {
  const { outputs, inputs, transposed } = layer;
  const columns = inputs - (layer.bias === undefined ? 0 : 1);
  const weight = new Float32Array(outputs * columns);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < columns; i++) {
      weight[transposed ? i * outputs + o : o * columns + i] = matrix[o * inputs + i];
    }
  }
  if (columns === inputs) return { weight };
  const bias = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) bias[o] = matrix[o * inputs + columns];
  return { weight, bias };
}
