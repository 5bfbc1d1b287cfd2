import type { VjpRule } from '../../../autodiff/context.ts';
import type { RuleSet } from '../../plan.ts';
import { rectifiers } from './operators.ts';
import { ordinary } from './ordinary.ts';

/** Only positive gradients pass a rectifier. */
const guarded: VjpRule = (c, gradients) => {
  const [g] = gradients;
  return g ? ordinary(c, [c.op('Relu', [g])]) : [];
};

/** Guided backpropagation: negative gradients end at every rectifier. */
export const guidedRules: RuleSet = {
  key: 'guided',
  apply: (specialised) => ({
    ...specialised,
    overrides: { byOperator: Object.fromEntries([...rectifiers].map((key) => [key, guarded])) },
  }),
};
