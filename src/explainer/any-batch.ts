import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { type Attribute, describeNode, type Graph, type Initializer, type Node } from '../onnx/graph.ts';
import { readInitializer } from '../onnx/initializer.ts';
import { toNumbers } from '../tensor/convert.ts';
import { bytesOf, int64, sameShape } from '../tensor/tensor.ts';

/** A graph that was made for batches of one size, which its constants may have built in. */
export interface ForBatch {
  readonly graph: Graph;
  readonly batch: number;
}

/**
 * One graph for batches of any size from the same graph made for two sizes p and q: where a constant of whole numbers
 * is `v_p` in one and `v_q` in the other, it becomes `a + k·N` with `k = (v_q − v_p)/(q − p)` and `a = v_p − k·p`, N
 * being the rows of `input`. Everything else must be equal. Whether it is right for a third size is for the caller to
 * check by running it: two sizes do not tell N² from a line.
 *
 * Names are those of the first graph.
 * @throws WhereforeError `unsupported-model` where the two differ in more than such constants, naming the node
 */
export function anyBatch(first: ForBatch, second: ForBatch, input: string): Graph {
  const { graph } = first;
  if (graph.nodes.length !== second.graph.nodes.length) throw differs(graph.nodes[0], 'its number of nodes');
  const builder = new GraphBuilder(graph, { prefix: 'batch/' });
  const constants = new Map<string, string>();
  let rows: string | undefined;
  const counted = () =>
    (rows ??= builder.op('Gather', [builder.op('Shape', [input]), builder.scalar(0, 'int64')], { axis: 0 }));
  const line = (a: Initializer, b: Initializer, node: Node): string => {
    if (a.type !== 'int64' || b.type !== 'int64' || !sameShape(a.shape, b.shape)) throw differs(node, `"${a.name}"`);
    const [from, to] = [toNumbers(readInitializer(a)), toNumbers(readInitializer(b))];
    const slope = from.map((value, i) => (to[i] - value) / (second.batch - first.batch));
    if (!slope.every(Number.isInteger)) throw differs(node, `"${a.name}"`);
    const whole = (values: readonly number[]) => builder.constant(int64(a.shape, values));
    const scaled = builder.op('Mul', [whole(slope), counted()]);
    return builder.op('Add', [whole(from.map((value, i) => value - slope[i] * first.batch)), scaled]);
  };
  const names = new Map<string, string>([['', '']]);
  for (const { name } of graph.inputs) names.set(name, name);
  const nodes = graph.nodes.map((node, i): Node => {
    const other = second.graph.nodes[i];
    if (!sameOperation(node, other)) throw differs(node, 'its operator or attributes');
    const inputs = node.inputs.map((name, j) => {
      const [a, b] = [graph.initializers.get(name), second.graph.initializers.get(other.inputs[j])];
      if (!a && !b && names.get(other.inputs[j]) === name) return name;
      if (!a || !b) throw differs(node, `input ${j}`);
      if (sameConstant(a, b)) return name;
      const key = `${name}|${b.name}`;
      const known = constants.get(key) ?? line(a, b, node);
      constants.set(key, known);
      return known;
    });
    node.outputs.forEach((name, j) => {
      names.set(other.outputs[j], name);
    });
    return { ...node, inputs };
  });
  // What counts the rows reads the input and constants only, so it may stand first.
  const built = builder.build();
  const free = graph.inputs.map((value) =>
    value.shape?.length ? { ...value, shape: ['N', ...value.shape.slice(1)] } : value,
  );
  return { ...built, inputs: free, nodes: [...built.nodes.slice(graph.nodes.length), ...nodes], values: new Map() };
}

const differs = (node: Node, what: string) =>
  new WhereforeError('unsupported-model', 'the gradient depends on the size of the batch', {
    where: describeNode(node),
    got: `${what} differs between batches of two sizes`,
  });

function sameOperation(a: Node, b: Node): boolean {
  const keys = Object.keys(a.attributes);
  return (
    a.op === b.op &&
    a.domain === b.domain &&
    a.inputs.length === b.inputs.length &&
    a.outputs.length === b.outputs.length &&
    keys.length === Object.keys(b.attributes).length &&
    keys.every((key) => sameAttribute(a.attributes[key], b.attributes[key]))
  );
}

function sameAttribute(a: Attribute, b: Attribute | undefined): boolean {
  if (a === b) return true;
  if (a.kind !== b?.kind) return false;
  if (a.kind === 'tensor' && b.kind === 'tensor') {
    return a.value.type === b.value.type && sameShape(a.value.shape, b.value.shape) && sameBytes(a.value, b.value);
  }
  // Nested graphs are the same object where nothing inside depends on the batch.
  if (a.kind === 'graph' || a.kind === 'graphs' || a.kind === 'tensors' || a.kind === 'opaque')
    return a.value === b.value;
  return JSON.stringify(a.value) === JSON.stringify(b.value);
}

function sameConstant(a: Initializer, b: Initializer): boolean {
  if (a === b || a.location === b.location) return true;
  return a.type === b.type && sameShape(a.shape, b.shape) && sameBytes(readInitializer(a), readInitializer(b));
}

function sameBytes(a: Parameters<typeof bytesOf>[0], b: Parameters<typeof bytesOf>[0]): boolean {
  const [bytes, others] = [bytesOf(a), bytesOf(b)];
  return bytes.length === others.length && bytes.every((byte, i) => byte === others[i]);
}
