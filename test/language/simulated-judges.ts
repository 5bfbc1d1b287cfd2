import { type CorrectedMean, predictionPowered } from '../../src/language/judge/prediction-powered.ts';
import { normals, random } from '../../src/tensor/random.ts';

export interface SimulatedJudge {
  readonly name: string;
  /** Standard deviation of what it says about people's opinion, and how far it is off in the mean. */
  readonly error: number;
  readonly bias: number;
}

export const simulatedJudges: readonly SimulatedJudge[] = [
  { name: 'a good judge', error: 0.2, bias: 0 },
  { name: 'a judge that is off by .4', error: 0.2, bias: 0.4 },
  { name: 'a judge that knows little', error: 2, bias: 0 },
];

/** What people like, as a share of all items. */
const truth = 0.6;
const [ratedByPeople, ratedByJudge] = [30, 500];

/** Items of which people like 60 %; a judge has rated all, people the first 30. */
export function simulatedRating(seed: number, { error, bias }: SimulatedJudge): CorrectedMean {
  const source = random(seed);
  const count = ratedByPeople + ratedByJudge;
  const labels = Array.from({ length: count }, () => (source.uniform() < truth ? 1 : 0));
  const noise = normals(count, random(seed, 1));
  const judged = labels.map((label, i) => label + bias + error * noise[i]);
  return predictionPowered(labels.slice(0, ratedByPeople), judged.slice(0, ratedByPeople), judged.slice(ratedByPeople));
}

/** How many intervals hold the truth, and how long they are beside those of the people's ratings alone. */
export function coverage(judge: SimulatedJudge, runs: number): { readonly covered: number; readonly shorter: number } {
  let [covered, shorter] = [0, 0];
  for (let seed = 0; seed < runs; seed++) {
    const { low, high, peopleAlone } = simulatedRating(seed, judge);
    if (low <= truth && high >= truth) covered++;
    shorter += (high - low) / (peopleAlone.high - peopleAlone.low) / runs;
  }
  return { covered, shorter };
}
