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
  return weightsOf(model.graph, logits).filter((name) => !tables.has(name));
}

const constantsOf = ({ initializers }: Graph) => initializers.keys();
