import type { ExplainOptions } from '../../src/core.ts';

/** What is asked of the demo's model in a page and in Node. */
export const asked: ExplainOptions = {
  target: { kind: 'classLogit', class: 2 },
  baseline: { kind: 'blur', sigma: 8 },
  methods: ['integrated-gradients', 'grad-cam'],
  // Few: the same points are computed in both.
  parameters: { 'integrated-gradients': { steps: 8 } },
};
