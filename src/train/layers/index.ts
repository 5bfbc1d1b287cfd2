export { activation, type Activation, add, flatten } from './activations.ts';
export { type AttentionOptions, selfAttention, transformerBlock, type TransformerBlockOptions } from './attention.ts';
export { convolution, type ConvolutionOptions } from './convolution.ts';
export { embedding, type EmbeddingOptions, linear, type LinearOptions, positionEmbedding } from './linear.ts';
export { batchNorm, groupNorm, layerNorm, type NormalizationOptions } from './normalization.ts';
export { averagePool, globalAveragePool, maxPool, meanOver, type PoolingOptions } from './pooling.ts';
