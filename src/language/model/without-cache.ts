import { WhereforeError } from '../../errors.ts';
import {
  describeNode,
  type Graph,
  type Initializer,
  intAttribute,
  type Node,
  namesRead,
  nodeOf,
  type OnnxModel,
  operatorKey,
  requiredInputs,
  type ValueInfo,
} from '../../onnx/graph.ts';
import { resolveConstants } from '../../onnx/lowering/constants.ts';
import { prune } from '../../onnx/lowering/extract.ts';
import { namesOf } from '../../onnx/lowering/rewrite.ts';
import { lookup } from '../../tensor/lookup.ts';
import { int64, tensor } from '../../tensor/tensor.ts';

/** A language model that reads whole texts, and what was left out of its file for that. */
export interface WithoutCache {
  readonly model: OnnxModel;
  /** The inputs that held keys and values of tokens before; empty where the file has none. */
  readonly caches: readonly string[];
}

const floats: ReadonlySet<string> = new Set(['float32', 'float16', 'bfloat16']);

/** Inputs that hold keys and values of the past: floats with at least batch, heads, tokens and size. */
const cacheInputs = ({ graph }: OnnxModel): ValueInfo[] =>
  requiredInputs(graph).filter(({ type, shape }) => type && floats.has(type) && (shape?.length ?? 0) >= 4);

/**
 * The model as it computes a text from its first token: with an empty past, whose inputs and outputs are gone. What
 * reads the past is found in the graph, whatever it is called: a `Concat` of past and present, or an attention of the
 * runtime's own. Of a merged decoder, the branch without a past is taken.
 * @throws WhereforeError `unsupported-model` where something else reads the past, or no output has the logits
 */
export function withoutCache(file: OnnxModel, vocabularySize: number | undefined): WithoutCache {
  const caches = cacheInputs(file);
  const model = caches.length > 0 ? { ...file, graph: unmerged(file.graph) } : file;
  const logits = logitsOf(model.graph, vocabularySize);
  if (caches.length === 0 && model.graph.outputs.length === 1) return { model: file, caches: [] };
  const emptied = withEmpty(model.graph, caches);
  const graph = prune({ ...emptied, outputs: [logits] });
  const read = new Set([...graph.nodes.flatMap((node) => [...namesRead(node)]), logits.name]);
  const left = caches.find(({ name }) => read.has(name));
  if (left) throw new WhereforeError('internal', `the cache "${left.name}" is still read`);
  const names = new Set(caches.map(({ name }) => name));
  const inputs = graph.inputs.filter(({ name }) => !names.has(name) && !graph.initializers.has(name));
  return { model: { ...model, graph: { ...graph, inputs } }, caches: [...names] };
}

/** A decoder for both first and later tokens decides by a truth value that is an input: here it is false. */
function unmerged(graph: Graph): Graph {
  const conditions = new Set(graph.nodes.filter(({ op }) => op === 'If').map(({ inputs }) => inputs[0]));
  const asked = requiredInputs(graph).filter(({ name, type }) => type === 'bool' && conditions.has(name));
  if (asked.length === 0) return graph;
  const initializers = new Map(graph.initializers);
  for (const { name, shape = [] } of asked) {
    const no = tensor(
      'bool',
      shape.map((size) => (typeof size === 'number' ? size : 1)),
    );
    const constant: Initializer = { name, type: 'bool', shape: no.shape, location: { kind: 'memory', tensor: no } };
    initializers.set(name, constant);
  }
  const inputs = graph.inputs.filter(({ name }) => !asked.some((one) => one.name === name));
  const changed = { ...graph, inputs, initializers };
  return resolveConstants(changed, namesOf(changed), []);
}

/** The output with one number for each token of the vocabulary at each position. */
function logitsOf({ outputs }: Graph, vocabularySize: number | undefined): ValueInfo {
  const found =
    outputs.find(({ shape }) => shape?.length === 3 && vocabularySize !== undefined && shape[2] === vocabularySize) ??
    outputs.find(({ shape }) => shape?.length === 3) ??
    outputs.find(({ type, shape }) => type !== undefined && floats.has(type) && shape === undefined);
  if (found) return found;
  throw new WhereforeError('unsupported-model', 'no output has a number for each token of the vocabulary', {
    got: outputs.map(({ name, shape }) => `"${name}" ${shape?.join('×') ?? ''}`).join(', '),
    expected: 'logits: batch×sequence×vocabulary',
    fix: outputs.every(({ shape }) => shape?.length === 2)
      ? 'a classifier of texts is asked by `wherefore explain` and `language shortcut`; else export the model for text generation'
      : 'export the model for text generation',
  });
}

type Empty = Map<string, readonly number[]>;

/** What a node that reads a value without elements becomes; undefined: its outputs are without elements as well. */
type Reading = (node: Node, empty: Empty) => Node | undefined;

/** The axis of a value of the given rank that a Gather of one index takes away. */
function taken(node: Node, shape: readonly number[]): readonly number[] {
  const axis = intAttribute(node, 'axis', 0);
  return shape.filter((_, k) => k !== (axis < 0 ? axis + shape.length : axis));
}

/** The shape of values without elements, put one behind another. */
function joined(node: Node, empty: Empty): readonly number[] {
  const shapes = node.inputs.map((name) => empty.get(name) as readonly number[]);
  const axis = intAttribute(node, 'axis', 0);
  const at = axis < 0 ? axis + shapes[0].length : axis;
  return shapes[0].map((size, k) => (k === at ? shapes.reduce((sum, shape) => sum + shape[k], 0) : size));
}

const passed: Reading = (node, empty) => {
  const shape = empty.get(node.inputs[0]) as readonly number[];
  for (const output of node.outputs) if (output) empty.set(output, node.op === 'Gather' ? taken(node, shape) : shape);
  return undefined;
};

/** The runtime's attentions take a past that is left out for an empty one. */
const leftOut: Reading = (node, empty) => {
  const inputs = node.inputs.map((name) => (empty.has(name) ? '' : name));
  return { ...node, inputs };
};

const readings: Readonly<Record<string, Reading>> = {
  Identity: passed,
  Cast: passed,
  Gather: passed,
  Concat: (node, empty) => {
    const inputs = node.inputs.filter((name) => !empty.has(name));
    // A cache that was begun with nothing: transformers writes the past itself as a Concat.
    if (inputs.length === 0) {
      empty.set(node.outputs[0], joined(node, empty));
      return undefined;
    }
    return inputs.length === 1 ? nodeOf('Identity', inputs, node.outputs[0]) : { ...node, inputs };
  },
  'com.microsoft.GroupQueryAttention': leftOut,
  'com.microsoft.MultiHeadAttention': leftOut,
  'com.microsoft.Attention': leftOut,
  Attention: leftOut,
};

/** The graph with caches of length 0. Its declared inner types are dropped: lengths in them would be wrong. */
function withEmpty(graph: Graph, caches: readonly ValueInfo[]): Graph {
  // The batch is one row; every other length that the file leaves open is that of the past.
  const sizes = ({ shape = [] }: ValueInfo) =>
    shape.map((size, axis) => (typeof size === 'number' ? size : axis === shape.length - 4 ? 1 : 0));
  const empty: Empty = new Map(caches.map((cache) => [cache.name, sizes(cache)]));
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.flatMap((node) => {
    if (![...namesRead(node)].some((name) => empty.has(name))) return [node];
    if (node.op === 'Shape' && node.domain === '') {
      const shape = empty.get(node.inputs[0]) as readonly number[];
      const start = intAttribute(node, 'start', 0);
      const tensor = int64(
        [shape.slice(start, intAttribute(node, 'end')).length],
        shape.slice(start, intAttribute(node, 'end')),
      );
      const [name] = node.outputs;
      initializers.set(name, { name, type: 'int64', shape: tensor.shape, location: { kind: 'memory', tensor } });
      return [];
    }
    const reading = lookup(readings, operatorKey(node));
    if (!reading) {
      throw new WhereforeError('unsupported-model', 'the cache of keys and values is read in a way that is not known', {
        where: describeNode(node),
        expected: 'a Concat of past and present, or an attention operator with a past',
        fix: 'export the model without a cache (use_cache=False)',
      });
    }
    const changed = reading(node, empty);
    return changed ? [changed] : [];
  });
  return { ...graph, nodes, initializers, values: new Map() };
}
