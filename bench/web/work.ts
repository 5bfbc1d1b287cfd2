import type { LoadedModel } from '../../src/data/model/loaded-model.ts';
import { explain } from '../../src/explain/explain.ts';
import { filled } from '../../src/tensor/filled.ts';
import { float32, sizeOf } from '../../src/tensor/tensor.ts';

/** A model with the input that it is asked about. */
export interface Work {
  readonly title: string;
  readonly model: string;
  readonly input: string;
  readonly shape: readonly number[];
}

/** Integrated gradients of 50 steps at the input, of element i = sin(i) against zeros. @returns their sum */
export async function explainOnce(model: LoadedModel, { input, shape }: Work): Promise<number> {
  const x = float32(
    shape,
    filled(new Float32Array(sizeOf(shape)), (i) => Math.sin(i)),
  );
  const [{ document }] = await explain(model, new Map([[input, x]]), {
    methods: ['integrated-gradients'],
    layers: ['input'],
    baseline: { kind: 'zero' },
    parameters: { 'integrated-gradients': { steps: 50, nodes: 'even', tolerance: 0 } },
  });
  return document.sum;
}
