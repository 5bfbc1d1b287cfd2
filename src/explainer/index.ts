export { type AdaptOptions, adapt } from './adapt.ts';
export type { FusedComparison } from './compare-fused.ts';
export { checkExplains, type Explainer, openExplainer } from './explainer.ts';
export { type ExplainerFacts, explainerFacts, explainerKey } from './explainer-model.ts';
export {
  type AdaptationOptions,
  type Adapted,
  type AdaptPlan,
  type OpenAdaptation,
  openAdaptation,
} from './open-adaptation.ts';
export { type LaxOptions, type LaxSettings, laxSettings, settingsSchema } from './settings.ts';
export type { Collapse, Validation } from './validate.ts';
