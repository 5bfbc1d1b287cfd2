import { filled, mapped } from '../tensor/filled.ts';
import { random } from '../tensor/random.ts';
import type { AttributionMap } from './map.ts';
import type { Explanation } from './metrics/metric.ts';
import { quantile } from './statistics.ts';

/**
 * Explanations that run with every comparison and judge the metrics: one that should do well, what the methods agree on,
 * and two that are wrong on purpose.
 */
export const controlNames = ['consensus', 'random', 'inverted'] as const;

export type ControlName = (typeof controlNames)[number];

const titles: Readonly<Record<ControlName, string>> = {
  consensus: 'consensus (control)',
  random: 'random (control)',
  inverted: 'inverted consensus (control)',
};

export const controlTitle = (name: ControlName): string => titles[name];

/** Normal noise with the usual magnitude of the methods' maps. It explains the same whatever it is asked, as it knows nothing. */
export function randomControl(maps: readonly AttributionMap[], groups: number, seed: number): Explanation {
  const source = random(seed, 4);
  // The mean magnitude of a normal sample is √(2/π).
  const scale = typicalMagnitude(maps) / groups / Math.sqrt(2 / Math.PI);
  const map = { values: filled(new Float64Array(groups), () => scale * source.normal()) };
  return { map, again: async () => map };
}

/**
 * What the methods agree on: the mean of their maps, each divided by its own magnitude Σ|A|, at the median magnitude.
 * @returns undefined where every map is 0
 */
export function consensusControl(maps: readonly AttributionMap[], groups: number): Explanation | undefined {
  const magnitude = typicalMagnitude(maps);
  const values = new Float64Array(groups);
  let used = 0;
  for (const map of maps) {
    const size = magnitudeOf(map);
    if (size === 0) continue;
    used++;
    for (let i = 0; i < groups; i++) values[i] += map.values[i] / size;
  }
  if (used === 0) return undefined;
  return { map: { values: values.map((value) => (value * magnitude) / used) } };
}

/** The opposite of the consensus. Inverting a single method would prove little where that method is bad. */
export function invertedControl(maps: readonly AttributionMap[], groups: number): Explanation | undefined {
  const agreed = consensusControl(maps, groups);
  return agreed && { map: { values: agreed.map.values.map((value) => -value) } };
}

/** A control of one input, made of the maps of the methods. @returns undefined where every map is 0 */
export function controlOf(
  name: ControlName,
  maps: readonly AttributionMap[],
  groups: number,
  seed: number,
): Explanation | undefined {
  switch (name) {
    case 'random':
      return randomControl(maps, groups, seed);
    case 'consensus':
      return consensusControl(maps, groups);
    case 'inverted':
      return invertedControl(maps, groups);
  }
}

function magnitudeOf({ values }: AttributionMap): number {
  return values.reduce((sum, value) => sum + Math.abs(value), 0);
}

/** Median of Σ|A| over the maps that are not 0; 1 where all are. */
function typicalMagnitude(maps: readonly AttributionMap[]): number {
  const sizes = mapped(Float64Array, maps, magnitudeOf)
    .filter((size) => size > 0)
    .sort();
  return sizes.length ? quantile(sizes, 0.5) : 1;
}
