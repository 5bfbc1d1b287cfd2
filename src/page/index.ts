export { type EvaluationPageOptions, renderEvaluationPage } from './evaluation/page.ts';
export { type PageOptions, renderPage } from './explanation/page.ts';
export type { EncodePhotograph } from './heat-map.ts';
export { type Judgement, judge } from './judgement.ts';

// Types that these signatures name

export type { EvaluatedInput, Evaluation } from '../explain/evaluation/evaluate.ts';
