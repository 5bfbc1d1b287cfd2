import { float32 } from '../../tensor/tensor.ts';
import type { ComponentProgram, Written } from './component-program.ts';
import type { Values } from './vectors.ts';

/** How much each edge carries of what the corruption breaks. */
export interface EdgeScores {
  /** By place in the program's edges: the mean over texts of |Σ over tokens|. */
  readonly sizes: Float64Array;
  /** The same with its sign: what F loses, to first order, when the edge carries the corrupted value. */
  readonly effects: Float64Array;
}

/**
 * Edge attribution patching: `Σ_t ⟨u_t(x) − u_t(x̃), ∂F/∂(input of v)_t⟩` for every edge u → v, where x̃ is the corrupted
 * run. With steps, the slope is the mean over midpoints of the straight way between the token vectors of both runs
 * (EAP-IG); with 0 it is that of the clean run (EAP), which sharp attentions make zero.
 * @source Syed et al. 2023, arXiv 2310.10348; Hanna et al. 2024, arXiv 2403.17806
 */
export async function edgeAttribution(
  program: ComponentProgram,
  { clean, corrupted, own, other }: TwoRuns,
  steps: number,
): Promise<EdgeScores> {
  const slopes = await meanSlopes(program, clean, corrupted, steps);
  const { edges } = program.edges;
  const [sizes, effects] = [new Float64Array(edges.length), new Float64Array(edges.length)];
  for (const [e, { from, to }] of edges.entries()) {
    const [a, b, slope] = [own[from], other[from], slopes[to]];
    for (let text = 0; text < program.texts; text++) {
      let sum = 0;
      for (let i = text * program.size; i < (text + 1) * program.size; i++) sum += (a[i] - b[i]) * slope[i];
      sizes[e] += Math.abs(sum) / program.texts;
      effects[e] += sum / program.texts;
    }
  }
  return { sizes, effects };
}

/** The clean and the corrupted run: vectors that they begin with, and what every writer wrote. */
export interface TwoRuns {
  readonly clean: Values;
  readonly corrupted: Values;
  readonly own: Written;
  readonly other: Written;
}

async function meanSlopes(program: ComponentProgram, clean: Values, corrupted: Values, steps: number) {
  if (steps === 0) return program.slopes(clean);
  let means: Float32Array[] = [];
  for (let step = 0; step < steps; step++) {
    const slopes = await program.slopes(between(clean, corrupted, (step + 0.5) / steps));
    if (step === 0) means = slopes.map(({ length }) => new Float32Array(length));
    for (const [r, mean] of means.entries()) for (let i = 0; i < mean.length; i++) mean[i] += slopes[r][i] / steps;
  }
  return means;
}

/** `corrupted + share · (clean − corrupted)`. */
export function between(clean: Values, corrupted: Values, share: number): Values {
  return new Map(
    [...clean].map(([name, { shape, data }]) => {
      const other = corrupted.get(name)?.data as Float32Array;
      return [
        name,
        float32(
          shape,
          data.map((value, i) => other[i] + share * (value - other[i])),
        ),
      ];
    }),
  );
}

/** How well a circuit does alone. */
export interface Faithfulness {
  readonly edges: number;
  /** `(F(circuit) − F(corrupted)) / (F(clean) − F(corrupted))`, F summed over texts: 1 as well as the model. */
  readonly share: number;
}

/** The faithfulness of the first edges of an order, at several sizes. */
export async function faithfulness(
  program: ComponentProgram,
  { clean, own, other }: TwoRuns,
  order: readonly number[],
  sizes: readonly number[],
): Promise<Faithfulness[]> {
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  const [best, worst] = [total(await program.measuredRun(own)), total(await program.measuredRun(other))];
  const found: Faithfulness[] = [];
  for (const edges of sizes) {
    const alone = total(await program.measuredCircuit(clean, other, new Set(order.slice(0, edges))));
    found.push({ edges, share: (alone - worst) / (best - worst) });
  }
  return found;
}
