import { WhereforeError } from '../../errors.ts';
import { type Graph, type Node, namesRead, operatorKey, producersOf } from '../../onnx/graph.ts';
import { traitsOf } from '../../onnx/operators.ts';
import { memo } from '../../tensor/memo.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';
import { type Anatomy, anatomyOf, type Contribution } from '../where/anatomy.ts';

/** What a block reads of the residual stream and writes to it. */
interface Block {
  /** `layer.0/attn`, `layer.0/mlp`. */
  readonly name: string;
  readonly layer: number;
  /** Its place among the contributions to the stream. */
  readonly place: number;
  /** The sum of the stream that it is made from, and how many contributions that sum holds. */
  readonly reads: string;
  readonly before: number;
  /** What it adds to the stream. */
  readonly writes: string;
}

/** An attention, with the values of its heads: `mixed = weights × value`, weights the Softmax of `query × key`. */
export interface AttentionBlock extends Block {
  readonly heads: number;
  /** Numbers that a head mixes for each token. */
  readonly size: number;
  /** `batch × heads × sequence × size`; keys may have their last two axes exchanged. */
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly mixed: string;
  /** `batch × heads × sequence × sequence` */
  readonly weights: string;
}

/** A feed-forward part, with the value that holds its neurons, `batch × sequence × neurons`. */
export interface MlpBlock extends Block {
  readonly hidden: string;
  readonly neurons: number;
}

/** The blocks of a decoder and what is in them, found in its graph. */
export interface Components {
  readonly anatomy: Anatomy;
  /** Vectors of tokens, and of positions where they are added to them. */
  readonly starts: readonly Contribution[];
  readonly attentions: readonly AttentionBlock[];
  readonly mlps: readonly MlpBlock[];
}

/** Tokens of the text whose shapes are looked at. */
const tried = 5;

/**
 * Finds heads and neurons: in an attention from its Softmax on, to the product of queries and keys before it and the one
 * with the values behind it; in an MLP the first operand of its last product with a matrix. Nothing depends on names.
 * @throws WhereforeError `unsupported-model` where heads or neurons are not values of the graph of their own
 */
export const componentsOf = memo(async (language: LanguageModel): Promise<Components> => {
  const anatomy = await anatomyOf(language);
  const { model } = language;
  const { graph, facts } = await model.executor.specialise(model.graph, feedsOf(language, [[1, 2, 3, 4, 5]]));
  const sums = new Map(anatomy.sums.map(({ value, contributions }) => [value, contributions]));
  const shapeOf = (name: string) => facts.shapes.get(name) ?? [];
  const attentions: AttentionBlock[] = [];
  const mlps: MlpBlock[] = [];
  for (const [place, { kind, layer, value }] of anatomy.contributions.entries()) {
    if (layer === undefined || kind === 'embedding') continue;
    const part = partBehind(graph, value, sums);
    const name = `layer.${layer}/${kind === 'attention' ? 'attn' : 'mlp'}`;
    const where = `${language.name}, ${name}`;
    const block = { name, layer, place, reads: part.reads, before: sums.get(part.reads) ?? 0, writes: value };
    if (kind === 'attention') attentions.push({ ...block, ...headsIn(part.nodes, shapeOf, where) });
    else mlps.push({ ...block, ...neuronsIn(part, value, shapeOf, where) });
  }
  return { anatomy, starts: anatomy.contributions.filter(({ kind }) => kind === 'embedding'), attentions, mlps };
});

interface Part {
  /** Nodes between the stream and what a block writes, in order. */
  readonly nodes: readonly Node[];
  readonly reads: string;
}

/** The nodes that make a contribution, back to the sums of the stream; the latest of these is what it reads. */
function partBehind(graph: Graph, value: string, sums: ReadonlyMap<string, number>): Part {
  const producers = producersOf(graph);
  const nodes = new Set<Node>();
  const pending = [value];
  let reads = '';
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (sums.has(name)) {
      if ((sums.get(name) ?? 0) > (sums.get(reads) ?? 0)) reads = name;
      continue;
    }
    const node = producers.get(name);
    if (!node || nodes.has(node)) continue;
    nodes.add(node);
    for (const read of namesRead(node)) pending.push(read);
  }
  return { nodes: graph.nodes.filter((node) => nodes.has(node)), reads };
}

type ShapeOf = (name: string) => readonly number[];

function headsIn(nodes: readonly Node[], shapeOf: ShapeOf, where: string) {
  const refuse = (got: string) =>
    new WhereforeError('unsupported-model', 'the heads of an attention are not values of the graph of their own', {
      where,
      got,
      expected: 'a Softmax between two products of batch × heads × sequence × size',
      fix: 'look at whole blocks: wherefore language where',
    });
  const softmaxes = nodes.filter(({ op, domain }) => op === 'Softmax' && domain === '');
  if (softmaxes.length !== 1) throw refuse(`${softmaxes.length} Softmax`);
  const product = productBefore(nodes, softmaxes[0].inputs[0]);
  const behind = productBehind(nodes, softmaxes[0].outputs[0]);
  if (!product || !behind) throw refuse('no product before or behind the Softmax');
  const found = {
    query: product.inputs[0],
    key: product.inputs[1],
    weights: behind.inputs[0],
    value: behind.inputs[1],
    mixed: behind.outputs[0],
  };
  const heads = shapeOf(found.mixed)[1];
  const expected = [1, heads, tried];
  const names = [found.query, found.weights, found.value, found.mixed];
  const shapes = names.map((name) => shapeOf(name));
  const fits = shapes.every((shape) => shape.length === 4 && shape.slice(0, 3).join() === expected.join());
  if (!fits || shapeOf(found.key)[1] !== heads) throw refuse(shapes.map((shape) => `[${shape}]`).join(' '));
  return { ...found, heads, size: shapeOf(found.mixed)[3] };
}

/** The product that scores are made from: scales, caps and masks lie between. */
function productBefore(nodes: readonly Node[], scores: string): Node | undefined {
  const producers = producersOf({ nodes });
  const pending = [scores];
  const seen = new Set<string>();
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    const node = producers.get(name);
    if (!node || seen.has(name)) continue;
    seen.add(name);
    if (node.op === 'MatMul') return node;
    const { elementwise, broadcasts, moves } = traitsOf(operatorKey(node));
    if (!(elementwise || broadcasts || moves || node.op === 'Where')) continue;
    for (const input of node.inputs) if (input) pending.push(input);
  }
  return undefined;
}

/** The product of weights and values: the weights may be moved, guarded or masked before. */
function productBehind(nodes: readonly Node[], softmax: string): Node | undefined {
  const weights = new Set([softmax]);
  for (const node of nodes) {
    if (!node.inputs.some((name) => weights.has(name))) continue;
    if (node.op === 'MatMul') return weights.has(node.inputs[0]) ? node : undefined;
    if (traitsOf(operatorKey(node)).moves || node.op === 'Where' || node.op === 'IsNaN') weights.add(node.outputs[0]);
  }
  return undefined;
}

function neuronsIn({ nodes, reads }: Part, writes: string, shapeOf: ShapeOf, where: string) {
  const producers = producersOf({ nodes });
  const varying = new Set([reads]);
  for (const node of nodes) if (node.inputs.some((name) => varying.has(name))) varying.add(node.outputs[0]);
  let name = writes;
  for (let node = producers.get(name); node; node = producers.get(name)) {
    const [a, b] = node.inputs;
    if ((node.op === 'MatMul' || node.op === 'Gemm') && !varying.has(b)) {
      // GPT-2's products are of rows of all texts: the value before has the axes apart.
      const before = producers.get(a);
      const hidden = node.op === 'Gemm' && before?.op === 'Reshape' ? before.inputs[0] : a;
      const shape = shapeOf(hidden);
      if (shape.length === 3 && shape[1] === tried) return { hidden, neurons: shape[2] };
      break;
    }
    const next = node.inputs.filter((input) => varying.has(input));
    if (next.length !== 1) break;
    name = next[0];
  }
  throw new WhereforeError('unsupported-model', 'the neurons of an MLP are not a value of the graph of their own', {
    where,
    expected: 'a product of batch × sequence × neurons with a matrix',
    fix: 'look at whole blocks: wherefore language where',
  });
}
