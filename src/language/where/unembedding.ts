import type { VjpRule } from '../../autodiff/context.ts';
import { floatAttribute, type Graph, intAttribute } from '../../onnx/graph.ts';
import { extractSubgraph } from '../../onnx/lowering/extract.ts';
import { namesOf, rewriteGraph } from '../../onnx/lowering/rewrite.ts';
import { gradientsOf } from '../../runtime/gradient.ts';
import { memo } from '../../tensor/memo.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { feedsOf } from '../model/run.ts';
import { anatomyOf } from './anatomy.ts';

/** The part of a model from the last sum of its residual stream to the logits: a norm and the table of words. */
export const unembedding = memo(async (language: LanguageModel): Promise<Graph> => {
  const { residuals, width } = await anatomyOf(language);
  const { value } = residuals[residuals.length - 1];
  const input = { name: value, type: 'float32', shape: ['batch', 'sequence', width] } as const;
  return extractSubgraph(openNorms(language.model.graph), { inputs: [input], outputs: [language.logits] });
});

/** Layer normalizations of the last axis written out, so that their scale has a name. */
function openNorms(graph: Graph): Graph {
  const rewritten = rewriteGraph(
    graph,
    (node, to) => {
      const isPlain = node.domain === '' && node.op === 'LayerNormalization' && intAttribute(node, 'axis', -1) === -1;
      if (!isPlain || node.outputs.slice(1).some((name) => name && to.isRead(name))) return false;
      const [x, gamma, beta] = node.inputs;
      const last = to.ints([-1]);
      const centred = to.op('Sub', [x, to.op('ReduceMean', [x, last])]);
      const variance = to.op('ReduceMean', [to.op('Mul', [centred, centred]), last]);
      const root = to.op('Sqrt', [to.op('Add', [variance, to.scalar(floatAttribute(node, 'epsilon', 1e-5))])]);
      const scaled = to.op('Mul', [to.op('Div', [centred, root]), gamma], {}, beta ? undefined : node.outputs[0]);
      if (beta) to.op('Add', [scaled, beta], {}, node.outputs[0]);
      return true;
    },
    namesOf(graph),
    [],
  );
  return { ...rewritten, values: new Map() };
}

/** Feeds of the part for vectors of the stream, `batch × sequence × width`. */
async function unembeddingFeeds(language: LanguageModel, vectors: Tensor, ids: readonly number[]) {
  const graph = await unembedding(language);
  const { residuals } = await anatomyOf(language);
  const feeds = new Map<string, Tensor>(feedsOf(language, new Array(vectors.shape[0]).fill(ids)));
  feeds.set(residuals[residuals.length - 1].value, vectors);
  return { graph, feeds: new Map(graph.inputs.map(({ name }) => [name, feeds.get(name) as Tensor])) };
}

/** The logits that vectors of the stream would give, were they the last ones: `batch × sequence × vocabulary`. */
export async function unembed(
  language: LanguageModel,
  vectors: Tensor,
  ids: readonly number[],
  signal?: AbortSignal,
): Promise<Tensor<'float32'>> {
  const { graph, feeds } = await unembeddingFeeds(language, vectors, ids);
  const results = await language.model.executor.run(graph, feeds, [language.logits], { signal });
  return results.get(language.logits) as Tensor<'float32'>;
}

/** Holds a norm's scale: nothing flows back into the root of the mean square. */
const held: VjpRule = () => [undefined];

/**
 * The direction of the stream that logits are read along: `∂/∂r Σ_v weight_v logit_v` at one position, with the norm's
 * scale held, so that the logits are linear in the stream but for a constant.
 * @returns the direction, and the weighted logits themselves
 */
export async function readDirection(
  language: LanguageModel,
  vectors: Tensor,
  ids: readonly number[],
  { position, weights }: { readonly position: number; readonly weights: ReadonlyMap<number, number> },
): Promise<{ readonly direction: Float32Array; readonly value: number }> {
  const { graph, feeds } = await unembeddingFeeds(language, vectors, ids);
  const { residuals, width } = await anatomyOf(language);
  const wrt = residuals[residuals.length - 1].value;
  const vocabulary = (await unembed(language, vectors, ids)).shape[2];
  const seed = new Float32Array(ids.length * vocabulary);
  for (const [token, weight] of weights) seed[position * vocabulary + token] = weight;
  const { gradients, outputs } = await gradientsOf(
    { ...language.model, graph },
    {
      inputs: feeds,
      seeds: new Map([[language.logits, float32([1, ids.length, vocabulary], seed)]]),
      wrt: [wrt],
      overrides: { byOperator: { Sqrt: held } },
    },
  );
  const logits = outputs.get(language.logits)?.data as Float32Array;
  let value = 0;
  for (const [token, weight] of weights) value += weight * logits[position * vocabulary + token];
  const all = gradients.get(wrt)?.data as Float32Array;
  return { direction: all.slice(position * width, (position + 1) * width), value };
}
