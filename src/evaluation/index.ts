export { compare } from './compare.ts';
export type { Comparison, ComparisonRequest } from './comparison.ts';
export { type MetricName, metrics } from './metrics/index.ts';
export type { Explanation, Metric, MetricScore } from './metrics/metric.ts';
export { ask, type Question, type QuestionRequest } from './question.ts';

// Types that these signatures name

export type { Grouping } from './groups.ts';
