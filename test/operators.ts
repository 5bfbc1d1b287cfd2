import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { differentiate } from '../src/autodiff/differentiate.ts';
import { type Facts, probeOf, readProbe, specialise } from '../src/autodiff/facts.ts';
import { loadRules } from '../src/autodiff/rules/index.ts';
import { readSafetensors } from '../src/data/formats/safetensors.ts';
import { GraphBuilder } from '../src/onnx/builder.ts';
import { decodeModel } from '../src/onnx/decode.ts';
import type { Graph, OnnxModel } from '../src/onnx/graph.ts';
import { renameNode } from '../src/onnx/lowering/branches.ts';
import { lower } from '../src/onnx/lowering/index.ts';
import type { Runtime, Tensors } from '../src/runtime/runtime.ts';
import { toNumbers } from '../src/tensor/convert.ts';
import type { Tensor } from '../src/tensor/tensor.ts';

/** One operator in one variant, with its float64 reference. */
export interface OperatorCase {
  readonly family: string;
  readonly name: string;
  readonly operator: string;
  readonly variant: string;
  readonly kind: 'smooth' | 'kinked' | 'estimate';
  readonly source: string;
  readonly bytes: Uint8Array;
  readonly inputs: Tensors;
  readonly seeds: Tensors;
  readonly outputs: Tensors;
  readonly gradients: Tensors;
  /** A direction in the inputs, and the Hessian-vector product along it: Σ ⟨seed, ∂²output/∂input²⟩ · direction. */
  readonly directions: Tensors;
  readonly products: Tensors;
}

/** What came out of a case: relative errors without and with graph optimisation, or why nothing did. */
export interface Outcome {
  readonly failure?: string;
  readonly forward: Errors;
  readonly gradient: Errors;
  /** Of the Hessian-vector product; NaN where the case has none. */
  readonly product: Errors;
}

export interface Errors {
  readonly none: number;
  readonly all: number;
}

const folder = new URL('./fixtures/operators/', import.meta.url);

/** Names of the fixture files: families of operators. */
export function operatorFamilies(): string[] {
  return readdirSync(fileURLToPath(folder))
    .filter((file) => file.endsWith('.safetensors'))
    .map((file) => file.slice(0, -'.safetensors'.length))
    .sort();
}

export function readOperatorCases(family: string): OperatorCase[] {
  const { tensors, metadata } = readSafetensors(readFileSync(new URL(`${family}.safetensors`, folder)), family);
  const facts = JSON.parse(metadata.cases) as Record<
    string,
    Pick<OperatorCase, 'operator' | 'variant' | 'kind' | 'source'>
  >;
  const grouped = new Map(Object.keys(facts).map((name) => [name, new Map<string, Tensor>()]));
  for (const [key, value] of tensors) {
    const at = key.lastIndexOf('/');
    grouped.get(key.slice(0, at))?.set(key.slice(at + 1), value);
  }
  return Object.entries(facts).map(([name, { operator, variant, kind, source }]) => {
    const parts = grouped.get(name) as Map<string, Tensor>;
    const under = (prefix: string): Tensors =>
      new Map(
        [...parts].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key.slice(prefix.length), value]),
      );
    return {
      family,
      name,
      operator,
      variant,
      kind,
      source,
      bytes: (parts.get('model') as Tensor<'uint8'>).data,
      inputs: under('input:'),
      seeds: under('seed:'),
      outputs: under('output:'),
      gradients: under('gradient:'),
      directions: under('direction:'),
      products: under('product:'),
    };
  });
}

/** Gradients below this size come of cancellation among terms of order 1, whose own rounding is 6e-8 each. */
const smallestScale = 1e-2;

/** max|value − reference| / max|reference|, the latter at least {@link smallestScale}. */
export function relativeError(value: Tensor | undefined, reference: Tensor): number {
  const expected = toNumbers(reference);
  const got = value ? toNumbers(value) : expected.map(() => 0);
  if (got.length !== expected.length || (value && value.shape.join() !== reference.shape.join()))
    return Number.POSITIVE_INFINITY;
  let worst = 0;
  let scale = smallestScale;
  for (let i = 0; i < expected.length; i++) {
    const error = got[i] === expected[i] ? 0 : Math.abs(got[i] - expected[i]);
    if (Number.isNaN(error)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, error);
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  return worst / scale;
}

/** A case on its way: its graph gains the backward pass, then the backward pass of that. */
interface Stage {
  readonly item: OperatorCase;
  readonly model: OnnxModel;
  readonly feeds: Tensors;
  readonly outputs: readonly string[];
}

/**
 * Runs cases from the file's bytes to gradients: decode, lower, probe, specialise, differentiate (twice where the case
 * has a Hessian-vector product), run without and with graph optimisation. Cases share sessions, because opening one
 * costs more than running it; where a shared session fails, its cases are run one by one, so that the failure has a name.
 */
export async function runOperatorCases(
  runtime: Runtime,
  cases: readonly OperatorCase[],
): Promise<Map<string, Outcome>> {
  await loadRules();
  const failures = new Map<string, string>();
  const each = <T extends { item: OperatorCase }, R>(stages: readonly T[], step: (stage: T) => R): R[] =>
    stages.flatMap((stage) => {
      try {
        return [step(stage)];
      } catch (error) {
        failures.set(stage.item.name, (error as Error).message);
        return [];
      }
    });
  const fail = (item: OperatorCase, message: string) => void failures.set(item.name, message);

  const lowered = each(
    cases.map((item) => ({ item })),
    ({ item }): Stage => {
      const { model } = lower(decodeModel(item.bytes));
      return {
        item,
        model,
        feeds: item.inputs,
        outputs: model.graph.outputs.map((output) => output.name),
      };
    },
  );
  const facts = await probeAll(runtime, lowered, fail);
  const first = each(
    lowered.filter(({ item }) => facts.has(item.name)),
    (stage) => firstOrder(stage, facts.get(stage.item.name) as Facts),
  );
  const second = first.filter(({ item }) => item.products.size > 0);
  const secondFacts = await probeAll(runtime, second, fail);
  const twice = new Map(
    each(
      second.filter(({ item }) => secondFacts.has(item.name)),
      (stage) => secondOrder(stage, secondFacts.get(stage.item.name) as Facts),
    ).map((stage) => [stage.item.name, stage]),
  );
  const stages = first.map((stage) => twice.get(stage.item.name) ?? stage);
  const results = {
    none: new Map<string, Tensors>(),
    all: new Map<string, Tensors>(),
  };
  for (const optimization of ['none', 'all'] as const) {
    results[optimization] = await runAll(runtime, stages, optimization, fail);
  }

  return new Map(
    cases.map((item) => {
      const errors = (reference: Tensors, prefix: string): Errors => {
        const worst = (values: Tensors | undefined) =>
          Math.max(...[...reference].map(([name, value]) => relativeError(values?.get(prefix + name), value)));
        if (reference.size === 0) return { none: Number.NaN, all: Number.NaN };
        return {
          none: worst(results.none.get(item.name)),
          all: worst(results.all.get(item.name)),
        };
      };
      return [
        item.name,
        {
          failure: failures.get(item.name),
          forward: errors(item.outputs, ''),
          gradient: errors(item.gradients, 'gradient of '),
          product: errors(item.products, 'product of '),
        },
      ];
    }),
  );
}

function firstOrder({ item, model, feeds, outputs }: Stage, facts: Facts): Stage {
  const builder = new GraphBuilder(specialise(model.graph, facts));
  const seeds = new Map<string, string>();
  const seedFeeds = new Map(feeds);
  for (const [name, seed] of item.seeds) {
    seeds.set(name, builder.input(`seed of ${name}`, seed.type, seed.shape));
    seedFeeds.set(`seed of ${name}`, seed);
  }
  const { graph, gradients } = differentiate(builder.build(), facts, {
    seeds,
    wrt: [...item.gradients.keys()],
  });
  return withOutputs({ item, model: { ...model, graph }, feeds: seedFeeds, outputs }, gradients, 'gradient of ');
}

/** Differentiates ⟨direction, gradient⟩: the Hessian-vector product. */
function secondOrder({ item, model, feeds, outputs }: Stage, facts: Facts): Stage {
  const builder = new GraphBuilder(specialise(model.graph, facts));
  const seeds = new Map<string, string>();
  const directionFeeds = new Map(feeds);
  for (const [name, direction] of item.directions) {
    if (!outputs.includes(`gradient of ${name}`)) continue;
    seeds.set(`gradient of ${name}`, builder.input(`direction of ${name}`, direction.type, direction.shape));
    directionFeeds.set(`direction of ${name}`, direction);
  }
  const { graph, gradients } = differentiate(builder.build(), facts, {
    seeds,
    wrt: [...item.products.keys()],
  });
  return withOutputs({ item, model: { ...model, graph }, feeds: directionFeeds, outputs }, gradients, 'product of ');
}

function withOutputs(stage: Stage, gradients: ReadonlyMap<string, string | undefined>, prefix: string): Stage {
  const builder = new GraphBuilder(stage.model.graph);
  const outputs = [...stage.outputs];
  for (const [name, gradient] of gradients) {
    if (!gradient) continue;
    // A gradient may be a graph input itself (the seed), which cannot be an output.
    outputs.push(builder.output(builder.op('Identity', [gradient], {}, { outputs: [prefix + name] }), 'float32'));
  }
  return {
    ...stage,
    model: { ...stage.model, graph: builder.build() },
    outputs,
  };
}

const nodesInSession = 1500;

type Fail = (item: OperatorCase, message: string) => void;

async function probeAll(runtime: Runtime, stages: readonly Stage[], fail: Fail): Promise<Map<string, Facts>> {
  const probes = stages.map((stage) => ({
    stage,
    probe: probeOf(stage.model.graph),
  }));
  const probing = probes.map(({ stage, probe }) => ({
    ...stage,
    model: { ...stage.model, graph: probe.graph },
    outputs: [...probe.shapeOf.keys(), ...probe.constants],
  }));
  const results = await runAll(runtime, probing, 'none', fail);
  const facts = new Map<string, Facts>();
  for (const { stage, probe } of probes) {
    const result = results.get(stage.item.name);
    if (result) facts.set(stage.item.name, readProbe(stage.model.graph, probe, result));
  }
  return facts;
}

async function runAll(
  runtime: Runtime,
  stages: readonly Stage[],
  optimization: 'none' | 'all',
  fail: Fail,
): Promise<Map<string, Tensors>> {
  const results = new Map<string, Tensors>();
  for (const group of shared(stages)) {
    try {
      for (const [name, result] of await runMerged(runtime, group, optimization)) results.set(name, result);
    } catch {
      // The message of a shared session names no case: run them one by one, and keep each one's own message.
      for (const stage of group) {
        try {
          for (const [name, result] of await runMerged(runtime, [stage], optimization)) results.set(name, result);
        } catch (error) {
          fail(stage.item, `optimisation ${optimization}: ${(error as Error).message}`);
        }
      }
    }
  }
  return results;
}

/** Cases of one opset, as many as share a session well: opening one takes more than linear time in its nodes. */
function shared(stages: readonly Stage[]): Stage[][] {
  const groups: Stage[][] = [];
  const open = new Map<number, { readonly group: Stage[]; nodes: number }>();
  for (const stage of stages) {
    const opset = stage.model.opsets.get('') ?? 0;
    let last = open.get(opset);
    if (!last || last.nodes + stage.model.graph.nodes.length > nodesInSession) {
      last = { group: [], nodes: 0 };
      groups.push(last.group);
      open.set(opset, last);
    }
    last.group.push(stage);
    last.nodes += stage.model.graph.nodes.length;
  }
  return groups;
}

async function runMerged(
  runtime: Runtime,
  stages: readonly Stage[],
  optimization: 'none' | 'all',
): Promise<Map<string, Tensors>> {
  const graphs = stages.map(({ model, outputs }, i) =>
    prefixed(
      {
        ...model.graph,
        outputs: outputs.map((name) => outputInfo(model.graph, name)),
      },
      `${i}/`,
    ),
  );
  const graph: Graph = {
    name: 'cases',
    inputs: graphs.flatMap((part) => part.inputs),
    outputs: graphs.flatMap((part) => part.outputs),
    nodes: graphs.flatMap((part) => part.nodes),
    initializers: new Map(graphs.flatMap((part) => [...part.initializers])),
    values: new Map(),
  };
  const opsets = new Map(stages.flatMap(({ model }) => [...model.opsets]));
  const feeds = new Map(
    stages.flatMap((stage, i) => [...stage.feeds].map(([name, value]): [string, Tensor] => [`${i}/${name}`, value])),
  );
  const session = await runtime.open({ ...stages[0].model, opsets, graph }, { optimization, prepack: false });
  try {
    const results = await session.run(
      feeds,
      graph.outputs.map((output) => output.name),
    );
    return new Map(
      stages.map(({ item, outputs }, i) => [
        item.name,
        new Map(outputs.map((name) => [name, results.get(`${i}/${name}`) as Tensor])),
      ]),
    );
  } finally {
    await session.release();
  }
}

function outputInfo(graph: Graph, name: string) {
  return (
    graph.outputs.find((output) => output.name === name) ?? {
      name,
      type: undefined,
      shape: undefined,
    }
  );
}

function prefixed(graph: Graph, prefix: string): Graph {
  const names = new Map<string, string>();
  const add = (name: string) => {
    if (name) names.set(name, prefix + name);
  };
  for (const { name } of graph.inputs) add(name);
  for (const name of graph.initializers.keys()) add(name);
  for (const node of graph.nodes) node.outputs.forEach(add);
  const rename = (name: string) => names.get(name) ?? name;
  return {
    ...graph,
    inputs: graph.inputs.map((input) => ({
      ...input,
      name: rename(input.name),
    })),
    outputs: graph.outputs.map((output) => ({
      ...output,
      name: rename(output.name),
    })),
    nodes: graph.nodes.map((node, i) => ({
      ...renameNode(node, names),
      name: `${prefix}${i}`,
    })),
    initializers: new Map(
      [...graph.initializers].map(([name, value]) => [rename(name), { ...value, name: rename(name) }]),
    ),
    values: new Map(),
  };
}
