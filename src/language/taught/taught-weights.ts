import { weightsOf } from '../../influence/weights-of.ts';
import type { Graph } from '../../onnx/graph.ts';
import { extractSubgraph } from '../../onnx/lowering/extract.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { unembedding } from '../where/unembedding.ts';

/**
 * The weights of the layers: all but the tables that make vectors of tokens and scores of vectors. Those two hold which
 * words stand where, and find rows with the same words; without them two to three times as many sources were found.
 */
export async function layerWeights(language: LanguageModel): Promise<string[]> {
  const { model, roles, logits } = language;
  const before = extractSubgraph(model.graph, { inputs: [], outputs: [roles.embedding] });
  const tables = new Set([...constantsOf(before), ...constantsOf(await unembedding(language))]);
  const met = metByTokens(model.graph, roles.embedding);
  return weightsOf(model.graph, logits).filter((name) => met.has(name) && !tables.has(name));
}

/** Constants that meet what comes from the vectors of tokens; the frequencies of rotary positions do not. */
function metByTokens({ nodes, initializers }: Graph, embedding: string): Set<string> {
  const behind = new Set([embedding]);
  const met = new Set<string>();
  for (const node of nodes) {
    if (!node.inputs.some((name) => behind.has(name))) continue;
    for (const name of node.outputs) behind.add(name);
    for (const name of node.inputs) if (initializers.has(name)) met.add(name);
  }
  return met;
}

const constantsOf = ({ initializers }: Graph) => initializers.keys();
