import type { OnnxModel } from '../onnx/graph.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { bytesOf, float32, type Tensor } from '../tensor/tensor.ts';

/** What running a model and the same model with an explainer beside it showed. */
export interface FusedComparison {
  /** Whether all outputs of all images have the same bits. */
  readonly identical: boolean;
  readonly images: number;
  /** Largest difference between two outputs. */
  readonly difference: number;
  /** Whether the fused file has the nodes of the model file as they were; otherwise lowered ones. */
  readonly keepsNodes: boolean;
}

/** Runs both models on every image alone and compares the bits of what they predict. */
export async function compareFused(
  source: OnnxModel,
  fused: OnnxModel,
  input: string,
  images: Tensor<'float32'>,
  runtime: Runtime,
  keepsNodes: boolean,
): Promise<FusedComparison> {
  const names = source.graph.outputs.map(({ name }) => name);
  const outputsOf = async (model: OnnxModel): Promise<Map<string, Tensor>[]> => {
    const session = await runtime.open(model);
    try {
      const results: Map<string, Tensor>[] = [];
      const size = images.data.length / images.shape[0];
      for (let i = 0; i < images.shape[0]; i++) {
        const one = float32([1, ...images.shape.slice(1)], images.data.slice(i * size, (i + 1) * size));
        results.push(await session.run(new Map([[input, one]]), names));
      }
      return results;
    } finally {
      await session.release();
    }
  };
  const [before, after] = [await outputsOf(source), await outputsOf(fused)];
  let identical = true;
  let difference = 0;
  before.forEach((outputs, i) => {
    for (const name of names) {
      const [a, b] = [outputs.get(name), after[i].get(name)] as [Tensor, Tensor];
      const [bytes, others] = [bytesOf(a), bytesOf(b)];
      if (bytes.length === others.length && bytes.every((byte, j) => byte === others[j])) continue;
      identical = false;
      const [x, y] = [a.data, b.data] as [Float32Array, Float32Array];
      for (let j = 0; j < x.length; j++) difference = Math.max(difference, Math.abs(Number(x[j]) - Number(y[j])));
    }
  });
  return { identical, images: images.shape[0], difference, keepsNodes };
}
