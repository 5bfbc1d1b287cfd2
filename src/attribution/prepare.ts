import type { GradientNote } from '../autodiff/context.ts';
import { differentiate, type RuleOverrides } from '../autodiff/differentiate.ts';
import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import { extractSubgraph } from '../onnx/lowering/extract.ts';
import { checkFeeds, hasDataDependentShapes, type Specialised } from '../runtime/executor.ts';
import type { Model } from '../runtime/model.ts';
import { type Tensors, throwIfCancelled } from '../runtime/runtime.ts';
import { toNumbers } from '../tensor/convert.ts';
import { concatRows, dataTypes, float32, formatShape, rows, sameShape, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { type CompiledTarget, compileTarget, type Target, targetKey } from './target.ts';

/** Passes through the model, the unit in which the cost of a method is told. */
export interface Passes {
  forward: number;
  backward: number;
}

export interface WorkOptions {
  /** Bytes that one run may hold beside the weights; more inputs go into one run while they fit. Default 256 MiB. */
  readonly byteBudget?: number;
  readonly signal?: AbortSignal;
  /** Called after every run with the passes done so far. */
  readonly onProgress?: (passes: Readonly<Passes>) => void;
}

/** One input of a model with its target, ready to be evaluated and differentiated many times. */
export interface Prepared {
  readonly model: Model;
  readonly inputs: Tensors;
  readonly target: CompiledTarget;
  readonly passes: Passes;
  readonly options: WorkOptions;
  /** The target's value for each of several inputs (or values of a cut), and other values of the graph with it. */
  evaluate(points: Points, fetches?: readonly string[]): Promise<Evaluation>;
  /** `Σ_k weight_k · ∂target/∂w` at several points, per value in `wrt`, and the target at each point. */
  gradient(points: Points, request: GradientAt): Promise<Gradient>;
}

/** Points at which a target is evaluated. */
export interface Points {
  /** Values that are given instead of computed, one row a point: `count` × the value's own shape. */
  readonly cut: readonly string[];
  readonly count: number;
  /** The given values at points `start` to `end`. */
  at(start: number, end: number): Tensors;
}

export interface Evaluation {
  readonly target: Float64Array;
  /** Fetched values, one row a point. */
  readonly values: ReadonlyMap<string, Tensor>;
}

export interface GradientAt {
  readonly wrt: readonly string[];
  /** Weight of each point in the sum; default 1. */
  readonly weights?: Float64Array;
  readonly overrides?: RuleOverrides;
  /** Name of the overrides, so that graphs made with them are told apart. */
  readonly overridesKey?: string;
}

export interface Gradient {
  readonly target: Float64Array;
  /** The weighted sum over the points, with one row: shape of the value at batch 1. */
  readonly sums: ReadonlyMap<string, Float64Array>;
  readonly notes: readonly GradientNote[];
}

interface Plan extends Specialised {
  readonly sums: ReadonlyMap<string, string | undefined>;
  readonly notes: readonly GradientNote[];
}

interface Caches {
  readonly targets: Map<string, Promise<CompiledTarget>>;
  readonly parts: Map<string, Graph>;
  readonly plans: Map<string, Promise<Plan>>;
  readonly batching: Map<string, Promise<boolean>>;
}

const caches = new WeakMap<Model, Caches>();

function cachesOf(model: Model): Caches {
  let known = caches.get(model);
  if (!known) caches.set(model, (known = { targets: new Map(), parts: new Map(), plans: new Map(), batching: new Map() }));
  return known;
}

function once<V>(map: Map<string, Promise<V>>, key: string, make: () => Promise<V>): Promise<V> {
  let value = map.get(key);
  if (!value) {
    map.set(key, (value = make()));
    value.catch(() => map.delete(key));
  }
  return value;
}

const seedInput = 'attribution/seed';

/**
 * Readies one input (batch of 1) and a target.
 * @throws WhereforeError `wrong-shape` or `wrong-type` when the input does not fit the model, `not-finite` when it holds NaN
 */
export async function prepare(model: Model, inputs: Tensors, target: Target, options: WorkOptions = {}): Promise<Prepared> {
  checkFeeds(model.graph, inputs);
  checkFinite(inputs);
  const { targets } = cachesOf(model);
  const signature = [...inputs].map(([name, { shape }]) => `${name}:${formatShape(shape)}`).join();
  const { facts } = await model.executor.specialise(model.graph, inputs);
  // Compiled afresh for its feeds; the graph is the one that all targets of this kind share.
  const fresh = compileTarget(model.graph, facts, target);
  const shared = await once(targets, `${targetKey(target)}|${signature}`, async () => fresh);
  const compiled: CompiledTarget = { ...fresh, graph: shared.graph };
  return new PreparedInput(model, inputs, compiled, `${targetKey(target)}|${signature}`, options);
}

class PreparedInput implements Prepared {
  readonly model: Model;
  readonly inputs: Tensors;
  readonly target: CompiledTarget;
  readonly options: WorkOptions;
  readonly passes: Passes = { forward: 0, backward: 0 };
  readonly #key: string;

  constructor(model: Model, inputs: Tensors, target: CompiledTarget, key: string, options: WorkOptions) {
    this.model = model;
    this.inputs = inputs;
    this.target = target;
    this.#key = key;
    this.options = options;
  }

  async evaluate(points: Points, fetches: readonly string[] = []): Promise<Evaluation> {
    const part = this.#part(points.cut, fetches);
    const chunk = await this.#chunk(part, points);
    const target = new Float64Array(points.count);
    const parts = new Map<string, Tensor[]>(fetches.map((name) => [name, []]));
    for (let start = 0; start < points.count; start += chunk) {
      const end = Math.min(start + chunk, points.count);
      const feeds = this.#feeds(part, points, start, end);
      const { graph } = await this.model.executor.specialise(part, feeds);
      const results = await this.model.executor.run(graph, feeds, [this.target.value, ...fetches], this.options);
      target.set(toNumbers(results.get(this.target.value) as Tensor), start);
      for (const name of fetches) parts.get(name)?.push(results.get(name) as Tensor);
      this.#count(end - start, 0);
    }
    return { target, values: new Map([...parts].map(([name, list]) => [name, list.length === 1 ? list[0] : concatRows(list)])) };
  }

  async gradient(points: Points, request: GradientAt): Promise<Gradient> {
    const { weights, wrt } = request;
    const part = this.#part(points.cut, []);
    const chunk = await this.#chunk(part, points);
    const target = new Float64Array(points.count);
    const sums = new Map<string, Float64Array>();
    let notes: readonly GradientNote[] = [];
    for (let start = 0; start < points.count; start += chunk) {
      const end = Math.min(start + chunk, points.count);
      const feeds = this.#feeds(part, points, start, end);
      const plan = await this.#plan(part, feeds, request);
      notes = plan.notes;
      const seed = Float32Array.from({ length: end - start }, (_, i) => weights?.[start + i] ?? 1);
      feeds.set(seedInput, float32([end - start], seed));
      const wanted = [...plan.sums.values()].filter((name) => name !== undefined);
      const results = await this.model.executor.run(plan.graph, feeds, [this.target.value, ...wanted], this.options);
      target.set(toNumbers(results.get(this.target.value) as Tensor), start);
      for (const name of wrt) {
        const gradient = plan.sums.get(name);
        // Nothing flows back to the value: its gradient is zero (the plan's notes say why, where an operator stops it).
        let sum = sums.get(name);
        if (!sum) sums.set(name, (sum = new Float64Array(sizeOf(plan.facts.shapes.get(name) ?? []) / (end - start))));
        if (!gradient) continue;
        const values = (results.get(gradient) as Tensor<'float32'>).data;
        if (values.length !== sum.length) {
          throw new WhereforeError('internal', `the gradient of "${name}" has ${values.length} elements, not ${sum.length}`);
        }
        for (let i = 0; i < values.length; i++) sum[i] += values[i];
      }
      this.#count(end - start, end - start);
    }
    return { target, sums, notes };
  }

  #count(forward: number, backward: number): void {
    this.passes.forward += forward;
    this.passes.backward += backward;
    this.options.onProgress?.(this.passes);
  }

  /** The part of the graph from a cut to the target. */
  #part(cut: readonly string[], fetches: readonly string[]): Graph {
    const { parts } = cachesOf(this.model);
    const key = `${this.#key}|${cut.join()}|${fetches.join()}`;
    let part = parts.get(key);
    if (!part) {
      const inputs = cut.map((name) => ({ name, type: this.model.types.get(name), shape: undefined }));
      part = extractSubgraph(this.target.graph, { inputs, outputs: [this.target.value, ...fetches.filter((name) => !cut.includes(name))] });
      parts.set(key, part);
    }
    return part;
  }

  /** Feeds of points `start` to `end`: the given values, and what else the part reads repeated for every point. */
  #feeds(part: Graph, points: Points, start: number, end: number): Map<string, Tensor> {
    throwIfCancelled(this.options.signal);
    const feeds = new Map(points.at(start, end));
    for (const { name } of part.inputs) {
      if (feeds.has(name)) continue;
      const index = this.target.feeds.get(name);
      const input = this.inputs.get(name);
      if (index) feeds.set(name, index);
      else if (input) feeds.set(name, repeatRows(input, end - start));
    }
    return feeds;
  }

  #plan(part: Graph, feeds: Tensors, { wrt, overrides, overridesKey = '' }: GradientAt): Promise<Plan> {
    const shapes = [...feeds].map(([name, { shape }]) => `${name}:${formatShape(shape)}`).join();
    const key = `${this.#key}|${part.inputs.map(({ name }) => name).join()}|${wrt.join()}|${overridesKey}|${shapes}`;
    const plans = hasDataDependentShapes(part) ? new Map<string, Promise<Plan>>() : cachesOf(this.model).plans;
    return once(plans, key, async () => {
      const { graph, facts } = await this.model.executor.specialise(part, feeds);
      const count = facts.shapes.get(this.target.value)?.[0] ?? 1;
      const builder = new GraphBuilder(graph);
      builder.input(seedInput, 'float32', [count]);
      const seeded = { ...facts, shapes: new Map(facts.shapes).set(seedInput, [count]) };
      const { graph: whole, gradients, notes } = differentiate(builder.build(), seeded, {
        seeds: new Map([[this.target.value, seedInput]]),
        wrt,
        overrides,
      });
      const summing = new GraphBuilder(whole, { prefix: 'attribution/' });
      const sums = new Map<string, string | undefined>();
      for (const [name, gradient] of gradients) {
        if (!gradient) {
          sums.set(name, undefined);
          continue;
        }
        const [first = 1, ...rest] = facts.shapes.get(name) ?? [];
        if (count > 1) {
          // A layer may hold several rows a point (windows, heads): the points are summed, the rows of a point are not.
          const byPoint = summing.op('Reshape', [gradient, summing.ints([count, first / count, ...rest])]);
          sums.set(name, summing.output(summing.op('ReduceSum', [byPoint, summing.ints([0])], { keepdims: 0 }), 'float32'));
        } else sums.set(name, summing.output(gradient, 'float32'));
      }
      return { graph: summing.build(), facts, sums, notes };
    });
  }

  /** How many points one run takes: as many as fit the byte budget, one where the graph does not keep points apart. */
  async #chunk(part: Graph, points: Points): Promise<number> {
    if (points.count === 1) return 1;
    const key = `${this.#key}|${points.cut.join()}`;
    const separate = await once(cachesOf(this.model).batching, key, () => this.#keepsRowsApart(part, points));
    if (!separate) return 1;
    const { graph, facts } = await this.model.executor.specialise(part, this.#feeds(part, points, 0, 1));
    let bytes = 0;
    for (const node of graph.nodes) {
      for (const name of node.outputs) {
        const type = facts.types.get(name);
        if (type) bytes += sizeOf(facts.shapes.get(name) ?? []) * dataTypes[type].bytes;
      }
    }
    // Forward values live until the backward pass has used them, and gradients are as large as they are.
    const budget = this.options.byteBudget ?? 256 * 2 ** 20;
    return Math.max(1, Math.min(points.count, Math.floor(budget / (2 * bytes + 1))));
  }

  /**
   * Whether two points in one run give what each gives alone: models exported for one input, and those that mix rows
   * or fold a batch of 1 into a reshape, do not.
   */
  async #keepsRowsApart(part: Graph, points: Points): Promise<boolean> {
    const [first, last] = [points.at(0, 1), points.at(points.count - 1, points.count)];
    for (const { name, shape } of part.inputs) {
      if (this.target.feeds.has(name)) continue;
      const row = first.get(name) ?? this.inputs.get(name);
      if (!row || row.shape[0] !== 1 || (typeof shape?.[0] === 'number' && shape[0] !== 2)) return false;
    }
    const alone: number[] = [];
    for (const feeds of [first, last]) {
      const single: Points = { cut: points.cut, count: 1, at: () => feeds };
      alone.push((await this.evaluate(single)).target[0]);
    }
    const both = new Map([...first].map(([name, row]) => [name, concatRows([row, last.get(name) as Tensor])]));
    const pair: Points = { cut: points.cut, count: 2, at: () => both };
    const feeds = this.#feeds(part, pair, 0, 2);
    try {
      const { graph } = await this.model.executor.specialise(part, feeds);
      const results = await this.model.executor.run(graph, feeds, [this.target.value], this.options);
      const together = toNumbers(results.get(this.target.value) as Tensor);
      this.#count(2, 0);
      // float32 sums in another order differ in the last digits.
      return together.length === 2 && together.every((value, i) => Math.abs(value - alone[i]) <= 1e-4 * Math.max(1, Math.abs(alone[i])));
    } catch (error) {
      // A graph with a batch of 1 built in fails here, and only here: points then run one by one, which the cost shows.
      if (error instanceof WhereforeError && error.code === 'runtime') return false;
      throw error;
    }
  }
}

function repeatRows(tensor: Tensor, count: number): Tensor {
  return count === 1 ? tensor : concatRows(Array.from({ length: count }, () => tensor));
}

/** Points given as a whole, one row each. */
export function pointsOf(values: Tensors): Points {
  const count = [...values.values()][0]?.shape[0] ?? 0;
  return {
    cut: [...values.keys()],
    count,
    at: (start, end) => new Map([...values].map(([name, tensor]) => [name, rows(tensor, start, end)])),
  };
}

/** The input itself as the only point. */
export function pointOf(values: Tensors): Points {
  return { cut: [...values.keys()], count: 1, at: () => values };
}

/**
 * Points `F0 + t_k (F1 − F0)` on the straight path between two sets of values, computed when they are asked for, so
 * that memory does not grow with their number.
 */
export function pathPoints(from: Tensors, to: Tensors, positions: Float64Array): Points {
  return {
    cut: [...to.keys()],
    count: positions.length,
    at: (start, end) =>
      new Map(
        [...to].map(([name, end1]) => {
          const start0 = from.get(name) as Tensor;
          if (!sameShape(start0.shape, end1.shape)) {
            throw new WhereforeError('wrong-shape', `"${name}" at the baseline and at the input differ in shape`, {
              got: formatShape(start0.shape),
              expected: formatShape(end1.shape),
            });
          }
          return [name, interpolate(start0, end1, positions.subarray(start, end))];
        }),
      ),
  };
}

function interpolate(from: Tensor, to: Tensor, positions: Float64Array): Tensor {
  // Integer inputs (token ids, masks) have no points between: they stay what they are at the input.
  if (to.type !== 'float32') return repeatRows(to, positions.length);
  const [a, b] = [from.data as Float32Array, to.data as Float32Array];
  const size = a.length;
  const values = new Float32Array(size * positions.length);
  positions.forEach((t, k) => {
    for (let i = 0; i < size; i++) values[k * size + i] = a[i] + t * (b[i] - a[i]);
  });
  return float32([positions.length * (to.shape[0] ?? 1), ...to.shape.slice(1)], values);
}

function checkFinite(inputs: Tensors): void {
  for (const [name, { type, data }] of inputs) {
    if (type !== 'float32' && type !== 'float64') continue;
    const index = (data as Float32Array).findIndex((value) => !Number.isFinite(value));
    if (index >= 0) {
      throw new WhereforeError('not-finite', `input "${name}" holds a value that is not a finite number`, {
        got: `${(data as Float32Array)[index]} at element ${index}`,
        fix: 'replace missing values before explaining',
      });
    }
  }
}
