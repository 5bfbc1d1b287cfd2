// `wherefore/language`: language models behind an endpoint, and what can be asked of any.
export type { BootstrapOptions } from '../evaluation/statistics.ts';
export { type AnswerCache, folderCache, memoryCache } from './endpoint/answer-cache.ts';
export { connectEndpoint, type Endpoint, type EndpointOptions } from './endpoint/endpoint.ts';
export type { Limits, Prices, Used } from './endpoint/limits.ts';
export { localTextModel } from './generate/local-text-model.ts';
export {
  cohensKappa,
  type Distance,
  type Estimate,
  krippendorffsAlpha,
  overItems,
  type Ratings,
} from './judge/agreement.ts';
export {
  type AnswerPair,
  type JudgedPair,
  type Judgement,
  type JudgeOptions,
  judgePairs,
  type PairVerdict,
} from './judge/judge-pairs.ts';
export { type AgainstPeople, againstPeople, type PersonsChoice } from './judge/judgement-document.ts';
export { type CorrectedMean, predictionPowered } from './judge/prediction-powered.ts';
export { type Arm, type ExplainedCase, type Simulatability, simulatability } from './judge/simulatability.ts';
export type {
  Access,
  Answer,
  AnswerOptions,
  AnswerScore,
  AnswerToken,
  Message,
  Prompt,
  TextModel,
} from './text-model.ts';
export type { ExplanationFacts, ToldFeature } from './words/facts.ts';
export { type SaidInWords, sayInWords } from './words/say.ts';
export { type Audience, tell } from './words/tell.ts';
export { type CheckedSentence, verifyText } from './words/verify.ts';
