export { type Adapted, type AdaptOptions, type AdaptPlan, adapt } from './adapt.ts';
export type { FusedComparison } from './compare-fused.ts';
export { checkExplains, type Explainer, openExplainer } from './explainer.ts';
export { type ExplainerFacts, explainerFacts, explainerKey } from './explainer-model.ts';
export { type LaxOptions, type LaxSettings, laxSettings, settingsSchema } from './settings.ts';
export type { Collapse, Validation } from './validate.ts';
