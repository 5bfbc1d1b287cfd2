import { kinked, type RuleTable, unary } from './entry.ts';

/** Activation functions. */
export const activations: RuleTable = {
  // The mask comes from the output, so that convolution, normalisation and ReLU can stay one fused kernel. Subgradient 0 at 0.
  Relu: kinked(unary((c, g, _, y) => c.mul(g, c.indicator(c.op('Greater', [y, c.scalar(0, y)]), y)))),
};
