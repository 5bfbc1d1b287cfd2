import { expect, it } from 'vitest';
import { operatorsThat } from '../../onnx/operators.ts';
import { nonDifferentiable } from '../non-differentiable.ts';
import { vjpRules } from './index.ts';

it('rules and reasons are those that the table of operators promises', () => {
  expect(Object.keys(vjpRules).sort()).toEqual([...operatorsThat(({ gradient }) => gradient === 'rule')].sort());
  const without = operatorsThat(({ gradient }) => gradient === 'zero' || gradient === 'refused');
  expect(Object.keys(nonDifferentiable).sort()).toEqual([...without].sort());
  // The type checker says the same: these lines fail the build where it does not.
  const { Relu: _, ...others } = vjpRules;
  // @ts-expect-error the rule of Relu is missing
  const incomplete: typeof vjpRules = others;
  // @ts-expect-error there is no reason for IsNaN
  const silent: typeof nonDifferentiable = { ...nonDifferentiable, IsNaN: undefined };
  expect(Object.keys(incomplete)).toHaveLength(Object.keys(vjpRules).length - 1);
  expect(silent.IsNaN).toBeUndefined();
});
