import { expect, it } from 'vitest';
import { demoCommand } from './demo.ts';

it('tells the command that repeats an explanation, with all that was asked', () => {
  const base = 'wherefore explain examples/demo/images/cup.png --model examples/demo/model/shapes.onnx';
  const labels = ['car', 'cup', 'fish'];
  expect(demoCommand('cup.png', {}, labels)).toBe(base);
  const target = { kind: 'logitDifference', a: 2, b: 1 } as const;
  expect(demoCommand('cup.png', { target, methods: ['integrated-gradients'], layers: ['input', 'conv'] }, labels)).toBe(
    `${base} --target difference:fish,cup --layer input,conv --method integrated-gradients`,
  );
  expect(demoCommand('cup.png', { baseline: { kind: 'blur', sigma: 6 }, layers: ['all'] }, labels)).toBe(
    `${base} --baseline blur:6 --layer all`,
  );
  const lax = {
    methods: ['lax'],
    parameters: { lax: { explainer: '/somewhere/explainer.onnx' } },
    score: true,
  } as const;
  expect(demoCommand('cup.png', lax, labels)).toBe(
    `${base} --method lax --set lax.explainer=examples/demo/explainer/explainer.onnx --score`,
  );
});
