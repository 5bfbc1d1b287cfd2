import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { checkParameters } from './parameters.ts';

const schema = z.strictObject({
  steps: z._default(z.int().check(z.minimum(1)), 50),
  rule: z._default(z.enum(['trapezoid', 'gauss']), 'gauss'),
  share: z._default(z.number().check(z.gt(0), z.lt(1)), 0.5),
  strides: z._default(z.array(z.int()).check(z.minLength(1)), [8]),
  explainer: z.optional(z.string({ error: 'a path is needed' })),
});
const needing = z.strictObject({ explainer: z.string({ error: 'the path of an explainer.onnx is needed' }) });

describe('parameters', () => {
  it('get their defaults', () => {
    expect(checkParameters('m', schema, { steps: 3 })).toEqual({ steps: 3, rule: 'gauss', share: 0.5, strides: [8] });
  });

  it.each([
    [
      { stepz: 3 },
      'm has no parameter "stepz": did you mean "steps"? Fix: it takes steps, rule, share, strides, explainer.',
    ],
    [{ steps: 0 }, 'parameter steps of m (got 0, expected at least 1)'],
    [{ steps: 1.5 }, 'parameter steps of m (got 1.5, expected a whole number)'],
    [{ steps: 'x' }, 'parameter steps of m (got "x", expected a number)'],
    [{ rule: 'gaus' }, 'parameter rule of m (got "gaus", expected trapezoid or gauss)'],
    [{ share: 0 }, 'parameter share of m (got 0, expected more than 0)'],
    [{ share: 1 }, 'parameter share of m (got 1, expected less than 1)'],
    [{ strides: [] }, 'parameter strides of m (got [], expected at least 1 elements)'],
    [null, 'the parameters of m (got null, expected an object)'],
  ])('%j', (given, message) => {
    expect(() => checkParameters('m', schema, given)).toThrow(message);
  });

  it('without a default say how they are given', () => {
    expect(() => checkParameters('lax', needing, {})).toThrow(
      'lax.explainer: the path of an explainer.onnx is needed (got nothing). Fix: add --set lax.explainer=… (parameters: { "lax": { explainer: … } } in a program).',
    );
  });
});
