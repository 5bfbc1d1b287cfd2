// `wherefore/language`: why a language model said this.
export { type AnswerCache, folderCache, memoryCache } from './endpoint/answer-cache.ts';
export { connectEndpoint, type Endpoint, type EndpointOptions } from './endpoint/endpoint.ts';
export type { Limits, Prices, Used } from './endpoint/limits.ts';
export type {
  Access,
  Answer,
  AnswerScore,
  AnswerToken,
  GenerateOptions,
  Message,
  Prompt,
  TextModel,
} from './text-model.ts';
