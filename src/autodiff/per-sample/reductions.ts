import { WhereforeError } from '../../errors.ts';
import { random } from '../../tensor/random.ts';
import { float32, formatShape, int64, sameShape, sizeOf, type Tensor, tensor } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';
import { fromBands } from './bands.ts';
import { layerCovariances, type RowWeights, type SideParts } from './layer-covariances.ts';
import { arraysOf, type FactorForm, formOf, layerFactors } from './layer-factors.ts';
import { layerProjections, rotatedSquares } from './layer-moments.ts';
import type { Contributed, Layer, LayerUses } from './layers.ts';
import { partedRotation, rotation } from './parted.ts';
import { addAll, rowDots } from './row-gradients.ts';

type Matrix = Tensor<'float32'>;

/** Matrices for the sides of a layer; a side without one stays as it is. */
export interface LayerMatrices {
  readonly inputs?: Matrix;
  readonly outputs?: Matrix;
}

/** Rotations of the sides of a layer, of a wide side in parts along the diagonal; a side without one stays as it is. */
export interface LayerRotations {
  readonly inputs?: Matrix | readonly Matrix[];
  readonly outputs?: Matrix | readonly Matrix[];
}

/** What becomes of the gradients `g_n` of single rows. */
export type RowReduction =
  /** They are returned: for every parameter `[N, …shape]`. */
  | { readonly kind: 'perSample' }
  /**
   * `⟨g_n, d_k⟩` with given directions, `[N, K]` for every parameter and in total. Directions by parameter, `[K, …shape]`;
   * `inputs`: their number, they are then inputs of the graph named `direction/<parameter>`.
   */
  | { readonly kind: 'dot'; readonly directions: ReadonlyMap<string, Matrix> | { readonly inputs: number } }
  /** What a layer's gradients are products of, `[N, …]`, in the fewest numbers; see `arraysOf`. */
  | { readonly kind: 'factors' }
  /** `P_o G_n P_iᵀ` of every layer, `[N, k_o·k_i]`; matrices `[k, outputs]` and `[k, inputs]`. */
  | { readonly kind: 'project'; readonly matrices: (layer: Layer) => LayerMatrices }
  /**
   * Every element of the gradient added to one of `size` sums with a random sign, `[N, size]` for all parameters
   * together: a random projection whose matrix has one entry a column (count sketch).
   */
  | { readonly kind: 'sketch'; readonly size: number; readonly seed: number }
  /**
   * `A = Σ w a aᵀ` (`<layer>/inputs`) and `S = Σ s sᵀ` (`<layer>/outputs`) over rows and positions, of a one-hot side its
   * diagonal, of a wide side bands that {@link covarianceOf} puts together (`<layer>/inputs/0`, …). `weights`: an input `[N]` or `[N, T]` of the graph that says which rows and tokens count in A; in S they
   * count as the seeds say. `parts`: widths of parts of a side, whose squares come one behind the other, `[Σ width²]`.
   */
  | {
      readonly kind: 'covariance';
      readonly weights?: RowWeights;
      readonly parts?: (layer: Layer) => SideParts;
      readonly accumulate?: boolean;
    }
  /** `Σ_n (Q_oᵀ G_n Q_i)²` of every layer, `[outputs, inputs]`; rotations `[outputs, outputs]`, `[inputs, inputs]`. */
  | {
      readonly kind: 'secondMoment';
      readonly rotations?: (layer: Layer) => LayerRotations;
      readonly accumulate?: boolean;
    }
  /** `Σ w (Q_oᵀ G_n Q_i)²` of every row, `[N]` for every layer and in total; weights `[outputs, inputs]`, default 1. */
  | {
      readonly kind: 'quadratic';
      readonly rotations?: (layer: Layer) => LayerRotations;
      readonly weights?: (layer: Layer) => Matrix;
    };

/** Results of a reduction: names of values of the graph. */
export interface Reduced {
  readonly outputs: readonly string[];
  /** By parameter (`perSample`, `dot`) or layer; `covariance` has `<layer>/inputs` and `<layer>/outputs`. */
  readonly results: ReadonlyMap<string, string>;
  /** Sum over parameters or layers, where there is one. */
  readonly total?: string;
  /** Sums that go on from run to run (`accumulate`): output → the input that it becomes. */
  readonly carry: ReadonlyMap<string, string>;
  /** What these inputs are before the first run: zeros. */
  readonly initial: ReadonlyMap<string, Tensor>;
  /** Of `factors`: how each layer is told. */
  readonly forms?: ReadonlyMap<string, FactorForm>;
}

/** What a reduction works on. */
export interface Reducible {
  readonly c: RuleContext;
  readonly rows: number;
  readonly contributed: ReadonlyMap<string, readonly Contributed[]>;
  /** Gradients of the rows of a parameter, written out. */
  readonly gradient: (parameter: string) => string | undefined;
  readonly layers: () => readonly LayerUses[];
}

type Of<K extends RowReduction['kind']> = Extract<RowReduction, { kind: K }>;
type Reducer<K extends RowReduction['kind']> = (of: Reducible, reduction: Of<K>) => Reduced;

const plainly = (results: ReadonlyMap<string, string>, total?: string): Reduced => ({
  outputs: [...new Set([...results.values(), ...(total ? [total] : [])])],
  results,
  ...(total ? { total } : {}),
  carry: new Map(),
  initial: new Map(),
});

/** With `accumulate`, what earlier runs found is added. */
function summed({ c }: Reducible, accumulate: boolean, found: ReadonlyMap<string, Shaped>): Reduced {
  if (!accumulate) return plainly(new Map([...found].map(([key, { value }]) => [key, value])));
  const carry = new Map<string, string>();
  const initial = new Map<string, Tensor>();
  const results = new Map<string, string>();
  for (const [key, { value, shape }] of found) {
    const before = c.builder.input(c.builder.fresh(`sum/${key}`), 'float32', shape);
    const after = c.add(before, value);
    carry.set(after, before);
    initial.set(before, tensor('float32', shape));
    results.set(key, after);
  }
  return { outputs: [...results.values()], results, carry, initial };
}

const covarianceKey = ({ name }: Layer, side: 'inputs' | 'outputs', band?: number) =>
  [name, side, ...(band === undefined ? [] : [band])].join('/');

/** A covariance of a layer's side from the results of a program. @param read values of a result by its key */
export function covarianceOf(
  { results }: Pick<Reduced, 'results'>,
  layer: Layer,
  side: 'inputs' | 'outputs',
  read: (key: string) => Float32Array,
): Float64Array {
  const whole = covarianceKey(layer, side);
  if (results.has(whole)) return Float64Array.from(read(whole));
  const bands: Float32Array[] = [];
  for (let k = 0; results.has(covarianceKey(layer, side, k)); k++) bands.push(read(covarianceKey(layer, side, k)));
  return fromBands(bands, layer[side]);
}

interface Shaped {
  readonly value: string;
  readonly shape: readonly number[];
}

/** Name of the input that holds the directions of a parameter. */
const directionInput = (parameter: string) => `direction/${parameter}`;

function directionsOf(c: RuleContext, given: Of<'dot'>['directions'], parameter: string) {
  const shape = c.shape(parameter);
  if ('inputs' in given) {
    const value = c.builder.input(directionInput(parameter), 'float32', [given.inputs, ...shape]);
    return { value, count: given.inputs };
  }
  const directions = given.get(parameter);
  if (!directions) return undefined;
  const [count = 0, ...rest] = directions.shape;
  if (!sameShape(rest, shape)) {
    throw new WhereforeError('wrong-shape', `directions of "${parameter}"`, {
      got: formatShape(directions.shape),
      expected: formatShape(['K', ...shape]),
    });
  }
  return { value: c.constantTensor(directions), count };
}

function rotations(c: RuleContext, layer: Layer, given: LayerRotations) {
  const side = (name: 'inputs' | 'outputs') => {
    const of = given[name];
    if (of === undefined) return undefined;
    return 'data' in of ? rotation(c, layer, name, of, false) : partedRotation(c, layer, name, of);
  };
  return { inputs: side('inputs'), outputs: side('outputs') };
}

function identity(size: number): Matrix {
  const values = new Float32Array(size * size);
  for (let i = 0; i < size; i++) values[i * size + i] = 1;
  return float32([size, size], values);
}

const reducers: { readonly [K in RowReduction['kind']]: Reducer<K> } = {
  perSample({ contributed, gradient }) {
    const results = new Map<string, string>();
    for (const name of contributed.keys()) {
      const found = gradient(name);
      if (found) results.set(name, found);
    }
    return plainly(results);
  },

  dot({ c, rows, contributed }, { directions }) {
    const results = new Map<string, string>();
    for (const [name, uses] of contributed) {
      const given = uses.length > 0 ? directionsOf(c, directions, name) : undefined;
      if (!given) continue;
      const parts = uses.map((use) => rowDots(c, rows, use, given.value, given.count));
      results.set(name, addAll(c, parts) as string);
    }
    return plainly(results, addAll(c, [...results.values()]));
  },

  factors({ c, layers }) {
    const results = new Map<string, string>();
    const forms = new Map<string, FactorForm>();
    for (const item of layers()) {
      const form = formOf(item);
      const values = layerFactors(c, item, form);
      arraysOf(item.layer, form).forEach(({ part }, k) => {
        results.set(item.layer.name + part, values[k]);
      });
      forms.set(item.layer.name, form);
    }
    return { ...plainly(results), forms };
  },

  project({ c, rows, layers }, { matrices }) {
    const results = new Map<string, string>();
    for (const item of layers()) {
      const { layer } = item;
      const given = matrices(layer);
      const by = {
        inputs: rotation(c, layer, 'inputs', given.inputs ?? identity(layer.inputs), true),
        outputs: rotation(c, layer, 'outputs', given.outputs ?? identity(layer.outputs), true),
      };
      const projected = layerProjections(c, item, by);
      results.set(layer.name, c.reshape(projected, [rows, by.outputs.size * by.inputs.size]));
    }
    return plainly(results);
  },

  sketch({ c, rows, contributed, gradient }, { size, seed }) {
    const draw = random(seed);
    const parts: string[] = [];
    for (const name of contributed.keys()) {
      // Drawn for every parameter, so that one without a part in the result does not move the others.
      const count = sizeOf(c.shape(name));
      const signs = new Float32Array(count);
      const buckets = new BigInt64Array(count);
      for (let i = 0; i < count; i++) {
        signs[i] = draw.uniform() < 0.5 ? -1 : 1;
        buckets[i] = BigInt(draw.integer(size));
      }
      const found = gradient(name);
      if (!found) continue;
      const signed = c.mul(c.reshape(found, [rows, count]), c.constantTensor(float32([1, count], signs)));
      const places = c.expand(c.constantTensor(int64([1, count], buckets)), [rows, count]);
      parts.push(c.op('ScatterElements', [c.zeros([rows, size]), places, signed], { axis: 1, reduction: 'add' }));
    }
    return plainly(new Map(), addAll(c, parts));
  },

  covariance(of, { weights, parts, accumulate = false }) {
    const found = new Map<string, Shaped>();
    for (const item of of.layers()) {
      const sums = layerCovariances(of.c, item, weights, parts?.(item.layer));
      for (const side of ['inputs', 'outputs'] as const) {
        const bands = sums[side];
        for (const [k, band] of bands.entries())
          found.set(covarianceKey(item.layer, side, bands.length > 1 ? k : undefined), band);
      }
    }
    return summed(of, accumulate, found);
  },

  secondMoment(of, { rotations: given, accumulate = false }) {
    const found = new Map<string, Shaped>();
    for (const item of of.layers()) {
      const { layer } = item;
      const by = rotations(of.c, layer, given?.(layer) ?? {});
      const shape = [by.outputs?.size ?? layer.outputs, by.inputs?.size ?? layer.inputs];
      found.set(layer.name, { value: rotatedSquares(of.c, item, by).sum(), shape });
    }
    return summed(of, accumulate, found);
  },

  quadratic({ c, layers }, { rotations: given, weights }) {
    const results = new Map<string, string>();
    for (const item of layers()) {
      const { layer } = item;
      const shape = [layer.outputs, layer.inputs];
      const by = weights?.(layer) ?? float32(shape, new Float32Array(sizeOf(shape)).fill(1));
      const squares = rotatedSquares(c, item, rotations(c, layer, given?.(layer) ?? {}));
      results.set(layer.name, squares.weighted(c.constantTensor(by)));
    }
    return plainly(results, addAll(c, [...results.values()]));
  },
};

/** Appends what is asked for. */
export function reductions(reduction: RowReduction, of: Reducible): Reduced {
  // The table's reducer and the reduction have the same kind, which the type of a lookup cannot say.
  return (reducers[reduction.kind] as Reducer<RowReduction['kind']>)(of, reduction as never);
}
