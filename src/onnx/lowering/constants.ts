import { fromNumbers } from '../../tensor/convert.ts';
import { int64, type Tensor, tensor } from '../../tensor/tensor.ts';
import type { Graph, Initializer, Node } from '../graph.ts';
import { toInt64 } from '../int64.ts';
import { inlineBranch } from './branches.ts';
import type { LoweringNote } from './notes.ts';
import { type Rewriter, rewriteGraph } from './rewrite.ts';

/** The tensor that a Constant node holds; undefined for sparse ones, which tensors here cannot hold. */
export function constantTensor(node: Node): Tensor | undefined {
  for (const [name, attribute] of Object.entries(node.attributes)) {
    if (!name.startsWith('value')) continue;
    switch (attribute.kind) {
      case 'tensor':
        return attribute.value;
      case 'float':
        return fromNumbers('float32', [], [attribute.value]);
      case 'floats':
        return fromNumbers('float32', [attribute.value.length], attribute.value);
      case 'int':
        return int64([], [toInt64(attribute.value)]);
      case 'ints':
        return int64([attribute.value.length], attribute.value.map(toInt64));
      case 'string':
        return tensor('string', [], [attribute.value]);
      case 'strings':
        return tensor('string', [attribute.value.length], [...attribute.value]);
    }
  }
  return undefined;
}

/**
 * Turns Constant nodes into initializers of the same names, gives every Identity of an initializer the initializer
 * itself (under the Identity's name, sharing its bytes), and replaces each `If` with a constant condition by the
 * branch that it takes.
 */
export function resolveConstants(graph: Graph, names: Set<string>, notes: LoweringNote[]): Graph {
  return rewriteGraph(graph, resolve, names, notes);
}

function resolve(node: Node, to: Rewriter): boolean {
  if (node.domain !== '') return false;
  const [output] = node.outputs;
  if (node.op === 'Constant') {
    const value = constantTensor(node);
    if (!value) return false;
    const { type, shape } = value;
    const { value: attribute } = node.attributes;
    const origin = attribute?.kind === 'tensor' && attribute.origin ? { origin: attribute.origin } : {};
    addNamed({ name: output, type, shape, location: { kind: 'memory', tensor: value }, ...origin }, to);
    return true;
  }
  if (node.op === 'Identity') {
    const source = to.initializerOf(node.inputs[0]);
    if (!source || isGraphInput(node.inputs[0], to) || isGraphOutput(output, to)) return false;
    to.initializer({ ...source, name: output });
    return true;
  }
  return node.op === 'If' && inlineBranch(node, to);
}

/** A graph output must come from a node: runtimes differ on outputs that are initializers. */
function addNamed(initializer: Initializer, to: Rewriter): void {
  if (!isGraphOutput(initializer.name, to)) {
    to.initializer(initializer);
    return;
  }
  const inner = to.fresh('value');
  to.initializer({ ...initializer, name: inner });
  to.op('Identity', [inner], {}, initializer.name);
}

const isGraphOutput = (name: string, to: Rewriter) => to.graph.outputs.some((output) => output.name === name);
/** An initializer that is also a graph input is a default that a caller may replace, so it is no constant. */
const isGraphInput = (name: string, to: Rewriter) => to.graph.inputs.some((input) => input.name === name);
