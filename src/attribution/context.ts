import type { Graph } from '../onnx/graph.ts';
import { hasDataDependentShapes } from '../runtime/executor.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { concatRows, float32, rows, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { type InputLayout, layoutFor } from './baseline.ts';
import { type Groups, hidesAll, type Partition, partition } from './groups.ts';
import { isCut, isNested, type Layer } from './layer.ts';
import type { Method, MethodContext, Reference, Workload } from './methods/method.ts';
import { pointOf, pointsOf } from './points.ts';
import type { Evaluation, Prepared } from './prepared.ts';

export interface ContextRequest extends Pick<MethodContext, 'loadExplainer'> {
  readonly inputs: Tensors;
  readonly target: MethodContext['target'];
  /** All inputs at every baseline; none where there is none. */
  readonly points: readonly Tensors[];
  readonly groups?: Groups;
  readonly layout?: InputLayout;
}

/** Looks at the input and at every baseline: what each method starts from. */
export async function methodContext(
  prepared: Prepared,
  { inputs, points, layout = {}, groups, target, loadExplainer }: ContextRequest,
  {
    method,
    explained,
    layer,
    parameters,
  }: {
    readonly method: Method;
    readonly explained: readonly string[];
    readonly layer: Layer;
    /** Those of the method, where it is about to run: the gradient that it starts from then comes with the input. */
    readonly parameters?: Readonly<Record<string, unknown>>;
  },
): Promise<MethodContext> {
  const { graph, value: scalar } = prepared.target;
  const inner = layer.names.filter((name) => !inputs.has(name));
  const referenceOf = (point: Tensors, { target: value, values }: Evaluation): Reference => {
    const features = new Map(layer.names.map((name) => [name, (values.get(name) ?? point.get(name)) as Tensor]));
    return { inputs: point, features, value: value[0] };
  };
  const at = async (point: Tensors) => referenceOf(point, await prepared.evaluate(pointOf(point), inner));
  const sharesRun = canShareRun(graph, layer);
  const rules = parameters && (await method.gradientAtInput?.(parameters));
  const gradient =
    parameters && sharesRun && method.gradientAtInput
      ? await prepared.gradient(pointOf(inputs), { wrt: layer.names, rules, fetches: inner })
      : undefined;
  const here = gradient ? referenceOf(inputs, gradient) : await at(inputs);
  const references =
    points.length === 1 ? [await at(points[0])] : await sampled(prepared, points, { explained, layer, inner });
  const layouts = layoutsOf(here, explained, layout);
  return {
    prepared,
    target,
    explained,
    layer: layer.names,
    isCut: isCut(graph, layer, explained, scalar),
    sharesRun,
    rules,
    gradient,
    features: here.features,
    inputs,
    value: here.value,
    references,
    layouts,
    partition: method.usesGroups ? partition(here.features, layouts, groups) : noGroups,
    hasGroups: groups !== undefined,
    loadExplainer,
  };
}

/**
 * Whether the run that looks at the input can give the gradient at the layer too. Not where a value of the layer is
 * computed from another; and not where shapes hang on elements, so that a plan holds for one input and is made anew.
 */
function canShareRun(graph: Graph, layer: Layer): boolean {
  return !isNested(graph, layer) && !hasDataDependentShapes(graph);
}

/** The model at the points of a sample, as many in one run as fit. */
async function sampled(
  prepared: Prepared,
  points: readonly Tensors[],
  {
    explained,
    layer,
    inner,
  }: { readonly explained: readonly string[]; readonly layer: Layer; readonly inner: readonly string[] },
): Promise<Reference[]> {
  if (points.length === 0) return [];
  const rowsOf = (name: string) => concatRows(points.map((point) => point.get(name) as Tensor));
  const stacked = pointsOf(new Map(explained.map((name) => [name, rowsOf(name)])), points.length);
  const { target, values } = await prepared.evaluate(stacked, inner);
  return points.map((point, k) => {
    const own = (name: string) => {
      const all = values.get(name);
      if (!all) return point.get(name) as Tensor;
      const height = (all.shape[0] ?? 1) / points.length;
      return rows(all, k * height, (k + 1) * height);
    };
    return { inputs: point, features: new Map(layer.names.map((name) => [name, own(name)])), value: target[k] };
  });
}

const noGroups: Partition = { count: 0, of: new Map(), description: 'none' };

/** The caller's layout for the explained inputs; [batch, channel, row, column] for inner values of four axes. */
function layoutsOf(
  { inputs, features }: Pick<Reference, 'inputs' | 'features'>,
  explained: readonly string[],
  layout: InputLayout,
): Map<string, InputLayout> {
  const layouts = new Map<string, InputLayout>();
  for (const name of explained) {
    const own = layoutFor(layout, inputs.get(name)?.shape.length ?? 0);
    if (own === layout) layouts.set(name, layout);
  }
  for (const [name, { shape }] of features) {
    if (!inputs.has(name) && shape.length === 4) layouts.set(name, { channelAxis: 1, spatialAxes: [2, 3] });
  }
  return layouts;
}

/** The part of a context that the cost of a method depends on. */
export interface Extent
  extends Pick<MethodContext, 'features' | 'partition' | 'layouts' | 'hasGroups' | 'isCut' | 'sharesRun'> {
  /** Samples of the baseline. */
  readonly references: { readonly length: number };
}

export interface ExtentRequest {
  readonly inputs: Tensors;
  readonly explained: readonly string[];
  readonly layer: Layer;
  /** Shapes of the values of the layer. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly layout?: InputLayout;
  readonly groups?: Groups;
  /** Samples of the baseline. */
  readonly references: number;
  /** The graph with the target, and the target's value. */
  readonly target: { readonly graph: Graph; readonly value: string };
}

/** What the cost of a method depends on, before anything is run: of inner values the shapes suffice. */
export function extentOf(
  method: Method,
  { inputs, explained, layer, shapes, layout = {}, groups, references, target }: ExtentRequest,
): Extent {
  const features = new Map<string, Tensor>(
    layer.names.map((name) => {
      const shape = shapes.get(name) ?? [];
      return [name, inputs.get(name) ?? float32(shape, new Float32Array(sizeOf(shape)))];
    }),
  );
  const layouts = layoutsOf({ inputs, features }, explained, layout);
  return {
    features,
    layouts,
    hasGroups: groups !== undefined,
    partition: method.usesGroups ? partition(features, layouts, groups) : noGroups,
    references: { length: references },
    isCut: isCut(target.graph, layer, explained, target.value),
    sharesRun: canShareRun(target.graph, layer),
  };
}

/** What the cost of a method depends on. */
export function workloadOf(context: Extent, runs: number): Workload {
  const { features, partition: groups, references, layouts, hasGroups } = context;
  let elements = 0;
  for (const { data } of features.values()) elements += data.length;
  const [first] = features.values();
  const spaces = [...features].map(([name, { shape }]) =>
    hasGroups ? [] : (layouts.get(name)?.spatialAxes ?? []).map((axis) => shape[axis]),
  );
  return {
    elements,
    groups: groups.count,
    channels: first.shape[1] ?? 1,
    references: Math.max(1, references.length / runs),
    hidesAll: hidesAll(context),
    spaces: spaces.filter((sides) => sides.length > 0),
    hasSpaceless: spaces.some((sides) => sides.length === 0),
  };
}
