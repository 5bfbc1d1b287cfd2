import type { GradientNote } from '../autodiff/context.ts';
import { decidesByData } from '../autodiff/control-flow.ts';
import { WhereforeError } from '../errors.ts';
import type { Graph } from '../onnx/graph.ts';
import { extractSubgraph } from '../onnx/lowering/extract.ts';
import { checkFeeds, hasDataDependentShapes, type Specialised } from '../runtime/executor.ts';
import { checkInputNumbers } from '../runtime/missing-values.ts';
import type { Model } from '../runtime/model.ts';
import { firstNotFinite } from '../runtime/non-finite.ts';
import { type Tensors, throwIfCancelled } from '../runtime/runtime.ts';
import { toNumbers } from '../tensor/convert.ts';
import { filled } from '../tensor/filled.ts';
import { concatRows, float32, formatShape, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { bytesIn, even, fewSizes, filledUp, firstOf, inBatches, mostPoints, shared, sourcePart } from './batches.ts';
import { cachesOf, numberOf, once } from './caches.ts';
import { addTo, joined, numbersOf } from './collected.ts';
import { type WrongRun, wrongGradient, wrongRun } from './non-finite.ts';
import { type CurvaturePlan, curvaturePlan, gradientPlan, type Plan, planKey, seedInput, vectorInput } from './plan.ts';
import { type Points, pointOf, repeatRows } from './points.ts';
import {
  type Curvature,
  curvatureBackward,
  type EachRun,
  type Evaluation,
  type Gradient,
  type GradientAt,
  type Passes,
  type Prepared,
  type WorkOptions,
} from './prepared.ts';
import { prune } from './pruning/prune.ts';
import type { Target } from './targets/kinds/index.ts';
import { type CompiledTarget, compileTarget, targetKey } from './targets/target.ts';

/**
 * Readies one input (batch of 1) and a target.
 * @param layer values that are attributed to, if that is known: the target is computed through them
 * @throws WhereforeError `wrong-shape` or `wrong-type` when the input does not fit the model, `not-finite` when it holds NaN
 */
export async function prepare(
  model: Model,
  inputs: Tensors,
  target: Target,
  options: WorkOptions = {},
  layer: readonly string[] = [],
): Promise<Prepared> {
  checkFeeds(model.graph, inputs);
  for (const [name, input] of inputs) checkInputNumbers(model.graph, name, input);
  const { targets } = cachesOf(model);
  const signature = [...inputs].map(([name, { shape }]) => `${name}:${formatShape(shape)}`).join();
  const { facts } = await model.executor.specialise(model.graph, inputs);
  // Compiled afresh for its feeds; the graph is the one that all targets of this kind share.
  const fresh = compileTarget(model.graph, facts, target, layer);
  const key = `${targetKey(target, model.graph, layer)}|${signature}`;
  const shared = await once(targets, key, async () => fresh);
  const compiled: CompiledTarget = { ...fresh, graph: shared.graph };
  return new PreparedInput(model, inputs, compiled, key, options);
}

/** Forward passes that the test whether points may share a run costs at most. */
export const batchingCheck = 4;

/** Elements of a target's index inputs up to which they are part of a key: a class, a token, not a region. */
const longestIndex = 16;

class PreparedInput implements Prepared {
  readonly model: Model;
  readonly inputs: Tensors;
  readonly target: CompiledTarget;
  readonly options: WorkOptions;
  readonly passes: Passes = { forward: 0, backward: 0 };
  readonly wrong: { target?: WrongRun; gradient?: WrongRun } = {};
  readonly #key: string;

  constructor(model: Model, inputs: Tensors, target: CompiledTarget, key: string, options: WorkOptions) {
    this.model = model;
    this.inputs = inputs;
    this.target = target;
    this.#key = key;
    this.options = options;
  }

  async evaluate(points: Points, fetches: readonly string[] = [], each?: EachRun): Promise<Evaluation> {
    const { executor } = this.model;
    const { part, size, given, transfer } = await this.#batches(points, fetches);
    const target = new Float64Array(points.count);
    const parts = new Map<string, Tensor[]>(each ? [] : fetches.map((name) => [name, []]));
    const runs = this.#sideBySide(part, points.count > size || this.options.sideBySide === true, transfer);
    const begin = async (start: number, end: number) => {
      const feeds = this.#feeds(part, given(start, start + size), size);
      const graph = await prune(await executor.specialise(part, feeds));
      const results = await executor.run(graph, feeds, [this.target.value, ...fetches], runs.options);
      return size === end - start ? results : firstOf(results, end - start, size);
    };
    const finish = (start: number, end: number, results: ReadonlyMap<string, Tensor>) => {
      const values = numbersOf(results.get(this.target.value) as Tensor);
      target.set(values, start);
      if (firstNotFinite(values) >= 0)
        this.#wrongTarget(part, () => this.#feeds(part, given(start, start + size), size));
      if (each) each(start, end - start, results);
      else for (const name of fetches) parts.get(name)?.push(results.get(name) as Tensor);
      this.#count(end - start, 0);
    };
    await inBatches(points.count, size, begin, finish, runs.streams);
    return { target, values: joined(parts) };
  }

  async gradient(points: Points, request: GradientAt): Promise<Gradient> {
    const { weights, wrt, each, rules, fetches: others = [] } = request;
    const part = this.#part(points.cut, others);
    const most = await this.#mostPoints(part, points, others);
    const size = even(points.count, most, this.model.executor.streams(part));
    const target = new Float64Array(points.count);
    const sums = new Map<string, Float64Array>();
    const parts = new Map<string, Tensor[]>(others.map((name) => [name, []]));
    const notes = new Map<string, GradientNote>();
    const runs = this.#sideBySide(part, points.count > size, this.#givenAway(points));
    const feedsOf = (start: number, end: number) => {
      const feeds = this.#feeds(part, points.at(start, end), end - start);
      const seed = filled(new Float32Array(end - start), (i) => weights?.[start + i] ?? 1);
      feeds.set(seedInput, float32([end - start], seed));
      for (const [name, tensor] of rules?.feeds ?? []) feeds.set(name, tensor);
      return feeds;
    };
    const begin = (start: number, end: number) =>
      this.#absorbing({ forward: end - start, backward: end - start }, async (absorbZeros) => {
        const feeds = feedsOf(start, end);
        const plan = await this.#plan(part, feeds, request, absorbZeros);
        const wanted = [...plan.gradients.values()].filter((name) => name !== undefined);
        const fetches = [this.target.value, ...others, ...wanted];
        const results = await this.model.executor.run(plan.graph, feeds, fetches, runs.options);
        return { plan, results, feeds: () => feedsOf(start, end) };
      });
    const finish = (start: number, end: number, { plan, results }: Awaited<ReturnType<typeof begin>>) => {
      for (const note of plan.notes) notes.set(`${note.node}|${note.text}`, note);
      const values = numbersOf(results.get(this.target.value) as Tensor);
      target.set(values, start);
      if (firstNotFinite(values) >= 0) this.#wrongTarget(plan.graph, () => feedsOf(start, end));
      for (const [name, list] of parts) list.push(results.get(name) as Tensor);
      // Nothing flows back to some values: their gradient is zero (the notes say why, where an operator stops it).
      const found = wrt.map((name) => {
        const gradient = plan.gradients.get(name);
        const size = sizeOf(plan.facts.shapes.get(name) ?? []) / (end - start);
        return { name, size, values: gradient ? (results.get(gradient) as Tensor<'float32'>).data : undefined };
      });
      if (each) {
        for (let point = start; point < end; point++) {
          const own = found.map(({ name, size, values }) => {
            const at = (point - start) * size;
            return [name, values ? values.subarray(at, at + size) : new Float32Array(size)] as const;
          });
          each(point, new Map(own));
        }
      } else for (const { name, size, values } of found) addTo(sums, name, size, values);
      this.#count(end - start, end - start);
    };
    await inBatches(points.count, size, begin, finish, runs.streams);
    return { target, values: joined(parts), sums, notes: [...notes.values()] };
  }

  async atZero(features: Tensors): Promise<number> {
    const zeros = () =>
      new Map([...features].map(([name, { shape, data }]) => [name, float32(shape, new Float32Array(data.length))]));
    const evaluated = async () => (await this.evaluate(pointOf(zeros()))).target[0];
    const indices = [...this.target.feeds.values()];
    const isFixed = this.#part([...features.keys()], []).inputs.every(
      ({ name }) => features.has(name) || this.target.feeds.has(name),
    );
    if (!isFixed || indices.some(({ data }) => data.length > longestIndex)) return evaluated();
    const shapes = [...features].map(([name, { shape }]) => `${name}:${formatShape(shape)}`);
    const key = `${this.#key}|${shapes.join()}|${indices.map(({ data }) => data.join()).join()}`;
    return once(cachesOf(this.model).zeros, key, evaluated);
  }

  async curvature(at: Tensors, vectors: Tensors): Promise<Curvature> {
    const points = pointOf(at);
    const part = this.#part(points.cut, []);
    const feeds = this.#feeds(part, at, 1);
    const { executor } = this.model;
    const graphFeeds = new Map(feeds).set(seedInput, float32([1], [1]));
    for (const [name, vector] of vectors) graphFeeds.set(vectorInput(name), vector);
    const plans = hasDataDependentShapes(part)
      ? new Map<string, Promise<CurvaturePlan>>()
      : cachesOf(this.model).curvatures;
    const { plan, results } = await this.#absorbing(
      { forward: 1, backward: curvatureBackward },
      async (absorbZeros) => {
        const key = `${this.#key}|${planKey(part, feeds, [...vectors.keys()], absorbZeros ? 'absorbing' : '')}|${await this.#decided(part, feeds)}`;
        const plan = await once(plans, key, async () =>
          curvaturePlan(executor, await this.#specialise(part, feeds), graphFeeds, vectors, {
            target: this.target.value,
            absorbZeros,
          }),
        );
        const wanted = [...plan.gradients.values(), ...plan.products.values()].filter((name) => name !== undefined);
        const fetches = [this.target.value, ...new Set(wanted)];
        const results = await executor.run(plan.graph, graphFeeds, fetches, this.options);
        return { plan, results, feeds: () => graphFeeds };
      },
    );
    const read = (names: ReadonlyMap<string, string | undefined>) =>
      new Map(
        [...vectors].map(([name, { shape }]) => {
          const value = names.get(name);
          return [
            name,
            value ? Float64Array.from((results.get(value) as Tensor<'float32'>).data) : new Float64Array(sizeOf(shape)),
          ];
        }),
      );
    this.#count(1, curvatureBackward);
    const [target] = toNumbers(results.get(this.target.value) as Tensor);
    return { target, gradients: read(plan.gradients), products: read(plan.products), notes: plan.notes };
  }

  /** How several batches of a part run: next to each other where the runtime can. */
  #sideBySide(part: Graph, isSplit: boolean, transfer: readonly string[]) {
    const streams = isSplit ? this.model.executor.streams(part) : 1;
    return { streams, options: { ...this.options, sideBySide: streams > 1, transfer } };
  }

  /** Values of points that nobody needs once they are on their way: copies of them would pile up beside the next ones. */
  #givenAway({ cut, fresh }: Points): readonly string[] {
    return fresh ? cut.filter((name) => this.model.types.get(name) === 'float32') : [];
  }

  /**
   * Runs a backward pass, and once more with zeros that absorb infinite derivatives where something came out that is not
   * finite: then also at all later points of the target, as what is masked at one of them is so at most.
   */
  async #absorbing<R extends { readonly plan: Plan; readonly results: Tensors; readonly feeds: () => Tensors }>(
    { forward, backward }: Passes,
    run: (absorbZeros: boolean) => Promise<R>,
  ): Promise<R> {
    const { absorbing } = cachesOf(this.model);
    const isKnown = absorbing.has(this.#key);
    let ran = await run(isKnown);
    let wrong = wrongGradient(ran.plan, ran.results);
    if (wrong && !isKnown) {
      absorbing.add(this.#key);
      this.#count(forward, backward);
      ran = await run(true);
      wrong = wrongGradient(ran.plan, ran.results);
    }
    if (wrong) this.wrong.gradient ??= wrongRun(ran.plan, wrong, ran.feeds);
    return ran;
  }

  #wrongTarget(graph: Graph, feeds: () => Tensors): void {
    this.wrong.target ??= { graph, feeds, value: this.target.value };
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
      part = extractSubgraph(this.target.graph, {
        inputs,
        outputs: [this.target.value, ...fetches.filter((name) => !cut.includes(name))],
      });
      parts.set(key, part);
    }
    return part;
  }

  /** Feeds of some points: the given values, and what else the part reads repeated for every point. */
  #feeds(part: Graph, given: Tensors, count: number): Map<string, Tensor> {
    throwIfCancelled(this.options.signal);
    const feeds = new Map(given);
    for (const { name } of part.inputs) {
      if (feeds.has(name)) continue;
      const index = this.target.feeds.get(name);
      const input = this.inputs.get(name);
      if (index) feeds.set(name, index);
      else if (input) feeds.set(name, input.shape[0] === 1 ? repeatRows(input, count) : input);
    }
    return feeds;
  }

  async #plan(
    part: Graph,
    feeds: Tensors,
    { wrt, rules, each, fetches = [] }: GradientAt,
    absorbZeros: boolean,
  ): Promise<Plan> {
    const kind = `${rules?.key ?? ''}${each ? '|each' : ''}${absorbZeros ? '|absorbing' : ''}|${fetches.join()}`;
    const make = async () =>
      gradientPlan(await this.#specialise(part, feeds), {
        target: this.target.value,
        wrt,
        rules,
        perPoint: each !== undefined,
        absorbZeros,
      });
    if (hasDataDependentShapes(part)) return make();
    const key = `${this.#key}|${planKey(part, feeds, wrt, kind)}|${await this.#decided(part, feeds)}`;
    return once(cachesOf(this.model).plans, key, make);
  }

  /** The part of the graph as it runs for these feeds, with decisions followed that their elements make. */
  #specialise(part: Graph, feeds: Tensors): Promise<Specialised> {
    return this.model.executor.specialise(part, feeds, { followData: true });
  }

  /** What tells feeds that decide alike from others, for the key of a plan. */
  async #decided(part: Graph, feeds: Tensors): Promise<string> {
    return decidesByData(part) ? `${numberOf((await this.#specialise(part, feeds)).graph)}` : '';
  }

  /** How points are evaluated: the graph, the points of a run, and what a run is given. */
  async #batches(points: Points, fetches: readonly string[]) {
    const part = this.#part(points.cut, fetches);
    const most = await this.#mostPoints(part, points, fetches);
    const divide = this.options.fewSizes ? fewSizes : shared;
    const streams = this.model.executor.streams(part);
    const { source } = points;
    const direct = {
      part,
      size: divide(points.count, most, streams),
      given: (start: number, end: number) => filledUp(points, start, end),
      transfer: this.#givenAway(points),
    };
    if (!source || most < source.pointsPerRow) return direct;
    const step = source.pointsPerRow;
    const rows = divide(points.count / step, Math.floor(most / step), streams);
    const first = source.feeds(0, rows);
    if (bytesIn(first) > bytesIn(points.at(0, 1)) * rows * step) return direct;
    return {
      part: sourcePart(part, points, source),
      size: rows * step,
      transfer: [],
      given: (start: number, end: number) =>
        start === 0 && end === rows * step ? first : source.feeds(start / step, end / step),
    };
  }

  /** How many points one run may take: one where the graph does not keep points apart. */
  async #mostPoints(part: Graph, points: Points, fetches: readonly string[] = []): Promise<number> {
    // Two points may take different branches, or their sum may decide for both.
    if (points.count <= 1 || decidesByData(part)) return 1;
    // Inner values of a graph that is filled up have its rows, however many are given.
    if (this.model.rowsAtMost && fetches.some((name) => !points.cut.includes(name))) return 1;
    const key = `${this.#key}|${points.cut.join()}`;
    const separate = await once(cachesOf(this.model).batching, key, () => this.#keepsRowsApart(part, points));
    if (!separate) return 1;
    const { rowsAtMost = points.count } = this.model;
    const { graph, facts } = await this.model.executor.specialise(part, this.#feeds(part, points.at(0, 1), 1));
    const budget = (this.options.byteBudget ?? 256 * 2 ** 20) / this.model.executor.streams(part);
    return Math.min(points.count, rowsAtMost, mostPoints(graph, facts, budget));
  }

  /**
   * Whether two points in one run give what each gives alone: models exported for one input, and those that mix rows
   * or fold a batch of 1 into a reshape, do not.
   */
  async #keepsRowsApart(part: Graph, points: Points): Promise<boolean> {
    const [first, last] = [points.at(0, 1), points.at(points.count - 1, points.count)];
    for (const { name, shape } of part.inputs) {
      if (this.target.feeds.has(name)) continue;
      const given = first.get(name);
      const row = given ?? this.inputs.get(name);
      // What does not have one row for each point, such as the texts that an image is compared with, is the same for all.
      if (!given && row?.shape[0] !== 1) continue;
      if (row?.shape[0] !== 1 || (typeof shape?.[0] === 'number' && shape[0] !== 2)) return false;
    }
    const alone: number[] = [];
    for (const feeds of [first, last]) {
      const single: Points = { cut: points.cut, count: 1, at: () => feeds };
      alone.push((await this.evaluate(single)).target[0]);
    }
    const both = new Map([...first].map(([name, row]) => [name, concatRows([row, last.get(name) as Tensor])]));
    const feeds = this.#feeds(part, both, 2);
    try {
      const { graph } = await this.model.executor.specialise(part, feeds);
      const results = await this.model.executor.run(graph, feeds, [this.target.value], this.options);
      const together = toNumbers(results.get(this.target.value) as Tensor);
      this.#count(2, 0);
      // float32 sums in another order differ in the last digits.
      return (
        together.length === 2 &&
        together.every((value, i) => Math.abs(value - alone[i]) <= 1e-4 * Math.max(1, Math.abs(alone[i])))
      );
    } catch (error) {
      // A graph with a batch of 1 built in fails here, and only here: points then run one by one, which the cost shows.
      if (error instanceof WhereforeError && error.code === 'runtime') return false;
      throw error;
    }
  }
}
