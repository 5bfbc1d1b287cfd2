import { lookup } from '../../../tensor/lookup.ts';
import { type Node, type OnnxModel, operatorKey, subgraphsOf } from '../../graph.ts';
import { commonExpansions } from './common.ts';
import type { Expansions } from './expression.ts';

/** Families that few models need: each is loaded with the first model that has an operator of it. */
const families = {
  attention: async () => (await import('./attention.ts')).attentionExpansions,
  deformable: async () => (await import('./deformable.ts')).deformableExpansions,
  experts: async () => (await import('./experts.ts')).expertExpansions,
  features: async () => (await import('./features.ts')).featureExpansions,
  linearModels: async () => (await import('./linear-models.ts')).linearModelExpansions,
  losses: async () => (await import('./losses.ts')).lossExpansions,
  normalization: async () => (await import('./normalization.ts')).normalizationExpansions,
  packedWeights: async () => (await import('./packed-weights.ts')).packedWeightExpansions,
  products: async () => (await import('./products.ts')).productExpansions,
  quantized: async () => (await import('./quantized.ts')).quantizedExpansions,
  rotary: async () => (await import('./rotary.ts')).rotaryExpansions,
  supportVectors: async () => (await import('./support-vectors.ts')).supportVectorExpansions,
} satisfies Readonly<Record<string, () => Promise<Expansions>>>;

/** The family of each operator that has an expansion beyond the common ones; a test holds it against the families. */
const familyOf: Readonly<Record<string, keyof typeof families>> = {
  Attention: 'attention',
  'com.microsoft.Attention': 'attention',
  'com.microsoft.MultiHeadAttention': 'attention',
  'com.microsoft.GroupQueryAttention': 'attention',
  DeformConv: 'deformable',
  'com.microsoft.MoE': 'experts',
  'com.microsoft.QMoE': 'experts',
  'ai.onnx.ml.Scaler': 'features',
  'ai.onnx.ml.Normalizer': 'features',
  'ai.onnx.ml.Imputer': 'features',
  'ai.onnx.ml.Binarizer': 'features',
  'ai.onnx.ml.ArrayFeatureExtractor': 'features',
  'ai.onnx.ml.FeatureVectorizer': 'features',
  'ai.onnx.ml.LinearRegressor': 'linearModels',
  'ai.onnx.ml.LinearClassifier': 'linearModels',
  NegativeLogLikelihoodLoss: 'losses',
  SoftmaxCrossEntropyLoss: 'losses',
  'com.microsoft.SkipLayerNormalization': 'normalization',
  'com.microsoft.SkipSimplifiedLayerNormalization': 'normalization',
  'com.microsoft.EmbedLayerNormalization': 'normalization',
  'com.microsoft.SimplifiedLayerNormalization': 'normalization',
  SimplifiedLayerNormalization: 'normalization',
  RMSNormalization: 'normalization',
  GroupNormalization: 'normalization',
  'com.microsoft.GroupNorm': 'normalization',
  'com.microsoft.SkipGroupNorm': 'normalization',
  MeanVarianceNormalization: 'normalization',
  'com.microsoft.MatMulNBits': 'packedWeights',
  'com.microsoft.MatMulBnb4': 'packedWeights',
  'com.microsoft.GatherBlockQuantized': 'packedWeights',
  'com.microsoft.FusedMatMul': 'products',
  'com.microsoft.TransposeMatMul': 'products',
  'com.microsoft.FusedGemm': 'products',
  'com.microsoft.FusedConv': 'products',
  'com.microsoft.NhwcConv': 'products',
  'com.microsoft.NhwcFusedConv': 'products',
  'com.microsoft.BiasAdd': 'products',
  'com.microsoft.MatMulIntegerToFloat': 'products',
  'com.microsoft.DynamicQuantizeMatMul': 'products',
  'com.microsoft.QAttention': 'quantized',
  'com.microsoft.QEmbedLayerNormalization': 'quantized',
  'com.microsoft.QLinearConv': 'quantized',
  'com.microsoft.NhwcMaxPool': 'quantized',
  RotaryEmbedding: 'rotary',
  'com.microsoft.RotaryEmbedding': 'rotary',
  'ai.onnx.ml.SVMRegressor': 'supportVectors',
  'ai.onnx.ml.SVMClassifier': 'supportVectors',
};

/** The expansions that a model may need, those of nested graphs and of the file's functions included. */
export async function expansionsFor({ graph, functions }: OnnxModel): Promise<Expansions> {
  const wanted = new Set<keyof typeof families>();
  const look = (nodes: readonly Node[]): void => {
    for (const node of nodes) {
      const family = lookup(familyOf, operatorKey(node));
      if (family) wanted.add(family);
      for (const nested of subgraphsOf(node)) look(nested.nodes);
    }
  };
  look(graph.nodes);
  for (const { nodes } of functions) look(nodes);
  const tables = await Promise.all([...wanted].map((family) => families[family]()));
  return Object.fromEntries([commonExpansions, ...tables].flatMap((table) => Object.entries(table)));
}
