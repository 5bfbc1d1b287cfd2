import { expect, it } from 'vitest';
import { operatorsThat } from '../../onnx/operators.ts';
import { nonDifferentiable } from '../non-differentiable.ts';
import { isEstimated, loadRules, operatorsWithRule, ruleOf } from './index.ts';

it('rules and reasons are those that the table of operators promises', async () => {
  await loadRules();
  expect([...operatorsWithRule].filter((operator) => !ruleOf(operator))).toEqual([]);
  const others = [...operatorsThat(({ gradient }) => gradient !== 'rule')];
  expect(others.filter((operator) => ruleOf(operator))).toEqual([]);
  const without = operatorsThat(({ gradient }) => gradient === 'zero' || gradient === 'refused');
  expect(Object.keys(nonDifferentiable).sort()).toEqual([...without].sort());
  // The type checker says the same: this line fails the build where it does not.
  // @ts-expect-error there is no reason for IsNaN
  const silent: typeof nonDifferentiable = { ...nonDifferentiable, IsNaN: undefined };
  expect(silent.IsNaN).toBeUndefined();
});

it('an operator stands in one of the families that are always there', async () => {
  const tables = [
    (await import('./activations.ts')).activations,
    (await import('./arithmetic.ts')).arithmetic,
    (await import('./convolution.ts')).convolutions,
    (await import('./elementary.ts')).elementary,
    (await import('./indexing.ts')).indexing,
    (await import('./matrix.ts')).matrix,
    (await import('./movement.ts')).movement,
    (await import('./normalization.ts')).normalization,
    (await import('./padding.ts')).padding,
    (await import('./pooling.ts')).pooling,
    (await import('./reductions.ts')).reductions,
  ];
  const keys = tables.flatMap((table) => Object.keys(table));
  expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
});

it('a straight-through estimate is what the family of quantisation has', async () => {
  await loadRules();
  const estimates = [...operatorsWithRule].filter((operator) => ruleOf(operator)?.kind === 'estimate');
  expect(estimates).toEqual([...operatorsWithRule].filter(isEstimated));
  expect(estimates.length).toBeGreaterThan(15);
});
