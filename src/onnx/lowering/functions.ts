import { WhereforeError } from '../../errors.ts';
import { lookup } from '../../tensor/lookup.ts';
import {
  type Attribute,
  type Attributes,
  describeNode,
  type Graph,
  type ModelFunction,
  type Node,
  subgraphsOf,
} from '../graph.ts';
import { appendGraph } from './branches.ts';
import type { LoweringNote } from './notes.ts';
import { namesOf, type Rewriter, rewriteGraph } from './rewrite.ts';
import { upgradeGraph } from './upgrade.ts';

const keyOf = (node: { readonly domain: string; readonly op?: string; readonly name?: string }) =>
  `${node.domain === 'ai.onnx' ? '' : node.domain}.${node.op ?? node.name}`;

/** The model's functions by the nodes that call them. */
export interface Functions {
  readonly functions: readonly ModelFunction[];
  of(node: Node): ModelFunction | undefined;
}

export function functionsOf(functions: readonly ModelFunction[]): Functions {
  const table = new Map(functions.map((fn) => [keyOf({ domain: fn.domain, name: fn.name }), fn]));
  return { functions, of: (node) => table.get(keyOf({ domain: node.domain, op: node.op })) };
}

/**
 * Replaces every call of a function of the model file by the function's body, calls inside bodies included. A body
 * is raised from its own opset to the model's. A value `x` inside it becomes `<name of the calling node>/x`.
 */
export function inlineFunctions(graph: Graph, functions: Functions, names: Set<string>, notes: LoweringNote[]): Graph {
  const inline = (node: Node, to: Rewriter): boolean => {
    const fn = functions.of(node);
    if (!fn) return false;
    const instance = instantiate(fn, node, functions, notes);
    const body = inlineFunctions(instance, functions, namesOf(instance), notes);
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

/** Functions that call functions: so many levels are more than any exporter writes, and the call stack is finite. */
const deepestCalls = 200;

/** Nodes of a model after inlining that are still no multiple too large of those in the file. */
const alwaysFine = 20_000;
const largestGrowth = 64;

/**
 * Refuses functions that call each other so deep, or so often, that writing out every call would never end: a chain of
 * n functions of which each calls the next twice becomes 2ⁿ nodes.
 * @throws WhereforeError `malformed-model` naming the function
 */
export function checkCalls(graph: Graph, { functions, of }: Functions): void {
  let written = graph.nodes.length;
  for (const fn of functions) written += fn.nodes.length;
  const known = new Map<ModelFunction, { readonly nodes: number; readonly depth: number }>();
  const open = new Set<ModelFunction>();
  const sizeOf = (nodes: readonly Node[]) => {
    let total = 0;
    let depth = 0;
    forEachNode(nodes, (node) => {
      const called = of(node);
      const inner = called && known.get(called);
      total += inner?.nodes ?? 1;
      depth = Math.max(depth, inner ? inner.depth + 1 : 0);
    });
    return { nodes: total, depth };
  };
  // Iterative: a chain of functions can be longer than the call stack.
  for (const root of functions) {
    const path = [root];
    for (let fn = path.at(-1); fn !== undefined; fn = path.at(-1)) {
      const callees = known.has(fn) ? [] : calledBy(fn, of).filter((callee) => !known.has(callee));
      const again = callees.find((callee) => open.has(callee) || callee === fn);
      if (again) throw excessive(again, 'it calls itself', undefined, 'a function that ends');
      open.add(fn);
      if (callees.length > 0) {
        for (const callee of callees) path.push(callee);
        continue;
      }
      path.pop();
      open.delete(fn);
      const size = sizeOf(fn.nodes);
      known.set(fn, size);
      if (size.depth >= deepestCalls) {
        throw excessive(fn, 'functions call functions too deep', `${size.depth + 1} levels`, `at most ${deepestCalls}`);
      }
    }
  }
  const { nodes } = sizeOf(graph.nodes);
  const most = Math.max(alwaysFine, largestGrowth * written);
  if (nodes <= most) return;
  let largest: ModelFunction | undefined;
  for (const [fn, size] of known) if (!largest || size.nodes > (known.get(largest)?.nodes ?? 0)) largest = fn;
  throw excessive(
    largest as ModelFunction,
    'functions call functions too often',
    `${nodes} nodes when every call is written out`,
    `at most ${most}`,
  );
}

function calledBy(fn: ModelFunction, of: Functions['of']): ModelFunction[] {
  const called = new Set<ModelFunction>();
  forEachNode(fn.nodes, (node) => {
    const callee = of(node);
    if (callee) called.add(callee);
  });
  return [...called];
}

function forEachNode(nodes: readonly Node[], visit: (node: Node) => void): void {
  for (const node of nodes) {
    visit(node);
    for (const inner of subgraphsOf(node)) forEachNode(inner.nodes, visit);
  }
}

function excessive(fn: ModelFunction, what: string, got: string | undefined, expected: string): WhereforeError {
  return new WhereforeError('malformed-model', what, {
    where: `function "${fn.name}"`,
    got,
    expected,
    fix: 'export the model again, without functions if the exporter offers that',
  });
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
  const attributes: Record<string, Attribute> = Object.create(null);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    if (attribute.kind === 'reference') {
      const value = lookup(given, attribute.value);
      if (value) attributes[name] = value;
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
