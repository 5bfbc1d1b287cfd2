import type { RowProgram } from '../autodiff/gradient-program.ts';
import { layerMatrix } from '../autodiff/per-sample/layer-matrix.ts';
import type { Layer } from '../autodiff/per-sample/layers.ts';
import { WhereforeError } from '../errors.ts';
import { symmetricEigen } from '../linear-algebra/symmetric-eigen.js';
import type { Graph } from '../onnx/graph.ts';
import type { Model } from '../runtime/model.ts';
import { mapped } from '../tensor/filled.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import { readParameters, withParameters } from '../train/parameters.ts';
import type { Block, GradientMaterial, Rotation } from './gradient-material.ts';
import { type ModelGradientsOptions, openPasses, type Passes, type Results, type Side } from './gradient-passes.ts';
import { addOuter, directionsByParameter, namesOf, rotationsOf, rowOfResult } from './layer-layout.ts';
import { type Matrix, type Matrix64, zeros } from './matrix.ts';
import {
  covariancePass,
  dividedBy,
  flattened,
  pieceRanges,
  projectionPass,
  squarePass,
  sumOver,
  unflattened,
  widthsOf,
} from './row-passes.ts';
import { type MeasuredTerms, measuredValue } from './slices/measured-query.ts';

/** The graph of the losses with its weights moved by a step in the layout of the blocks. */
function movedGraph(model: Model, passes: Passes, step: Float64Array): Graph {
  const source = { ...model.executor.model, graph: passes.graph };
  const steps = directionsByParameter(passes, { rows: 1, columns: step.length, data: step });
  const own = readParameters(source, [...steps.keys()]);
  const moved = [...steps].map(([name, { data }]) => {
    const { shape, data: from } = own.get(name) as Tensor<'float32'>;
    return [
      name,
      float32(
        shape,
        mapped(Float32Array, from, (value, j) => value + data[j]),
      ),
    ] as const;
  });
  return withParameters(source, new Map(moved)).graph;
}

/** Bytes of the gradients of all weights that a run holds. */
const heldBytes = 256 * 2 ** 20;

/** Parameters up to which the whole curvature is held: 200 MB in float64. */
const mostDense = 5000;

/**
 * Gradients of a model's weights for every row, computed anew in each pass by the model's own graph with a backward pass
 * appended; nothing is kept but what is asked for. Gradients and their products are in float32, sums over rows in float64.
 * f is the log-probability of a query's label, in nats, or what `measured` makes of all of them.
 * @throws WhereforeError `unsupported-model` where the gradients of rows cannot be told apart; `not-finite`
 */
export async function modelGradients(options: ModelGradientsOptions): Promise<GradientMaterial> {
  return gradientsByPasses(await openPasses(options), options);
}

/** {@link modelGradients} by passes that are open. */
export function gradientsByPasses(passes: Passes, options: ModelGradientsOptions): GradientMaterial {
  const { layers, blocks } = passes;
  const size = blocks.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const n = options.rows.length;
  const one = () => 1;
  let known: Promise<Matrix64> | undefined;

  /** Gradients of every parameter laid out block after block. */
  const laidOut = (results: Results, program: RowProgram, row: number, to: Float64Array, factor = 1) => {
    for (const [l, layer] of layers.entries()) {
      const weight = rowOfResult(results, program, layer.name, row);
      const bias = layer.bias === undefined ? undefined : rowOfResult(results, program, layer.bias, row);
      const block = layerMatrix(layer, bias ? { weight, bias } : { weight });
      for (let j = 0; j < block.length; j++) to[blocks[l].offset + j] += factor * block[j];
    }
  };
  const perSample = () => passes.open({ kind: 'perSample' });
  const { measured, byteBudget = heldBytes } = options;
  let opened: Promise<Passes> | undefined;

  /** Passes over the queries: one is not filled up to the rows of a run, and whole gradients of a run fit the budget. */
  const ofQueries = (): Promise<Passes> => {
    const fitting = Math.max(1, Math.floor(byteBudget / (4 * size)));
    const batch = Math.min(passes.batch, options.queries.length, fitting);
    return (opened ??= batch === passes.batch ? Promise.resolve(passes) : openPasses({ ...options, batch }));
  };

  /** `∇f = Σ_q w_q h′(p_q) ∇p_q`: what flows into each query's loss is its part of the sum. */
  const measuredGradient = async ({ weights, of }: MeasuredTerms): Promise<Matrix64> => {
    const result = zeros(1, size);
    const own = await ofQueries();
    const program = own.open({ kind: 'perSample' });
    const p = of === 'probability' ? await ofLabels('queries') : undefined;
    const seed = (q: number) => -weights[q] * (p?.[q] ?? 1);
    await own.over('queries', program, { seed }, (results, at) => {
      for (const b of at.keys()) laidOut(results, program, b, result.data);
    });
    return result;
  };

  /** Probability of every label. */
  const ofLabels = async (side: Side): Promise<Float64Array> => {
    const probabilities = await passes.probabilities(side);
    return mapped(Float64Array, passes.labels(side), (label, i) => probabilities.data[i * options.classes + label]);
  };

  const dot = async (directions: Matrix, block?: Block): Promise<Matrix64> => {
    const result = zeros(directions.rows, n);
    // Constants, so that the runtime lays them out once and not in every batch.
    const program = passes.open({ kind: 'dot', directions: directionsByParameter(passes, directions) });
    await passes.over('rows', program, { seed: one }, (results, at) => {
      const names = block ? namesOf(layers[blocks.indexOf(block)]) : [];
      const parts = block
        ? names.map((name) => results.get(program.results.get(name) as string))
        : [results.get(program.total as string)];
      for (const part of parts) {
        const data = (part as Tensor<'float32'>).data;
        for (const [b, i] of at.entries())
          for (let d = 0; d < directions.rows; d++) result.data[d * n + i] += data[b * directions.rows + d];
      }
    });
    return result;
  };

  const weightedSum = async (weights: Matrix, targets?: (row: number) => number): Promise<Matrix64> => {
    const result = zeros(weights.rows, size);
    const program = perSample();
    await passes.over('rows', program, { seed: one, target: targets }, (results, at) => {
      for (const [b, i] of at.entries()) {
        const gradient = new Float64Array(size);
        laidOut(results, program, b, gradient);
        for (let q = 0; q < weights.rows; q++) {
          const factor = weights.data[q * n + i];
          if (factor === 0) continue;
          for (let j = 0; j < size; j++) result.data[q * size + j] += factor * gradient[j];
        }
      }
    });
    return result;
  };

  /** `√p_k ∇ log p_k` of every row and class: their second moment is the Gauss-Newton matrix. */
  const rootRows = async (use: (gradient: Float64Array) => void) => {
    const probabilities = await passes.probabilities('rows');
    const program = perSample();
    for (let k = 0; k < options.classes; k++) {
      const seed = (row: number) => Math.sqrt(probabilities.data[row * options.classes + k]);
      await passes.over('rows', program, { seed, target: () => k }, (results, at) => {
        for (const b of at.keys()) {
          const gradient = new Float64Array(size);
          laidOut(results, program, b, gradient);
          use(gradient);
        }
      });
    }
  };

  return {
    parameters: size,
    blocks,
    rows: n,
    weightDecay: options.weightDecay ?? 0,
    queries: () =>
      (known ??= (async () => {
        if (measured) return measuredGradient(measured);
        const result = zeros(options.queries.length, size);
        const own = await ofQueries();
        const program = own.open({ kind: 'perSample' });
        await own.over('queries', program, { seed: () => -1 }, (results, at) => {
          for (const [b, i] of at.entries())
            laidOut(results, program, b, result.data.subarray(i * size, (i + 1) * size));
        });
        return result;
      })()),
    async weights() {
      const source = { ...options.model.executor.model, graph: passes.graph };
      const own = readParameters(source, layers.flatMap(namesOf));
      const dataOf = (name: string) => own.get(name)?.data as Float32Array;
      const result = new Float64Array(size);
      for (const [l, layer] of layers.entries()) {
        const { name, bias } = layer;
        const part = { weight: dataOf(name), ...(bias !== undefined && { bias: dataOf(bias) }) };
        result.set(layerMatrix(layer, part), blocks[l].offset);
      }
      return result;
    },
    at: async (step) => {
      const moved = movedGraph(options.model, passes, step);
      const values = new Float64Array(options.queries.length);
      await passes.losses('queries', moved, (loss, at) => {
        for (const [b, i] of at.entries()) values[i] = -loss[b];
      });
      return measured ? Float64Array.of(measuredValue(measured, values)) : values;
    },
    dot,
    squaredNorms: async (block) => quadraticOf(block ? layers[blocks.indexOf(block)] : undefined),
    weightedSum: (weights) => weightedSum(weights),
    async project(projections) {
      const pass = projectionPass(passes, projections);
      const ranges = pieceRanges(n);
      return {
        rows: n,
        widths: widthsOf(projections),
        async *pieces() {
          for (const range of ranges) yield { first: range.from, values: await pass.of(range) };
        },
      };
    },
    covariances: async (labels, seed) =>
      unflattened(dividedBy(await sumOver(await covariancePass(passes, labels, seed), n, flattened), n)),
    rotatedSecondMoments: async (rotations, labels, seed) =>
      dividedBy(await sumOver(await squarePass(passes, rotations, labels, seed), n, (sums) => sums), n),
    quadratic: (rotations, weights) => quadraticOf(undefined, rotations, weights),
    async gaussNewton(vectors) {
      const probabilities = await passes.probabilities('rows');
      const result = zeros(vectors.rows, size);
      const along = passes.open({ kind: 'dot', directions: directionsByParameter(passes, vectors) });
      for (let k = 0; k < options.classes; k++) {
        const weights = zeros(vectors.rows, n);
        await passes.over('rows', along, { seed: one, target: () => k }, (results, at) => {
          const data = (results.get(along.total as string) as Tensor<'float32'>).data;
          for (const [b, i] of at.entries())
            for (let v = 0; v < vectors.rows; v++)
              weights.data[v * n + i] = (probabilities.data[i * options.classes + k] * data[b * vectors.rows + v]) / n;
        });
        const part = await weightedSum(weights, () => k);
        for (let j = 0; j < part.data.length; j++) result.data[j] += part.data[j];
      }
      return result;
    },
    async gaussNewtonMatrix() {
      if (size > mostDense)
        throw new WhereforeError('out-of-range', 'the model has too many weights for the whole curvature', {
          got: `${size}`,
          expected: `at most ${mostDense}`,
          fix: 'choose ek-fac, or fewer layers',
        });
      const result = new Float64Array(size * size);
      const pending: Float64Array[] = [];
      const flush = () => {
        addOuter(result, pending, size, 1 / n);
        pending.length = 0;
      };
      await rootRows((gradient) => {
        pending.push(gradient);
        if (pending.length === 64) flush();
      });
      flush();
      return result;
    },
    async confidences() {
      // What many queries measure together has no odds.
      const queries = measured ? new Float64Array(1) : await ofLabels('queries');
      return { rows: await ofLabels('rows'), queries };
    },
    async eigen(of, width) {
      for (let i = 0; i < of.length; i++) {
        if (Number.isFinite(of[i])) continue;
        throw new WhereforeError('not-finite', 'gradients of the rows are not numbers', {
          got: String(of[i]),
          fix: 'look for NaN or infinite weights, and for rows at which the model gives no number',
        });
      }
      return (options.eigen ?? symmetricEigen)(of, width);
    },
  };

  async function quadraticOf(layer?: Layer, rotations?: readonly Rotation[], weights?: readonly Float64Array[]) {
    const program = passes.open({
      kind: 'quadratic',
      ...(rotations && { rotations: rotationsOf(layers, rotations) }),
      ...(weights && {
        weights: (of: Layer) => {
          const l = layers.findIndex(({ name }) => name === of.name);
          return float32([of.outputs, of.inputs], Float32Array.from(weights[l]));
        },
      }),
    });
    const sums = new Float64Array(n);
    await passes.over('rows', program, { seed: one }, (results, at) => {
      const key = layer ? program.results.get(layer.name) : program.total;
      const data = (results.get(key as string) as Tensor<'float32'>).data;
      for (const [b, i] of at.entries()) sums[i] = data[b];
    });
    return sums;
  }
}
