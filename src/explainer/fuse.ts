import { WhereforeError } from '../errors.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import type { Model } from '../runtime/model.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { sizeOf, type Tensor } from '../tensor/tensor.ts';
import type { Classifier } from './classifier.ts';
import { compareFused, type FusedComparison } from './compare-fused.ts';
import { canAppend, type ExplainerFacts, fusedModel, maskOutput, standardOpset } from './explainer-model.ts';
import type { TrainingModel } from './training-model.ts';

/** Masks lie between 0 and 1; float32 sums in another order differ in the last digits. */
const tolerance = 1e-3;

/**
 * The model with the trained explainer beside it, and whether it still predicts the same bits, found by running both.
 *
 * The file's own nodes are kept where possible. The gradient of a class is written with operators of the newest opset;
 * for an older file they are written as its opset has them, and kept only if the runtime takes them and the mask is the
 * same as with the lowered nodes.
 */
export async function fuse(
  model: Model,
  trained: OnnxModel,
  training: TrainingModel,
  classifier: Classifier,
  facts: ExplainerFacts,
  images: Tensor<'float32'>,
): Promise<{ readonly fused: OnnxModel; readonly comparison: FusedComparison }> {
  const { source } = model;
  const { runtime } = model.executor;
  const lowered = { ...model.executor.model, graph: model.graph };
  const made = (keeps: boolean) => fusedModel(source, trained, training, classifier, lowered, facts, keeps);
  let keeps = canAppend(source, lowered, training, classifier);
  if (keeps && training.points.length > 0 && standardOpset(source) < standardOpset(lowered))
    keeps = await hasSameMask(made(true), made(false), classifier.input, images, runtime);
  const fused = made(keeps);
  return { fused, comparison: await compareFused(source, fused, classifier.input, images, runtime, keeps) };
}

/** Whether the runtime takes the first model and finds the masks in it that it finds in the second. */
async function hasSameMask(
  one: OnnxModel,
  other: OnnxModel,
  input: string,
  images: Tensor<'float32'>,
  runtime: Runtime,
): Promise<boolean> {
  const first = { ...images, shape: [1, ...images.shape.slice(1)] };
  const data = images.data.slice(0, sizeOf(first.shape));
  const maskOf = async (model: OnnxModel) => {
    const session = await runtime.open(model, { optimization: 'none', prepack: false });
    try {
      const results = await session.run(new Map([[input, { ...first, data }]]), [maskOutput]);
      return (results.get(maskOutput) as Tensor<'float32'>).data;
    } finally {
      await session.release();
    }
  };
  const expected = await maskOf(other);
  try {
    const found = await maskOf(one);
    return found.length === expected.length && found.every((value, i) => Math.abs(value - expected[i]) <= tolerance);
  } catch (error) {
    // The runtime refuses what the older opset does not have.
    if (error instanceof WhereforeError && error.code === 'runtime') return false;
    throw error;
  }
}
