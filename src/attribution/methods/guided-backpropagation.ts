import { gradientMethod, plainGradient } from './gradient.ts';
import type { Method } from './method.ts';

/** The gradient with negative parts dropped at every rectifier: sharp edges, but not a derivative of the model. */
export const guidedBackpropagation: Method<Record<string, never>> = {
  title: 'Guided backpropagation',
  source: 'Springenberg et al. 2014, "Striving for Simplicity: The All Convolutional Net", arXiv 1412.6806',
  formula: 'A = ∂f/∂F with s_x = ReLU(s_y) · ∂y/∂x at every rectifier',
  ...gradientMethod,
  implicitBaseline: { kind: 'infinitesimal', text: 'an infinitesimal change' },
  meaning: { kind: 'rate', what: 'a filtered rate of change' },
  gradientAtInput: async () => (await import('./rules/guided.ts')).guidedRules,
  run: plainGradient,
};
