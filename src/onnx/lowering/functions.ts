import { WhereforeError } from '../../errors.ts';
import { type Attribute, type Attributes, describeNode, type Graph, type ModelFunction, type Node } from '../graph.ts';
import { appendGraph } from './branches.ts';
import type { LoweringNote } from './notes.ts';
import { namesOf, type Rewriter, rewriteGraph } from './rewrite.ts';
import { upgradeGraph } from './upgrade.ts';

const keyOf = (node: { readonly domain: string; readonly op?: string; readonly name?: string }) =>
  `${node.domain === 'ai.onnx' ? '' : node.domain}.${node.op ?? node.name}`;

/** The model's functions by the nodes that call them. */
export interface Functions {
  of(node: Node): ModelFunction | undefined;
}

export function functionsOf(functions: readonly ModelFunction[]): Functions {
  const table = new Map(functions.map((fn) => [keyOf({ domain: fn.domain, name: fn.name }), fn]));
  return { of: (node) => table.get(keyOf({ domain: node.domain, op: node.op })) };
}

/**
 * Replaces every call of a function of the model file by the function's body, calls inside bodies included. A body
 * is raised from its own opset to the model's. A value `x` inside it becomes `<name of the calling node>/x`.
 */
export function inlineFunctions(
  graph: Graph,
  functions: Functions,
  names: Set<string>,
  notes: LoweringNote[],
  stack: readonly ModelFunction[] = [],
): Graph {
  const inline = (node: Node, to: Rewriter): boolean => {
    const fn = functions.of(node);
    if (!fn) return false;
    if (stack.includes(fn)) {
      throw new WhereforeError('malformed-model', `function "${fn.name}" calls itself`, { where: describeNode(node) });
    }
    const instance = instantiate(fn, node, functions, notes);
    const body = inlineFunctions(instance, functions, namesOf(instance), notes, [...stack, fn]);
    const inputs = new Map(fn.inputs.map((name, i) => [name, node.inputs[i] ?? '']));
    appendGraph(body, inputs, node.outputs, to);
    to.note({
      code: 'function-inlined',
      node: node.name,
      function: fn.name,
      text: `${describeNode(node)} was replaced by the ${body.nodes.length} nodes of the function "${fn.name}"`,
    });
    return true;
  };
  return rewriteGraph(graph, inline, names, notes);
}

/** The body of a function with the attributes of one call, raised to the opset that the model is raised to. */
function instantiate(fn: ModelFunction, call: Node, functions: Functions, notes: LoweringNote[]): Graph {
  const given: Attributes = { ...fn.defaults, ...call.attributes };
  const body: Graph = {
    name: fn.name,
    inputs: fn.inputs.map((name) => ({ name, type: undefined, shape: undefined })),
    outputs: fn.outputs.map((name) => ({ name, type: undefined, shape: undefined })),
    nodes: fn.nodes.map((node) => substitute(node, given)),
    initializers: new Map(),
    values: new Map(),
  };
  const opset = fn.opsets.get('') ?? fn.opsets.get('ai.onnx');
  if (opset === undefined) return body;
  const inner = new Set([...fn.inputs, ...fn.nodes.flatMap((node) => node.outputs)]);
  return upgradeGraph(body, opset, inner, notes, (node) => functions.of(node) !== undefined);
}

/** A node of a function body with attribute references replaced; one that the call leaves out is absent. */
function substitute(node: Node, given: Attributes): Node {
  const attributes: Record<string, Attribute> = {};
  for (const [name, attribute] of Object.entries(node.attributes)) {
    if (attribute.kind === 'reference') {
      if (given[attribute.value]) attributes[name] = given[attribute.value];
    } else if (attribute.kind === 'graph') {
      attributes[name] = { kind: 'graph', value: substituteGraph(attribute.value, given) };
    } else if (attribute.kind === 'graphs') {
      attributes[name] = { kind: 'graphs', value: attribute.value.map((graph) => substituteGraph(graph, given)) };
    } else attributes[name] = attribute;
  }
  return { ...node, attributes };
}

function substituteGraph(graph: Graph, given: Attributes): Graph {
  return { ...graph, nodes: graph.nodes.map((node) => substitute(node, given)) };
}
