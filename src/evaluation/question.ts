import {
  type Baseline,
  describeBaseline,
  type InputBaseline,
  type InputLayout,
  resolveSingle,
} from '../attribution/baseline.ts';
import { explainedInputs } from '../attribution/explained.ts';
import { pointOf } from '../attribution/points.ts';
import { prepare } from '../attribution/prepare.ts';
import type { Prepared, WorkOptions } from '../attribution/prepared.ts';
import { isClassTarget, type Target, targetKinds } from '../attribution/targets/kinds/index.ts';
import { scaleOf } from '../attribution/targets/scale.ts';
import type { CompiledTarget } from '../attribution/targets/target.ts';
import { hasBatchAxis } from '../attribution/targets/target-source.ts';
import type { Facts } from '../autodiff/facts.ts';
import { WhereforeError } from '../errors.ts';
import type { Model } from '../runtime/model.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { float32, sizeOf, type Tensor } from '../tensor/tensor.ts';
import type { Question } from './evaluation-context.ts';
import { gathered, joined } from './gather.ts';
import { type FeatureGroups, type Grouping, groupsOf } from './groups.ts';
import type { AttributionMap } from './map.ts';

export type { Question } from './evaluation-context.ts';

export interface QuestionRequest extends WorkOptions {
  /** The input, a batch of one. */
  readonly inputs: Tensors;
  /** The class or output that was explained. */
  readonly target: Target;
  /** What removed features are replaced by. */
  readonly reference: Baseline;
  readonly explained?: readonly string[];
  readonly layout?: InputLayout;
  /** Axes that tell feature groups apart; default: those of space, else all. */
  readonly groupAxes?: Grouping['axes'];
  /** Feature groups that no axis tells apart: columns, words. */
  readonly groups?: Grouping['groups'];
  /** Side of the tiles of an image that are kept or removed as one. Default 1: pixel by pixel. */
  readonly regions?: Grouping['regions'];
  /** 1 for the groups that belong to the object, where boxes or masks are known. */
  readonly truth?: Uint8Array;
  /** Seed of everything that is drawn. Default 0. */
  readonly seed?: number;
}

/**
 * Readies a question for scoring.
 * @throws WhereforeError as `prepare`; `invalid-argument` where input and reference give the same output, so that there
 *   is nothing to score
 */
export async function ask(model: Model, request: QuestionRequest): Promise<Question> {
  const { inputs, target, layout = {}, seed = 0 } = request;
  const reference = singleReference(request.reference);
  const explained = request.explained ?? explainedInputs(model, reference);
  const groups = groupsOf(inputs, explained, layout, {
    axes: request.groupAxes,
    groups: request.groups,
    regions: request.regions,
  });
  checkTruth(request.truth, groups);
  const referenceInputs = resolveSingle(inputs, explained, reference, layout);

  const options: WorkOptions = {
    byteBudget: request.byteBudget,
    signal: request.signal,
    onProgress: request.onProgress,
    // Thresholds that choose the same groups share a point, so that every map asks for another number.
    fewSizes: true,
    sideBySide: true,
  };
  const asked = await prepare(model, inputs, target, options);
  const probability = probabilityTarget(target, asked.target);
  const confident = probability && probability !== target ? await prepare(model, inputs, probability, options) : asked;
  const separately = confident !== asked;
  const ends = joined([inputs, referenceInputs].map((tensors) => pointOf(onlyNamed(tensors, explained))));
  // Asked for together, so that the runtime need not wait for us between them.
  const atEnds = (separately ? [asked, confident] : [asked]).map((prepared) => prepared.evaluate(ends));
  const [[value, referenceValue], confidences] = (await Promise.all(atEnds)).map(({ target }) => target);

  const link = confidenceLink(probability, value, referenceValue, reference);
  const [confidence, referenceConfidence] = [...(confidences ?? [value, referenceValue])].map(link);
  const { classes, chance } = classesOf(model, target, asked.target);
  const at = (prepared: Prepared) => gathered(async (points) => (await prepared.evaluate(points)).target);
  const targetAt = at(asked);
  const confidentAt = separately ? at(confident) : targetAt;
  return {
    model,
    inputs,
    target,
    reference,
    referenceInputs,
    explained,
    layout,
    groups,
    truth: request.truth,
    seed,
    options,
    value,
    referenceValue,
    confidence,
    referenceConfidence,
    classes,
    chance,
    targetAt,
    confidenceAt: async (points) => (await confidentAt(points)).map(link),
    passes: () =>
      separately
        ? {
            forward: asked.passes.forward + confident.passes.forward,
            backward: asked.passes.backward + confident.passes.backward,
          }
        : { ...asked.passes },
  };
}

/**
 * `p̂ = clip((c − c(b)) / (c(x) − c(b)), 0, 1)`: 0 at the reference (chance), 1 at the input. The divisor is at least 0.001
 * in size.
 */
export function normalisedConfidence(question: Question, value: number): number {
  const { confidence, referenceConfidence } = question;
  const sign = signOf(question);
  const range = Math.max(sign * (confidence - referenceConfidence), 1e-3);
  return Math.min(1, Math.max(0, (sign * (value - referenceConfidence)) / range));
}

/**
 * 1 where the confidence rises from the reference to the input, −1 where it falls. There the features that are to be found
 * are those that lower it: the most relevant are the most negative.
 */
export function signOf({ confidence, referenceConfidence }: Question): 1 | -1 {
  return confidence < referenceConfidence ? -1 : 1;
}

/** A map with what accounts for the difference from the reference positive. A mask has no sign and stays. */
export function towardsInput(question: Question, map: AttributionMap): AttributionMap {
  if (map.absolute || signOf(question) > 0) return map;
  return { ...map, values: map.values.map((value) => -value) };
}

/** Removing features needs one reference: of a sample its mean. @throws WhereforeError `wrong-type` for tokens, which have none */
function singleReference(reference: Baseline): Baseline {
  if (reference.kind === 'each') {
    const single = [...reference.baselines].map(
      ([name, own]) => [name, singleReference(own) as InputBaseline] as const,
    );
    return { kind: 'each', baselines: new Map(single) };
  }
  if (reference.kind !== 'sample') return reference;
  const tensors = new Map([...reference.tensors].map(([name, sample]) => [name, meanOf(name, sample)]));
  return { kind: 'input', tensors, description: `mean of ${reference.description}` };
}

function meanOf(name: string, sample: Tensor): Tensor<'float32'> {
  if (sample.type !== 'float32') {
    throw new WhereforeError('wrong-type', 'a sample of baselines has no mean to replace features by', {
      got: `"${name}" of ${sample.type}`,
      fix: 'state another reference',
    });
  }
  const [count, ...rest] = sample.shape;
  const size = sizeOf(rest);
  const mean = new Float64Array(size);
  (sample.data as Float32Array).forEach((value, i) => {
    mean[i % size] += value / count;
  });
  return float32([1, ...rest], mean);
}

/** The target that says how probable the explained one is; undefined where nothing does. */
function probabilityTarget(target: Target, { facts, output }: CompiledTarget): Target | undefined {
  return targetKinds[target.kind].probability?.(target, rowSize(facts, output) === 1) as Target | undefined;
}

/** Numbers that an output has for one input. */
function rowSize({ shapes }: Facts, output: string): number {
  const shape = shapes.get(output) ?? [];
  return sizeOf(hasBatchAxis(shape) ? shape.slice(1) : shape);
}

function confidenceLink(probability: Target | undefined, value: number, referenceValue: number, reference: Baseline) {
  if (probability) return targetKinds[probability.kind].probabilityOf ?? ((value: number) => value);
  const difference = value - referenceValue;
  if (Math.abs(difference) < 1e-6) {
    throw new WhereforeError(
      'invalid-argument',
      'the output at the input and at the reference are the same: there is nothing to score',
      {
        got: `${value} and ${referenceValue} (${describeBaseline(reference)})`,
        fix: 'choose another reference',
      },
    );
  }
  return (output: number) => (output - referenceValue) / difference;
}

function classesOf(model: Model, target: Target, compiled: CompiledTarget): Pick<Question, 'classes' | 'chance'> {
  const { facts, output } = compiled;
  if (!probabilityTarget(target, compiled)) return { classes: undefined, chance: undefined };
  const shape = facts.shapes.get(output) ?? [];
  const numbers = targetKinds[target.kind].names === 'tokens' ? (shape.at(-1) as number) : rowSize(facts, output);
  const stated = isClassTarget(target) ? target : undefined;
  const scale = scaleOf(model.graph, output, stated?.scale);
  const classes = numbers === 1 && stated?.binary ? 2 : numbers;
  const alone = numbers === 1 || scale === 'sigmoid' || scale === 'independent';
  return { classes, chance: alone ? 0.5 : 1 / classes };
}

function checkTruth(truth: Uint8Array | undefined, groups: FeatureGroups): void {
  if (!truth || truth.length === groups.count) return;
  throw new WhereforeError('wrong-shape', 'the mask of the object does not fit the input', {
    got: `${truth.length} values`,
    expected: `${groups.count}, one for each of ${groups.shape.join('×')} feature groups`,
  });
}

/** The named tensors of a set. */
export function onlyNamed(tensors: Tensors, names: readonly string[]): Tensors {
  return new Map(names.map((name) => [name, tensors.get(name) as Tensor]));
}
