import type { Dataset } from '../dataset/dataset.ts';
import { WhereforeError } from '../errors.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { extractSubgraph } from '../onnx/lowering/extract.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { filled } from '../tensor/filled.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import { paddedBatch } from '../train/batch.ts';
import { objectiveOutputs, trainingInputs } from './objective.ts';
import type { LaxSettings } from './settings.ts';

/** How good an explainer is on images that it is not trained on; means over them. */
export interface Validation {
  /** Counted from 1. */
  readonly epoch: number;
  readonly loss: number;
  readonly sufficiency: number;
  readonly necessity: number;
  /** Share of the pixels with a mask above α_min. */
  readonly area: number;
  /** Share of the pixels with a mask below 0.01 or above 0.99. */
  readonly saturated: number;
  /** Probability of the class on what is above α_min alone, and without it. */
  readonly kept: number;
  readonly removed: number;
  /** `kept − removed`. */
  readonly separation: number;
}

/** So low a temperature makes the soft threshold a hard one. */
const hard = 1e-3;

/** Runs the objective over the samples, thresholds being hard. */
export async function validate(
  model: OnnxModel,
  samples: Dataset,
  settings: LaxSettings,
  runtime: Runtime,
  epoch: number,
): Promise<Validation> {
  const names = Object.values(objectiveOutputs);
  const graph = extractSubgraph(model.graph, { inputs: model.graph.inputs, outputs: names });
  const size = Math.min(settings.batchSize, samples.length);
  const totals = new Map<string, number>(names.map((name) => [name, 0]));
  const session = await runtime.open({ ...model, graph }, { prepack: false });
  try {
    for (let start = 0; start < samples.length; start += size) {
      const count = Math.min(size, samples.length - start);
      const positions = filled(new Uint32Array(count), (i) => start + i);
      const { inputs } = await paddedBatch(samples, positions, size, 0);
      const feeds = new Map([
        ...inputs,
        [trainingInputs.threshold, float32([size, 1, 1, 1], new Float32Array(size).fill(settings.threshold))],
        [trainingInputs.temperature, float32([], [hard])],
        [trainingInputs.minimality, float32([], [settings.minimality])],
      ]);
      const results = await session.run(feeds, names);
      for (const name of names) {
        const { data } = results.get(name) as Tensor<'float32'>;
        totals.set(name, (totals.get(name) as number) + data.subarray(0, count).reduce((a, b) => a + b, 0));
      }
    }
  } finally {
    await session.release();
  }
  const mean = (what: keyof typeof objectiveOutputs) => (totals.get(objectiveOutputs[what]) as number) / samples.length;
  const [kept, removed] = [mean('kept'), mean('removed')];
  return {
    epoch,
    loss: mean('loss'),
    sufficiency: mean('sufficiency'),
    necessity: mean('necessity'),
    area: mean('area'),
    saturated: mean('saturated'),
    kept,
    removed,
    separation: kept - removed,
  };
}

/** What a mask has become that explains nothing. */
export type Collapse = 'all' | 'nothing';

/** A mask over everything, or one over (almost) nothing that tells nothing either. */
export function collapseOf({ area, separation }: Validation): Collapse | undefined {
  if (area > 0.98) return 'all';
  return area < 0.005 && separation < 0.05 ? 'nothing' : undefined;
}

/** @throws WhereforeError `collapsed` when the last two validations (or the last of the training) show the same collapse. */
export function checkCollapse(validations: readonly Validation[], isLast: boolean, settings: LaxSettings): void {
  const [last, before] = validations.toReversed();
  const collapse = collapseOf(last);
  if (!collapse || !(isLast || (before && collapseOf(before) === collapse))) return;
  const { area, separation, saturated, epoch } = last;
  throw new WhereforeError('collapsed', `the explainer collapsed: it keeps ${collapse} of the image`, {
    where: `epoch ${epoch}`,
    got: `area ${area.toFixed(3)}, separation ${separation.toFixed(3)}, saturated ${saturated.toFixed(3)}`,
    expected: 'an area between 0.005 and 0.98',
    fix:
      collapse === 'all'
        ? `raise the weight of minimality (now ${settings.minimality}), or use references under which the prediction falls`
        : `lower the weight of minimality (now ${settings.minimality}) or the learning rate (now ${settings.learningRate}), or lengthen the warm-up`,
  });
}
