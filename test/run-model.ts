import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { encodeModel } from '../src/onnx/encode.ts';
import type { OnnxModel } from '../src/onnx/graph.ts';
import type { DataType, Tensor } from '../src/tensor/tensor.ts';

/** Runs a model once in this thread, for tests that compare what two graphs compute. */
export async function runModel(
  model: OnnxModel | Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
  fetches?: readonly string[],
): Promise<Record<string, Tensor>> {
  const bytes = model instanceof Uint8Array ? model : encodeModel(model);
  const session = await InferenceSession.create(bytes, {
    logSeverityLevel: 4,
    intraOpNumThreads: 1,
    // The original and the lowered graph should differ by the lowering alone, not by what an optimizer fuses in each.
    graphOptimizationLevel: 'disabled',
  });
  try {
    const inputs: Record<string, OrtTensor> = {};
    for (const name of session.inputNames) {
      const t = feeds[name];
      if (t) inputs[name] = new OrtTensor(t.type as 'float32', t.data as Float32Array, t.shape);
    }
    const results = await session.run(inputs, fetches ?? session.outputNames);
    return Object.fromEntries(
      Object.entries(results).map(([name, t]) => [
        name,
        { type: t.type as DataType, shape: [...t.dims], data: t.data as Float32Array },
      ]),
    );
  } finally {
    await session.release();
  }
}
