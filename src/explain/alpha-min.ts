import type { ModelInput } from '../data/inputs/model-input.ts';
import { WhereforeError } from '../errors.ts';
import type { Comparison } from '../evaluation/comparison.ts';
import { defaultAlphaMin, tuneAlphaMin } from '../evaluation/msi.ts';
import type { MetricChoice } from '../evaluation/score.ts';
import { choose, random } from '../tensor/random.ts';
import { sourceOf } from './evaluation/inputs.ts';

/** The images on which α_min is tuned: a quarter, with all their variants. */
export function calibrationSources(inputs: readonly ModelInput[], seed: number): string[] {
  const sources = [...new Set(inputs.map(sourceOf))];
  if (sources.length < 2) {
    throw new WhereforeError('invalid-argument', 'α_min is tuned on inputs that are not reported', {
      got: `${sources.length} input`,
      expected: 'at least 2',
      fix: 'give more inputs, or a number for --alpha-min',
    });
  }
  return Array.from(choose(sources.length, Math.ceil(sources.length / 4), random(seed, 302)), (i) => sources[i]).sort();
}

/** The MSI that α_min is tuned by: the first that is asked for, at the default α_min, below and above which it is known. */
export function calibrationMetric(asked: readonly MetricChoice[]): MetricChoice {
  const found = asked.find(({ name }) => name.startsWith('msi-'));
  if (found) return withAlphaMin(found, defaultAlphaMin);
  throw new WhereforeError('invalid-argument', 'α_min belongs to MSI, which is not asked for', {
    fix: 'add --metric msi-literal, or leave --alpha-min out',
  });
}

export function withAlphaMin(choice: MetricChoice, alphaMin: number): MetricChoice {
  return choice.name.startsWith('msi-') ? { ...choice, parameters: { ...choice.parameters, alphaMin } } : choice;
}

/** The α_min with the best mean MSI of all methods; the controls have no say. */
export function tunedAlphaMin({ rows, metrics }: Comparison): number {
  const preset = metrics[0] === 'msi-tolerant' ? 'tolerant' : 'literal';
  const profiles = rows.flatMap(({ control, profile }) =>
    control || !profile ? [] : [profile.alphaMin.map((alphaMin, i) => ({ alphaMin, msi: profile[preset][i] }))],
  );
  return tuneAlphaMin(profiles);
}
