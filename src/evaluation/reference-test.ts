import { type Baseline, describeBaseline, resolveSingle } from '../attribution/baseline.ts';
import type { Points } from '../attribution/points.ts';
import { WhereforeError } from '../errors.ts';
import { minOf } from '../tensor/extremes.ts';
import { concatRows, type Tensor } from '../tensor/tensor.ts';
import type { Question } from './question.ts';

/** Whether a reference holds nothing of what is explained. */
export interface ReferenceTest {
  readonly description: string;
  /** `c(b)`. */
  readonly confidence: number;
  /** Confidence of a guess, and the most that a reference may have; of a table, the least difference from the input. */
  readonly chance: number;
  readonly limit: number;
  readonly passes: boolean;
  /** Other references; empty where the first passes. */
  readonly alternatives: readonly {
    readonly baseline: Baseline;
    readonly description: string;
    readonly confidence: number;
    readonly passes: boolean;
  }[];
  /** One sentence for the report; undefined where it passes. */
  readonly warning: string | undefined;
}

/** How far above chance a reference may be, as a share of what is left to certainty. */
export const defaultTolerance = 0.1;

/** Differences of confidence below this leave little to explain. */
const leastDifference = 0.05;

/**
 * Tests the reference of a question. Of images, series and texts its confidence must be near chance, `c(b) ≤ chance + tolerance·(1 − chance)`.
 * A reference that still shows the object rewards the wrong masks (a blur that left small objects visible ranked a
 * dilated mask above the perfect one). Where it fails, others are tried and those that pass are named.
 *
 * The reference of a table is an average or another row, of which the model says what it says of most: nothing is hidden,
 * two rows are compared. There only the difference must be large enough, `|c(x) − c(b)| ≥ 0.05`.
 * @returns undefined for a target without a chance level (a regression, a detection)
 */
export async function testReference(
  question: Question,
  tolerance = defaultTolerance,
): Promise<ReferenceTest | undefined> {
  const { chance, reference, referenceConfidence: confidence } = question;
  if (chance === undefined) return undefined;
  if (isTable(question)) return testDifference(question, chance);
  const limit = chance + tolerance * (1 - chance);
  const description = describeBaseline(reference);
  if (confidence <= limit)
    return { description, confidence, chance, limit, passes: true, alternatives: [], warning: undefined };
  const others = otherReferences(question);
  const confidences = await question.confidenceAt(referencePoints(question, others));
  const alternatives = others.map((baseline, i) => ({
    baseline,
    description: describeBaseline(baseline),
    confidence: confidences[i],
    passes: confidences[i] <= limit,
  }));
  const passing = alternatives.filter((alternative) => alternative.passes).sort((a, b) => a.confidence - b.confidence);
  const advice = passing.length
    ? `these would pass: ${passing.map((alternative) => `${alternative.description} (${percent(alternative.confidence)})`).join(', ')}`
    : 'none of the default references passes either';
  const warning = `the reference (${description}) still gives the explained class ${percent(confidence)}, where at most ${percent(limit)} is near chance: scores may rank wrongly; ${advice}`;
  return { description, confidence, chance, limit, passes: false, alternatives, warning };
}

/** Floats without axes of space. */
function isTable({ explained, inputs, layout }: Question): boolean {
  return !layout.spatialAxes?.length && explained.every((name) => inputs.get(name)?.type === 'float32');
}

function testDifference(question: Question, chance: number): ReferenceTest {
  const { reference, referenceConfidence: confidence, confidence: own } = question;
  const description = describeBaseline(reference);
  const passes = Math.abs(own - confidence) >= leastDifference;
  const warning = passes
    ? undefined
    : `the explained class is as likely at the reference (${description}, ${percent(confidence)}) as at the input (${percent(own)}): there is little to explain, and scores of such a row are mostly noise`;
  return { description, confidence, chance, limit: leastDifference, passes, alternatives: [], warning };
}

const percent = (share: number) => `${Number((100 * share).toPrecision(3))} %`;

/** References that suit the kind of input, other than the one in use. */
function otherReferences({ explained, inputs, layout, reference }: Question): Baseline[] {
  const first = inputs.get(explained[0]) as Tensor;
  if (first.type === 'int64')
    return [0, 1, 2].map((id): Baseline => ({ kind: 'tokens', id })).filter((other) => !same(other, reference));
  const side = minOf((layout.spatialAxes ?? []).map((axis) => first.shape[axis]));
  const blurs: Baseline[] = layout.spatialAxes?.length
    ? [8, 4, 2].map((part) => ({ kind: 'blur', sigma: Math.max(1, Math.round(side / part)) }))
    : [];
  // Normal noise leaves the range of bytes.
  const noise: Baseline[] = first.type === 'float32' ? [{ kind: 'noise', seed: 0 }] : [];
  const candidates: Baseline[] = [{ kind: 'zero' }, { kind: 'mean' }, ...noise, ...blurs];
  return candidates.filter((other) => !same(other, reference));
}

function same(a: Baseline, b: Baseline): boolean {
  return a.kind !== 'input' && a.kind !== 'sample' && a.kind !== 'each' && JSON.stringify(a) === JSON.stringify(b);
}

/** The inputs at each of several references. */
export function referencePoints({ explained, inputs, layout }: Question, references: readonly Baseline[]): Points {
  if (references.length === 0) throw new WhereforeError('invalid-argument', 'no references to compare');
  return {
    cut: explained,
    count: references.length,
    at: (start, end) =>
      new Map(
        explained.map((name) => [
          name,
          concatRows(
            references
              .slice(start, end)
              .map((reference) => resolveSingle(inputs, explained, reference, layout).get(name) as Tensor),
          ),
        ]),
      ),
  };
}
