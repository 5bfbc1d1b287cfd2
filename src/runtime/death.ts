import { WhereforeError } from '../errors.ts';
import { describeNode, type Graph, type Node, namesRead } from '../onnx/graph.ts';
import { dataTypes, formatShape } from '../tensor/tensor.ts';
import { type Cause, RuntimeDeath, wiresOf } from './lane.ts';
import { openLoops } from './limits.ts';
import { ortProcess, type ProcessLimits } from './ort-process.ts';
import type { Tensors } from './runtime.ts';

/** What was under way when the process of the runtime died. */
export interface Died {
  readonly graph: Graph;
  /** What the graph was fed with; undefined where it died while it was loaded. */
  readonly feeds: Tensors | undefined;
  /** The question that opens a part of the graph. */
  readonly open: (graph: Graph) => Readonly<Record<string, unknown>>;
  readonly limits: ProcessLimits;
}

/** Milliseconds for the search, and those for one step of it. */
const searchTime = 5000;
const stepSeconds = 3;

/**
 * An error that names the node of which the process died: the last of the shortest beginning of the graph that brings
 * a fresh process down as well, found by halving.
 */
export async function explainDeath(death: RuntimeDeath, died: Died): Promise<WhereforeError> {
  const { cause } = death;
  const doing = died.feeds ? 'running the model' : 'loading the model';
  if (cause.kind === 'time') return outOfTime(death, cause.seconds, died.graph);
  const [first, last] = await suspects(died);
  const { nodes } = died.graph;
  const where =
    first === last
      ? describeNode(nodes[last])
      : `one of the ${last - first + 1} nodes from ${describeNode(nodes[first])} to ${describeNode(nodes[last])}`;
  return new WhereforeError('runtime', whatOf(cause, doing), {
    where,
    got: first === last ? `${death.message} at ${signatureOf(nodes[last], died.graph)}` : death.message,
    expected: cause.kind === 'memory' ? 'values that fit' : 'attributes and inputs that the operator allows',
    fix: cause.kind === 'memory' ? moreMemory : 'fix this node, or export the model again',
    cause: death,
  });
}

function whatOf(cause: Cause, doing: string): string {
  if (cause.kind === 'memory') return `${doing} takes too much memory`;
  const killed = cause.kind === 'crash' && cause.signal === 'SIGKILL';
  return killed
    ? `the system ended ONNX Runtime while ${doing}, perhaps for want of memory`
    : `ONNX Runtime crashed while ${doing}`;
}

/** An error for a node whose value is known to be too large before it is run. */
export const outOfMemory = (death: RuntimeDeath, node: Node): WhereforeError =>
  new WhereforeError('runtime', 'a value of the model takes too much memory', {
    where: describeNode(node),
    got: death.message,
    expected: 'values that fit',
    fix: moreMemory,
    cause: death,
  });

const moreMemory = 'give a smaller input, or allow more memory: --memory MEGABYTES, `memory` of loadModel';

function outOfTime(death: RuntimeDeath, seconds: number, graph: Graph): WhereforeError {
  const [loop] = openLoops(graph);
  return new WhereforeError('runtime', loop ? 'the loop does not end' : 'the run does not end', {
    where: loop && describeNode(loop),
    got: `more than ${seconds} s`,
    expected: loop ? 'a constant number of iterations, at most 100,000' : undefined,
    fix: 'allow more time: --time-limit SECONDS, `timeLimit` of loadModel',
    cause: death,
  });
}

/** First and last place in the graph of the nodes that may be to blame: one, where the time suffices. */
async function suspects(died: Died): Promise<[first: number, last: number]> {
  const end = Date.now() + searchTime;
  let first = 0;
  let last = died.graph.nodes.length - 1;
  while (first < last && Date.now() < end) {
    const middle = (first + last) >> 1;
    if (await survives(died, middle + 1)) first = middle + 1;
    else last = middle;
  }
  return [first, last];
}

async function survives(died: Died, count: number): Promise<boolean> {
  const part = beginning(died.graph, count);
  const lane = ortProcess(died.limits);
  const options = { seconds: stepSeconds };
  try {
    await lane.ask({ ...died.open(part), id: 1 }, options);
    if (!died.feeds) return true;
    const feeds = wiresOf(
      new Map([...died.feeds].filter(([name]) => part.inputs.some((input) => input.name === name))),
    );
    const fetches = part.outputs.slice(0, 1).map(({ name }) => name);
    await lane.ask({ kind: 'run', id: 1, feeds, fetches, carry: [], transfer: [] }, options);
    return true;
  } catch (error) {
    return !(error instanceof RuntimeDeath);
  } finally {
    await lane.close();
  }
}

/** The first nodes of a graph; whatever none of them reads is an output, so that the runtime drops none of them. */
function beginning(graph: Graph, count: number): Graph {
  const nodes = graph.nodes.slice(0, count);
  const read = new Set(nodes.flatMap((node) => [...namesRead(node)]));
  const ends = nodes.flatMap((node) => node.outputs.filter((name) => name !== '' && !read.has(name)));
  return {
    ...graph,
    nodes,
    outputs: ends.map((name) => graph.values.get(name) ?? { name, type: undefined, shape: undefined }),
    initializers: new Map([...graph.initializers].filter(([name]) => read.has(name))),
  };
}

/** A node as a reader checks it: its operator, its attributes that are numbers, and its constant inputs. */
function signatureOf(node: Node, graph: Graph): string {
  const attributes = Object.entries(node.attributes).flatMap(([name, { value }]) =>
    typeof value === 'number' || typeof value === 'bigint' || isNumbers(value) ? [`${name} ${String(value)}`] : [],
  );
  const weights = node.inputs.flatMap((name) => {
    const weight = graph.initializers.get(name);
    return weight && dataTypes[weight.type] ? [`"${name}" of shape ${formatShape(weight.shape)}`] : [];
  });
  return [node.op, ...attributes, ...weights].join(', ').slice(0, 300);
}

const isNumbers = (value: unknown): boolean =>
  Array.isArray(value) && value.every((one) => typeof one === 'number' || typeof one === 'bigint');
