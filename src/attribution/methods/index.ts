import { differenceMap, gradCam, gradCamPlusPlus, layerCam, odam } from './class-activation.ts';
import { deepLift } from './deep-lift.ts';
import { detectionRise } from './detection-rise.ts';
import { expectedGradients } from './expected-gradients.ts';
import { featureAblation } from './feature-ablation.ts';
import { gradient, gradientTimesInput } from './gradient.ts';
import { guidedBackpropagation } from './guided-backpropagation.ts';
import { integratedGradients } from './integrated-gradients.ts';
import { kernelShap } from './kernel-shap.ts';
import { lax } from './lax.ts';
import { lime } from './lime.ts';
import type { Method } from './method.ts';
import { occlusion } from './occlusion.ts';
import { lrpAlphaBeta, lrpEpsilon } from './relevance.ts';
import { rise } from './rise.ts';
import { scoreCam } from './score-cam.ts';
import { exactShapley, shapleySampling } from './shapley.ts';
import { smoothGrad, varGrad } from './smooth-gradient.ts';
import { taylor1, taylor2 } from './taylor.ts';
import { zeroFeatureIntegratedGradients } from './zero-feature-integrated-gradients.ts';

const rows = {
  'integrated-gradients': integratedGradients,
  'integrated-gradients-zero-feature': zeroFeatureIntegratedGradients,
  'expected-gradients': expectedGradients,
  'deep-lift': deepLift,
  gradient,
  'gradient-x-input': gradientTimesInput,
  'taylor-1': taylor1,
  'taylor-2': taylor2,
  'smooth-grad': smoothGrad,
  'var-grad': varGrad,
  'guided-backpropagation': guidedBackpropagation,
  'lrp-epsilon': lrpEpsilon,
  'lrp-alpha-beta': lrpAlphaBeta,
  'grad-cam': gradCam,
  'grad-cam-plus-plus': gradCamPlusPlus,
  'layer-cam': layerCam,
  odam,
  'difference-map': differenceMap,
  'score-cam': scoreCam,
  occlusion,
  'feature-ablation': featureAblation,
  lime,
  'kernel-shap': kernelShap,
  'shapley-sampling': shapleySampling,
  'exact-shapley': exactShapley,
  rise,
  'd-rise': detectionRise,
  lax,
} as const satisfies Readonly<Record<string, Method>>;

export type MethodName = keyof typeof rows;

/**
 * Every attribution method by the name that a user types. Help, documentation and comparisons iterate over this table.
 * Rows are data: what only a run needs (rules of backward passes, a learned explainer) is loaded when it runs.
 */
export const methods: Readonly<Record<MethodName, Method>> & Readonly<Record<string, Method>> = rows;
