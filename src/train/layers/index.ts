export { type Activation, activation, add, flatten } from './activations.ts';
export { type AttentionOptions, selfAttention, type TransformerBlockOptions, transformerBlock } from './attention.ts';
export { type ConvolutionOptions, convolution } from './convolution.ts';
export { type DecoderBlockOptions, decoderBlock } from './decoder.ts';
export { type EmbeddingOptions, embedding, type LinearOptions, linear, positionEmbedding } from './linear.ts';
export { batchNorm, groupNorm, layerNorm, type NormalizationOptions, rmsNorm } from './normalization.ts';
export { averagePool, globalAveragePool, maxPool, meanOver, type PoolingOptions } from './pooling.ts';
