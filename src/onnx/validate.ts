import { WhereforeError } from '../errors.ts';
import { describeNode, type Graph, type Node, namesRead, type OnnxModel, subgraphsOf } from './graph.ts';

/** Domains that need no import: the encoder adds it. */
const importedByEncoder = new Set(['com.microsoft']);

/**
 * Checks the structure of a model: every value is produced once, everything that is read exists and is produced
 * before it is read, every operator domain is imported or is that of a function of the model, opset versions are
 * positive. What an operator means is the runtime's to check.
 * @throws WhereforeError `malformed-model` with the node, the name and what to do.
 */
export function validateModel(model: OnnxModel): void {
  if (!Number.isInteger(model.irVersion) || Math.abs(model.irVersion) >= 2 ** 31) {
    throw invalid('the model', 'its version of the format is no number of one', `${model.irVersion}`);
  }
  for (const [domain, version] of model.opsets) {
    if (!Number.isInteger(version) || version < 1 || version >= 2 ** 31) {
      throw invalid(`operator domain "${domain}"`, 'the version is not a positive integer', `${version}`);
    }
  }
  const functionDomains = new Set(model.functions.map((item) => item.domain));
  checkGraph(model.graph, new Set(), new Set([...model.opsets.keys(), ...functionDomains]));
  const seen = new Set<string>();
  for (const item of model.functions) {
    const where = `function "${item.domain}.${item.name}"`;
    const key = `${item.domain}\0${item.name}\0${item.overload ?? ''}`;
    if (seen.has(key)) throw invalid(where, 'it is defined twice');
    seen.add(key);
    const known = new Set<string>();
    for (const name of item.inputs) define(name, known, `${where}, input`);
    checkNodes(item.nodes, known, new Set([...item.opsets.keys(), ...functionDomains]));
    for (const name of item.outputs) {
      if (!known.has(name)) throw invalid(where, `no node produces its output "${name}"`);
    }
  }
}

function invalid(where: string, what: string, got?: string, fix = 'export the model again'): WhereforeError {
  return new WhereforeError('malformed-model', what, { where, got, fix });
}

function define(name: string, known: Set<string>, where: string): void {
  if (name === '') throw invalid(where, 'it has no name');
  if (known.has(name)) {
    throw invalid(where, `the value "${name}" exists already`, undefined, 'give every value a name of its own');
  }
  known.add(name);
}

/** @param outer names of the graphs around it; those inside may hide them, as the runtime allows. */
function checkGraph(graph: Graph, outer: ReadonlySet<string>, domains: ReadonlySet<string>): void {
  const where = `graph "${graph.name}"`;
  const own = new Set<string>();
  for (const input of graph.inputs) define(input.name, own, `${where}, input`);
  for (const [name, initializer] of graph.initializers) {
    if (name !== initializer.name) throw invalid(where, `initializer "${initializer.name}" is filed under "${name}"`);
    // An initializer may be the default value of an input.
    own.add(name);
  }
  checkNodes(graph.nodes, own, domains, outer);
  for (const { name } of graph.outputs) {
    if (!own.has(name) && !outer.has(name)) {
      throw invalid(where, `nothing produces the output "${name}"`, undefined, 'remove the output or add its node');
    }
  }
}

function checkNodes(
  nodes: readonly Node[],
  own: Set<string>,
  domains: ReadonlySet<string>,
  outer: ReadonlySet<string> = new Set(),
): void {
  for (const node of nodes) {
    if (!domains.has(node.domain) && !importedByEncoder.has(node.domain)) {
      throw invalid(
        describeNode(node),
        `the model does not import its operator domain "${node.domain}"`,
        undefined,
        'add the domain and its version to the opset imports',
      );
    }
    for (const name of namesRead(node)) {
      if (own.has(name) || outer.has(name)) continue;
      throw unread(node, name, nodes);
    }
    const inner = subgraphsOf(node);
    if (inner.length > 0) {
      const around = new Set([...outer, ...own]);
      for (const graph of inner) checkGraph(graph, around, domains);
    }
    for (const name of node.outputs) if (name) define(name, own, describeNode(node));
  }
}

/** Why a node cannot read a name. */
function unread(node: Node, name: string, nodes: readonly Node[]): WhereforeError {
  const where = describeNode(node);
  const producer = nodes.find((other) => other.outputs.includes(name));
  if (producer === node) return invalid(where, `it reads its own output "${name}"`);
  return producer
    ? invalid(
        where,
        `it reads "${name}" before ${describeNode(producer)} produces it`,
        undefined,
        'sort the nodes with sortNodes',
      )
    : invalid(
        where,
        `nothing produces "${name}", which it reads`,
        undefined,
        'add the missing input, initializer or node',
      );
}
