import { WhereforeError } from '../../errors.ts';
import { type Graph, type Node, namesRead, producersOf } from '../../onnx/graph.ts';
import { traitsOf } from '../../onnx/operators.ts';
import { memo } from '../../tensor/memo.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';

/** What a block adds to the residual stream. */
export interface Contribution {
  /** `embed`, `layer.0/attn.out`, `layer.0/mlp.out`. */
  readonly name: string;
  readonly kind: 'embedding' | 'attention' | 'mlp';
  readonly layer: number | undefined;
  /** The value of the graph. */
  readonly value: string;
}

/** The parts of a transformer, found in its graph. */
export interface Anatomy {
  /** What is added up; their sum is the last of `residuals`. */
  readonly contributions: readonly Contribution[];
  /** The residual stream behind the embedding and behind each layer, from the first to the last. */
  readonly residuals: readonly { readonly name: string; readonly value: string }[];
  /** Every sum of the stream, in order, and how many of the contributions it holds. */
  readonly sums: readonly { readonly value: string; readonly contributions: number }[];
  readonly layers: number;
  /** Numbers of each vector of the stream. */
  readonly width: number;
}

/**
 * Finds the residual stream: from the vectors of tokens on, every sum of the stream and something else of its shape.
 * What is added is an attention where tokens were mixed on the way (a Softmax), else an MLP. Nothing depends on names.
 * @throws WhereforeError `unsupported-model` where no such sums lead to the logits
 */
export const anatomyOf = memo(async (language: LanguageModel): Promise<Anatomy> => {
  const { model, roles } = language;
  const { graph, facts } = await model.executor.specialise(model.graph, feedsOf(language, [[1, 2, 3, 4, 5]]));
  const shape = facts.shapes.get(roles.embedding) ?? [];
  const isStream = (name: string) => facts.shapes.get(name)?.join() === shape.join();
  const follow = follower(graph);
  let last = scaledStart(graph, roles.embedding);
  const parts: { value: string; mixes: boolean }[] = [{ value: last, mixes: false }];
  const residuals = [last];
  const sums = [{ value: last, contributions: 1 }];
  // The stream under other names: exports of PyTorch cast it for a norm, and go on from what was cast.
  let names = new Set([last]);
  for (const node of graph.nodes) {
    if (isCopy(node) && names.has(node.inputs[0])) names.add(node.outputs[0]);
    if (node.op !== 'Add' || !node.inputs.some((name) => names.has(name)) || !isStream(node.outputs[0])) continue;
    const other = names.has(node.inputs[0]) ? node.inputs[1] : node.inputs[0];
    if (names.has(other) || !isStream(other)) {
      // Vectors of positions, which have no batch, are added to those of tokens.
      if (residuals.length > 1 || graph.initializers.has(other)) continue;
    }
    for (const value of summands(graph, other, last, follow)) parts.push({ value, mixes: follow(value, last).mixes });
    last = node.outputs[0];
    names = new Set([last]);
    residuals.push(last);
    sums.push({ value: last, contributions: parts.length });
  }
  if (parts.every(({ mixes }) => !mixes)) {
    throw new WhereforeError('unsupported-model', 'the graph has no residual stream that attentions add to', {
      where: language.name,
      expected: 'a decoder of the kind of GPT-2 or Llama',
      fix: 'take a model that was exported for text generation',
    });
  }
  return { ...named(parts, residuals, graph, shape[shape.length - 1]), sums };
});

/** The stream's beginning: behind a factor that all vectors are multiplied with. */
function scaledStart(graph: Graph, embedding: string): string {
  const scaled = graph.nodes.find(
    ({ op, inputs }) => op === 'Mul' && inputs.includes(embedding) && inputs.some((name) => isScalar(graph, name)),
  );
  return scaled?.outputs[0] ?? embedding;
}

const isCopy = ({ op, domain }: Node) => domain === '' && (op === 'Cast' || op === 'Identity');

const isScalar = ({ initializers }: Graph, name: string) =>
  initializers.get(name)?.shape.every((size) => size === 1) === true;

/** Parallel blocks are added to each other first: a sum of two that both come from the stream is two parts. */
function summands(graph: Graph, value: string, stream: string, follow: Follow): string[] {
  const node = producersOf(graph).get(value);
  if (node?.op !== 'Add' || !node.inputs.every((name) => follow(name, stream).reaches)) return [value];
  return node.inputs.flatMap((name) => summands(graph, name, stream, follow));
}

type Follow = (value: string, stream: string) => { readonly reaches: boolean; readonly mixes: boolean };

/** Whether a value comes from a value of the stream, and whether tokens are mixed on the way. */
function follower(graph: Graph): Follow {
  const producers = producersOf(graph);
  return (value, stream) => {
    const seen = new Set<string>();
    const pending = [value];
    let [reaches, mixes] = [false, false];
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === stream) reaches = true;
      if (name === stream || seen.has(name)) continue;
      seen.add(name);
      const node: Node | undefined = producers.get(name);
      if (!node) continue;
      mixes ||= node.op === 'Softmax';
      for (const read of namesRead(node)) pending.push(read);
    }
    return { reaches, mixes: reaches && mixes };
  };
}

function named(
  parts: readonly { value: string; mixes: boolean }[],
  residuals: readonly string[],
  graph: Graph,
  width: number,
): Omit<Anatomy, 'sums'> {
  let layer = -1;
  const contributions = parts.map(({ value, mixes }, i): Contribution => {
    if (i === 0) return { name: 'embed', kind: 'embedding', layer: undefined, value };
    if (mixes) layer++;
    if (layer < 0) return { name: 'embed.positions', kind: 'embedding', layer: undefined, value };
    const kind = mixes ? 'attention' : 'mlp';
    return { name: `layer.${layer}/${mixes ? 'attn' : 'mlp'}.out`, kind, layer, value };
  });
  // Behind a layer: the sum that the next layer's attention is added to, and the last one.
  const order = new Map(graph.nodes.map(({ outputs }, i) => [outputs[0], i]));
  const behind = (value: string) => residuals.findIndex((one) => (order.get(one) ?? -1) > (order.get(value) ?? -1));
  const starts = contributions.filter(({ kind }) => kind === 'attention').map(({ value }) => behind(value) - 1);
  const names = starts.map((at, l) => ({
    name: l === 0 ? 'embed' : `layer.${l - 1}/resid.post`,
    value: residuals[Math.max(0, at)],
  }));
  const end = { name: `layer.${layer}/resid.post`, value: residuals[residuals.length - 1] };
  return { contributions, residuals: [...names, end], layers: layer + 1, width };
}

/** Operators between the stream and the logits that are not linear once a norm's scale is held: a cap on the logits. */
export const capsLogits = (graph: Graph, from: string): boolean => {
  const behind = new Set([from]);
  let caps = false;
  for (const node of graph.nodes) {
    if (![...namesRead(node)].some((name) => behind.has(name))) continue;
    for (const name of node.outputs) behind.add(name);
    caps ||= node.op === 'Tanh' && traitsOf(node.op).elementwise === true;
  }
  return caps;
};
