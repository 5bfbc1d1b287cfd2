import { quantile } from '../../evaluation/statistics.ts';
import { random } from '../../tensor/random.ts';
import type { Candidate, DoneTraining } from './verification.ts';

/**
 * How well costs alone tell images of the data from look-alikes outside, over a whole stratum. It is no verdict on any
 * one image.
 */
export interface MembershipTest {
  readonly stratum: string;
  readonly members: number;
  readonly lookAlikes: number;
  /** AUC of a low cost under a model trained on all of the data. */
  readonly own: Auc;
  /** AUC of the cost under models that saw neither kind less that cost; absent without an arm `traced`. */
  readonly against?: Auc;
}

/** .5: members and look-alikes cannot be told apart. */
export interface Auc {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

const resamples = 1000;

/**
 * The area under the ROC curve of two scores of membership, by stratum, with 95 % intervals by a bootstrap over images.
 * Costs are means over seeds. Source: Carlini et al. 2022 (S&P) for the difference to reference models.
 */
export function membershipTests(
  trainings: readonly DoneTraining[],
  candidates: readonly Candidate[],
): readonly MembershipTest[] {
  const costOf = (arm: string) => {
    const some = trainings.filter((one) => one.arm === arm);
    return ({ id }: Candidate) => some.reduce((sum, { costs }) => sum + costs[id].whole / some.length, 0);
  };
  const [own, reference] = [costOf('full'), costOf('traced')];
  const hasReference = trainings.some(({ arm }) => arm === 'traced');
  const tests: MembershipTest[] = [];
  for (const stratum of new Set(candidates.map((one) => one.stratum))) {
    const some = candidates.filter((one) => one.stratum === stratum);
    const [members, others] = [some.filter(({ member }) => member), some.filter(({ member }) => !member)];
    if (members.length < 2 || others.length < 2) continue;
    const auc = (score: (one: Candidate) => number) => aucOf(members.map(score), others.map(score));
    tests.push({
      stratum,
      members: members.length,
      lookAlikes: others.length,
      own: auc((one) => -own(one)),
      ...(hasReference && { against: auc((one) => reference(one) - own(one)) }),
    });
  }
  return tests;
}

function aucOf(positives: readonly number[], negatives: readonly number[]): Auc {
  const source = random(0, 41);
  const drawn = (values: readonly number[]) => values.map(() => values[source.integer(values.length)]);
  const means = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) means[r] = area(drawn(positives), drawn(negatives));
  means.sort();
  return { mean: area(positives, negatives), low: quantile(means, 0.025), high: quantile(means, 0.975) };
}

/** The share of pairs in which the positive scores higher; equal ones count half. */
function area(positives: readonly number[], negatives: readonly number[]): number {
  const sorted = Float64Array.from(negatives).sort();
  const below = (value: number, alsoEqual: boolean) => {
    let [from, to] = [0, sorted.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (sorted[middle] < value || (alsoEqual && sorted[middle] === value)) from = middle + 1;
      else to = middle;
    }
    return from;
  };
  let sum = 0;
  for (const value of positives) sum += (below(value, false) + below(value, true)) / 2;
  return sum / (positives.length * negatives.length);
}
