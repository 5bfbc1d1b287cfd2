import * as z from 'zod/mini';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph, OnnxModel } from '../onnx/graph.ts';
import { readInitializer } from '../onnx/initializer.ts';
import { extractSubgraph } from '../onnx/lowering/extract.ts';
import { float32 } from '../tensor/tensor.ts';
import { trainableKey } from '../train/parameters.ts';
import { prefix } from './adapter.ts';
import type { Classifier } from './classifier.ts';
import { asInOpset } from './older-opset.ts';
import type { TrainingModel } from './training-model.ts';

/** Key of the file's metadata that says what an explainer explains and how it was made, as JSON. */
export const explainerKey = 'wherefore.explainer';

/** Name of the class input of `explainer.onnx`, int64 `[N]`, and of the mask in both files. */
export const classInput = 'class';
export const maskOutput = 'mask';

const mapSchema = z.object({ name: z.string(), form: z.string(), channels: z.int(), height: z.int(), width: z.int() });

/** What an explainer file says about itself. */
export const explainerFacts = z.object({
  version: z.literal(1),
  /** SHA-256 of the model file that it was trained on. */
  model: z.string(),
  input: z.string(),
  channelAxis: z.union([z.literal(1), z.literal(3)]),
  height: z.int(),
  width: z.int(),
  classes: z.int(),
  /** What it reads, low to high; none where it reads the input alone. */
  layers: z.array(mapSchema),
  /** Points `μ + t·(x − μ)` at which it computes the gradient of the class: a forward and a backward pass each. */
  gradients: z._default(
    z.object({ points: z.array(z.number()), notes: z.array(z.string()), missing: z.optional(z.string()) }),
    { points: [], notes: [] },
  ),
  parameters: z.int(),
  /** α_min: a pixel with a mask below it is no part of the explanation. */
  threshold: z.number(),
  references: z.array(z.string()),
  seed: z.int(),
  settings: z.record(z.string(), z.unknown()),
  validation: z.record(z.string(), z.number()),
});
export type ExplainerFacts = z.infer<typeof explainerFacts>;

/** The explainer alone: image and class in, mask out. */
export function explainerModel(
  trained: OnnxModel,
  training: TrainingModel,
  classifier: Classifier,
  facts: ExplainerFacts,
): OnnxModel {
  const { input } = classifier;
  const { graph } = trained;
  const inputs = [
    ...graph.inputs.filter(({ name }) => name === input),
    { name: training.label, type: 'int64' as const, shape: ['N'] },
  ];
  const part = extractSubgraph(graph, { inputs, outputs: [training.mask] });
  // The value that held the class while training becomes an input with a name for people.
  const rename = (name: string) => (name === training.label ? classInput : name);
  const nodes = part.nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename) }));
  const renamed = { ...part, nodes, inputs: part.inputs.map((value) => ({ ...value, name: rename(value.name) })) };
  return { ...trained, graph: withMaskOutput(renamed, training.mask), metadata: metadataOf(new Map(), facts) };
}

/**
 * The model with the explainer beside it: its own outputs, then the mask of the predicted class. With `keeps` the file's
 * own nodes stay as they are and those of the explainer are written in its opset; otherwise the lowered nodes stand for
 * them. Whether the former is possible, {@link canAppend} says.
 */
export function fusedModel(
  source: OnnxModel,
  trained: OnnxModel,
  training: TrainingModel,
  classifier: Classifier,
  lowered: OnnxModel,
  facts: ExplainerFacts,
  keeps: boolean,
): OnnxModel {
  const base = keeps ? source : lowered;
  const opset = standardOpset(base);
  const builder = new GraphBuilder(base.graph, { prefix });
  const flat = builder.op('Flatten', [classifier.scores], { axis: 1 });
  const predicted = builder.op('ArgMax', [flat], { axis: 1, keepdims: 0 });
  // Before opset 13 inputs of Resize could not be left out; an empty one says the same in every opset.
  const nothing = builder.constant(float32([0], []));
  const part = extractSubgraph(trained.graph, {
    inputs: [{ name: training.label, type: 'int64', shape: ['N'] }],
    outputs: [training.mask],
  });
  const own = part.nodes.filter((node) => node.outputs.some(isOwn)).map((node) => asInOpset(node, opset, part));
  const present = new Set([...base.graph.initializers.keys(), ...base.graph.nodes.flatMap(({ outputs }) => outputs)]);
  const read = new Set(own.flatMap(({ inputs }) => inputs));
  for (const initializer of part.initializers.values()) {
    // The gradient's copy of the model also reads constants that lowering made of attributes: they are not in the file.
    if (read.has(initializer.name) && !present.has(initializer.name))
      builder.initializer(initializer.name, readInitializer(initializer));
  }
  for (const node of own) {
    const inputs = node.inputs.map((name) => (name === training.label ? predicted : name));
    builder.append({ ...node, inputs: node.op === 'Resize' ? inputs.map((name) => name || nothing) : inputs });
  }
  const graph = withMaskOutput(builder.build(), training.mask, base.graph.outputs);
  const irVersion = Math.max(base.irVersion, 4);
  return { ...base, irVersion, graph, metadata: metadataOf(base.metadata, facts) };
}

const isOwn = (name: string) => name.startsWith(prefix);

/**
 * Whether the explainer's nodes can stand behind those of the file: its operators exist in the file's opset (11 and
 * above), and what it reads has its name in the file.
 */
export function canAppend(
  source: OnnxModel,
  lowered: OnnxModel,
  training: TrainingModel,
  classifier: Classifier,
): boolean {
  const opset = standardOpset(source);
  const types = new Map(source.graph.inputs.map(({ name, type }) => [name, type]));
  const named = new Set(source.graph.nodes.flatMap(({ outputs }) => outputs));
  const wanted = [...training.maps.map(({ name }) => name), classifier.scores];
  const isFloat32 = types.get(classifier.input) === 'float32' && !hasHalf(source.graph);
  return opset >= 11 && opset <= standardOpset(lowered) && isFloat32 && wanted.every((name) => named.has(name));
}

export const standardOpset = ({ opsets }: OnnxModel): number => opsets.get('') ?? opsets.get('ai.onnx') ?? 0;

const hasHalf = (graph: Graph) =>
  [...graph.initializers.values()].some(({ type }) => type === 'float16' || type === 'bfloat16');

function withMaskOutput(graph: Graph, mask: string, before: Graph['outputs'] = []): Graph {
  const builder = new GraphBuilder({ ...graph, outputs: [...before] });
  // The runtime's Sigmoid can end a rounding above 1.
  builder.op('Min', [mask, builder.scalar(1)], {}, { name: `${prefix}output`, outputs: [maskOutput] });
  builder.output(maskOutput, 'float32', undefined);
  return builder.build();
}

function metadataOf(old: ReadonlyMap<string, string>, facts: ExplainerFacts): Map<string, string> {
  const metadata = new Map([...old, [explainerKey, JSON.stringify(facts)]]);
  metadata.delete(trainableKey);
  return metadata;
}
