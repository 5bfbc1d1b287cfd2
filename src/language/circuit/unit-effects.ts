import { WhereforeError } from '../../errors.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import type { LogitWeights } from '../where/logit-weights.ts';
import { readDirection } from '../where/unembedding.ts';
import { type AttentionPattern, attentionPatterns } from './attention-patterns.ts';
import type { ComponentProgram } from './component-program.ts';
import { between, type TwoRuns } from './edge-attribution.ts';
import { headName } from './edge-graph.ts';
import { type PatchedValue, patchedRuns } from './patched-runs.ts';
import { gradientsFrom, type Values, valuesFrom } from './vectors.ts';

/** What a head or a neuron is for, each tried alone. */
export interface UnitEffect {
  /** `layer.0/head.2`, `layer.0/neuron.17`. */
  readonly name: string;
  /** What F loses where the unit's values are their mean over the tokens of the text. */
  readonly ablation: number;
  /** The clean run with this unit's values of the corrupted one: 1 where that alone breaks the answer. */
  readonly noising: number;
  /** The corrupted run with this unit's clean values: 1 where that alone restores it. */
  readonly denoising: number;
}

export interface HeadEffect extends UnitEffect {
  readonly layer: number;
  readonly head: number;
  /** What the head writes toward F by itself: direct logit attribution. */
  readonly direct: number;
  readonly pattern: AttentionPattern;
}

export interface NeuronEffect extends UnitEffect {
  readonly layer: number;
  readonly neuron: number;
  /** To first order what F loses when the neuron is corrupted: what neurons were chosen by. */
  readonly estimate: number;
}

/** One text and what is looked at behind it. */
export interface Looked {
  readonly ids: readonly number[];
  readonly weights: LogitWeights;
}

/** F of the clean and the corrupted text, and what each head does. */
export async function headEffects(program: ComponentProgram, runs: TwoRuns, looked: Looked): Promise<HeadEffect[]> {
  const { attentions } = program.components;
  const names = attentions.flatMap(({ mixed, weights }) => [mixed, weights]);
  const own = await valuesFrom(program.language, runs.clean, names, program);
  const other = await valuesFrom(
    program.language,
    runs.corrupted,
    attentions.map(({ mixed }) => mixed),
    program,
  );
  const values = attentions.map(({ mixed, heads }) => ({ value: mixed, units: heads, kind: 'head' as const }));
  const units = attentions.flatMap(({ mixed, heads }) =>
    Array.from({ length: heads }, (_, unit) => ({ value: mixed, unit })),
  );
  const effects = await unitEffects(program, { runs, looked, own, other, values, units });
  const direct = await directOf(program, runs, looked);
  let at = 0;
  return attentions.flatMap((block) => {
    const patterns = attentionPatterns(own.get(block.weights) as Tensor<'float32'>, looked.ids);
    return patterns.map((pattern, head): HeadEffect => {
      const name = headName(block, head);
      return { name, layer: block.layer, head, ...effects[at++], direct: direct.get(name) ?? 0, pattern };
    });
  });
}

/** The neurons with the largest estimates, and what each does. */
export async function neuronEffects(
  program: ComponentProgram,
  runs: TwoRuns,
  looked: Looked,
  { count, steps }: { readonly count: number; readonly steps: number },
): Promise<NeuronEffect[]> {
  const { mlps } = program.components;
  if (mlps.length === 0 || count === 0) return [];
  const hidden = mlps.map((mlp) => mlp.hidden);
  const own = await valuesFrom(program.language, runs.clean, hidden, program);
  const other = await valuesFrom(program.language, runs.corrupted, hidden, program);
  const slopes = await meanHiddenSlopes(program, runs, hidden, steps);
  const all = mlps.flatMap(({ layer, hidden: value, neurons }) => {
    const [a, b, slope] = [own, other, slopes].map((values) => values.get(value)?.data as Float32Array);
    const estimates = new Float64Array(neurons);
    for (let i = 0; i < a.length; i++) estimates[i % neurons] += (a[i] - b[i]) * slope[i];
    return Array.from(estimates, (estimate, unit) => ({ layer, value, unit, estimate }));
  });
  const chosen = all.sort((a, b) => Math.abs(b.estimate) - Math.abs(a.estimate)).slice(0, count);
  const values = mlps.map(({ hidden: value, neurons }) => ({ value, units: neurons, kind: 'neuron' as const }));
  const effects = await unitEffects(program, { runs, looked, own, other, values, units: chosen });
  return chosen.map(({ layer, unit, estimate }, i) => ({
    name: `layer.${layer}/neuron.${unit}`,
    layer,
    neuron: unit,
    estimate,
    ...effects[i],
  }));
}

async function meanHiddenSlopes(
  program: ComponentProgram,
  { clean, corrupted }: TwoRuns,
  hidden: readonly string[],
  steps: number,
): Promise<Values> {
  const seeds = new Map([[program.language.logits, await program.seed()]]);
  const means = new Map<string, Tensor<'float32'>>();
  for (let step = 0; step < steps; step++) {
    const point = between(clean, corrupted, (step + 0.5) / steps);
    const slopes = await gradientsFrom(program.language, point, { seeds, wrt: hidden }, program);
    for (const [name, { shape, data }] of slopes) {
      const mean = means.get(name)?.data ?? new Float32Array(data.length);
      for (let i = 0; i < data.length; i++) mean[i] += data[i] / steps;
      means.set(name, float32(shape, mean));
    }
  }
  return means;
}

/** Heads that are ablated together. */
export interface HeadSet {
  readonly heads: readonly string[];
  /** What F loses without them, and without all other heads. */
  readonly lost: number;
  readonly othersLost: number;
}

/**
 * What F loses without some heads together, and without all others: their values are the mean over the text's tokens.
 * @throws WhereforeError `unknown-name` for a head that is not there
 */
export async function headsTogether(
  program: ComponentProgram,
  { clean }: TwoRuns,
  { weights }: Looked,
  heads: readonly string[],
): Promise<HeadSet> {
  const { attentions } = program.components;
  const all = attentions.flatMap((block) =>
    Array.from({ length: block.heads }, (_, unit) => ({ name: headName(block, unit), value: block.mixed, unit })),
  );
  const unknown = heads.find((head) => all.every(({ name }) => name !== head));
  if (unknown !== undefined) {
    throw new WhereforeError('unknown-name', 'the model has no such head', {
      got: unknown,
      expected: `layer.L/head.H, as ${all[0].name}, up to ${all[all.length - 1].name}`,
      fix: 'name a head of the table that is printed without --together',
    });
  }
  const own = await valuesFrom(
    program.language,
    clean,
    attentions.map(({ mixed }) => mixed),
    program,
  );
  const patched = attentions.map(({ mixed, heads: units }) => {
    const by = meanOverTokens(own.get(mixed) as Tensor<'float32'>, 'head');
    return { value: mixed, units, kind: 'head' as const, by };
  });
  const chosen = new Set(heads);
  const sets = [[], all.filter(({ name }) => chosen.has(name)), all.filter(({ name }) => !chosen.has(name))];
  const { length, signal } = program;
  const [whole, without, others] = await patchedRuns(
    program.language,
    { starts: clean, length, weights, patched, signal },
    sets,
  );
  return { heads, lost: whole - without, othersLost: whole - others };
}

interface Units {
  readonly runs: TwoRuns;
  readonly looked: Looked;
  readonly own: Values;
  readonly other: Values;
  readonly values: readonly Pick<PatchedValue, 'value' | 'units' | 'kind'>[];
  readonly units: readonly { readonly value: string; readonly unit: number }[];
}

/** Each unit ablated, and exchanged both ways, one by one. */
async function unitEffects(program: ComponentProgram, { runs, looked, own, other, values, units }: Units) {
  const { language, length, signal } = program;
  const exchanged = (by: Values) => values.map((one) => ({ ...one, by: by.get(one.value) as Tensor<'float32'> }));
  const means = new Map(
    values.map(({ value, kind }) => [value, meanOverTokens(own.get(value) as Tensor<'float32'>, kind)]),
  );
  const { weights } = looked;
  const each = units.map((unit) => [unit]);
  const from = { length, weights, signal };
  const [clean, ...ablated] = await patchedRuns(language, { ...from, starts: runs.clean, patched: exchanged(means) }, [
    [],
    ...each,
  ]);
  const noised = await patchedRuns(language, { ...from, starts: runs.clean, patched: exchanged(other) }, each);
  const [corrupted, ...restored] = await patchedRuns(
    language,
    { ...from, starts: runs.corrupted, patched: exchanged(own) },
    [[], ...each],
  );
  const difference = clean - corrupted;
  return units.map((_, i) => ({
    ablation: clean - ablated[i],
    noising: (clean - noised[i]) / difference,
    denoising: (restored[i] - corrupted) / difference,
  }));
}

/** The mean over tokens; these lie along axis 2 of heads, along axis 1 of neurons. */
export function meanOverTokens({ shape, data }: Tensor<'float32'>, kind: PatchedValue['kind']): Tensor<'float32'> {
  const axis = kind === 'head' ? 2 : 1;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const length = shape[axis];
  const means = new Float32Array(data.length / length);
  for (let i = 0; i < data.length; i++)
    means[Math.floor(i / (inner * length)) * inner + (i % inner)] += data[i] / length;
  return float32(
    shape.map((size, a) => (a === axis ? 1 : size)),
    means,
  );
}

/** What each head writes behind the last token, along the direction that F is read from. */
async function directOf(program: ComponentProgram, { own }: TwoRuns, { ids, weights }: Looked) {
  const { width } = program.components.anatomy;
  const position = ids.length - 1;
  const stream = float32([1, ids.length, width], await program.streamOf(own));
  const { direction } = await readDirection(program.language, stream, ids, { position, weights });
  return new Map(
    program.edges.writers.map(({ name }, w) => {
      let value = 0;
      for (let d = 0; d < width; d++) value += own[w][position * width + d] * direction[d];
      return [name, value] as const;
    }),
  );
}
