import type { GraphBuilder } from '../onnx/builder.ts';
import { float32 } from '../tensor/tensor.ts';
import { logits, prefix } from './adapter.ts';
import { information, slope } from './bottleneck.ts';
import type { Classifier } from './classifier.ts';
import { bestPixels, standardised } from './ranking.ts';
import type { PixelStatistics } from './references.ts';
import { secondPass } from './second-pass.ts';
import type { LaxSettings } from './settings.ts';

/** Inputs that training adds to those of the model. */
export const trainingInputs = {
  /** Which of the most probable classes is explained, 0 the predicted one; int64 `[N, 1]`. */
  rank: `${prefix}rank`,
  /** The threshold `a` of each sample: α_min, or drawn above it; `[N, 1, 1, 1]`. */
  threshold: `${prefix}threshold`,
  /** How many of the best pixels the ranking keeps and removes, int64 `[N, 1]`. */
  moved: `${prefix}moved`,
  /** What stands for an absent pixel, of the input's shape. */
  reference: `${prefix}reference`,
  /** τ, no axes. */
  temperature: `${prefix}temperature`,
  /** λ_a of the step, no axes. */
  minimality: `${prefix}minimality`,
} as const;

/** Names of what the objective computes for each sample, `[N]`. */
export const objectiveOutputs = {
  loss: `${prefix}loss`,
  sufficiency: `${prefix}sufficiency`,
  necessity: `${prefix}necessity`,
  area: `${prefix}area`,
  variation: `${prefix}variation`,
  saturated: `${prefix}saturated`,
  /** Probability of the class on what the mask keeps, and on what it leaves. */
  kept: `${prefix}kept`,
  removed: `${prefix}removed`,
} as const;

const small = 1e-6;

/** ε of the ranking: a curve that cannot rise yet must not outweigh the others. */
const rankingFloor = 0.05;

/** The class that is explained: the `rank`-th most probable one, int64 `[N]`. */
export function explainedClass(builder: GraphBuilder, scores: string, classes: number, topClasses: number): string {
  const flat = builder.op('Flatten', [scores], { axis: 1 });
  const k = builder.ints([Math.min(topClasses, classes)]);
  const [, order] = builder.ops('TopK', [flat, k], { axis: -1 }, { outputs: 2 });
  const chosen = builder.op('GatherElements', [order, trainingInputs.rank], { axis: 1 });
  return builder.op('Reshape', [chosen, builder.ints([-1])]);
}

/**
 * Appends the objective of a mask m for a class c, with the teacher `p = softmax f(x)`, the soft threshold
 * `s(m, a) = σ((m − a)/τ)`, `k0 = s(m, α_min)`, `ka = s(m, a)`, a reference b and two mixtures for every k:
 * `keep(k) = k·x + (1−k)·b`, `remove(k) = (1−k)·x + k·b`:
 *
 * - sufficiency `KL(p ‖ f(keep ka))`
 * - necessity `−log(1 − f(remove ka)_c + 1e-4)`
 * - area `mean k0 + λ_g·(a − α_min)/(1 − α_min)·mean ka`, variation `mean |∂m|`
 * - ranking `−log(f(keep kn)_c + ε) − λ_d·log(1 − f(remove kn)_c + ε)`, kn being 1 for the n best pixels and 0 for the
 *   others, with the gradient of `σ(ℓ − ℓ_n)` where ℓ is the mask before its sigmoid, standardised over the image
 *   (straight through, Bengio et al. 2013, arXiv 1308.3432): soft pixels would let through what single ones do not;
 *   without it two mixtures are enough
 * - loss `sufficiency + λ_n·necessity + λ_a·area + λ_r·ranking + λ_tv·variation`
 *
 * For another class than the predicted one the sufficiency asks only that c does not lose probability: the divergence
 * of (p_c, 1 − p_c), 0 where f gives c as much as it had. With the information bottleneck half of it is that of
 * `m·x + (1−m)·ε`, and the area the nats that pass it (Schulz et al. 2020, arXiv 2001.00396, eq. 6).
 */
export function appendObjective(
  builder: GraphBuilder,
  classifier: Classifier,
  mask: string,
  label: string,
  settings: LaxSettings,
  statistics: PixelStatistics,
): void {
  const { input, layout, classes, scores } = classifier;
  const op = (name: string, inputs: readonly string[], attributes = {}) => builder.op(name, inputs, attributes);
  const scalar = (value: number) => builder.scalar(value);
  const minus = (a: string, b: string) => op('Sub', [a, b]);
  const times = (a: string, b: string) => op('Mul', [a, b]);
  const plus = (a: string, b: string) => op('Add', [a, b]);
  const total = (terms: readonly string[]) => terms.reduce(plus);
  const perSample = (name: string, kind: 'ReduceSum' | 'ReduceMean') =>
    op(kind, [op('Flatten', [name], { axis: 1 }), builder.ints([-1])], { keepdims: 0 });
  const soft = (threshold: string) => op('Sigmoid', [op('Div', [minus(mask, threshold), trainingInputs.temperature])]);

  const k0 = soft(scalar(settings.threshold));
  const ka = soft(trainingInputs.threshold);
  const isInformation = settings.bottleneck === 'information';
  const overInput = (name: string) =>
    layout.channelAxis === 1 ? name : op('Reshape', [name, builder.ints([0, layout.height, layout.width, 1])]);
  const difference = minus(input, trainingInputs.reference);
  const keep = (k: string) => plus(trainingInputs.reference, times(overInput(k), difference));
  const remove = (k: string) => minus(input, times(overInput(k), difference));
  const ranks = settings.ranking > 0;
  const kn = ranks ? bestPixels(builder, standardised(builder, logits), trainingInputs.moved) : '';
  const kept = isInformation ? [mask, ka] : [ka];
  const parts = [...kept.map(keep), remove(ka), ...(ranks ? [keep(kn), remove(kn)] : [])];
  const mixtures = op('Concat', parts, { axis: 0 });

  const mixed = secondPass(builder, classifier.onnx.graph, input, mixtures, scores);
  const logQ = builder.ops(
    'Split',
    [op('LogSoftmax', [op('Flatten', [mixed], { axis: 1 })], { axis: -1 })],
    { axis: 0, num_outputs: parts.length },
    { outputs: parts.length },
  );
  const logP = op('LogSoftmax', [op('Flatten', [scores], { axis: 1 })], { axis: -1 });
  const p = op('Exp', [logP]);
  const oneHot = op('OneHot', [label, builder.scalar(classes, 'int64'), builder.constant(float32([2], [0, 1]))], {
    axis: -1,
  });
  const ofClass = (distribution: string) => perSample(times(distribution, oneHot), 'ReduceSum');
  const pc = ofClass(p);
  const logKept = logQ.slice(0, kept.length);
  const [qRemove, qBest, qRest] = logQ.slice(kept.length).map((log) => ofClass(op('Exp', [log])));

  const divergence = (log: string) => perSample(times(p, minus(logP, log)), 'ReduceSum');
  const logRatio = (a: string, b: string) => op('Log', [op('Div', [plus(a, scalar(small)), plus(b, scalar(small))])]);
  const complement = (name: string) => minus(scalar(1), name);
  const lost = (log: string) => {
    const q = ofClass(op('Exp', [log]));
    const both = plus(times(pc, logRatio(pc, q)), times(complement(pc), logRatio(complement(pc), complement(q))));
    return times(op('Cast', [op('Less', [q, pc])], { to: 1 }), both);
  };
  const isOther = op('Reshape', [
    op('Cast', [op('Greater', [trainingInputs.rank, builder.scalar(0, 'int64')])], { to: 1 }),
    builder.ints([-1]),
  ]);
  const average = (terms: readonly string[]) => times(scalar(1 / terms.length), total(terms));
  const asPredicted = average(logKept.map(divergence));
  const asOther = average(logKept.map(lost));
  const sufficiency = plus(times(complement(isOther), asPredicted), times(isOther, asOther));
  const necessity = op('Neg', [op('Log', [plus(complement(qRemove), scalar(1e-4))])]);
  const surprise = (probability: string) => op('Neg', [op('Log', [plus(probability, scalar(rankingFloor))])]);
  // How far a lies between α_min and 1: what is kept at a higher threshold costs more, so that masks have grades.
  const height = op('Reshape', [
    op('Div', [minus(trainingInputs.threshold, scalar(settings.threshold)), scalar(1 - settings.threshold)]),
    builder.ints([-1]),
  ]);
  const graded = times(scalar(settings.grading), times(height, perSample(ka, 'ReduceMean')));
  const price = isInformation ? information(builder, mask, classifier, statistics) : perSample(k0, 'ReduceMean');
  const variation = total([2, 3].map((axis) => perSample(slope(builder, mask, axis), 'ReduceMean')));
  const ranked = ranks
    ? plus(surprise(qBest), times(scalar(settings.rankingNecessity), surprise(complement(qRest))))
    : '';
  const weighed = [
    sufficiency,
    times(scalar(settings.necessity), necessity),
    times(trainingInputs.minimality, plus(price, graded)),
    ...(ranks ? [times(scalar(settings.ranking), ranked)] : []),
    times(scalar(settings.variation), variation),
  ];
  const asFloat = (name: string) => op('Cast', [name], { to: 1 });
  const low = asFloat(op('Less', [mask, scalar(0.01)]));
  const high = asFloat(op('Greater', [mask, scalar(0.99)]));
  const results: Record<keyof typeof objectiveOutputs, string> = {
    loss: total(weighed),
    sufficiency,
    necessity,
    area: perSample(k0, 'ReduceMean'),
    variation,
    saturated: perSample(plus(low, high), 'ReduceMean'),
    kept: ofClass(op('Exp', [logKept[0]])),
    removed: qRemove,
  };
  for (const [what, name] of Object.entries(results)) {
    const output = objectiveOutputs[what as keyof typeof objectiveOutputs];
    builder.op('Identity', [name], {}, { name: output, outputs: [output] });
  }
}
