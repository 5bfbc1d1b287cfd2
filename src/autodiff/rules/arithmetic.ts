import { binary, type RuleTable, smooth, unary } from './entry.ts';

/** Arithmetic with broadcasting. */
export const arithmetic: RuleTable = {
  Identity: smooth(unary((_, g) => g)),
  Add: smooth(
    binary(
      (_, g) => g,
      (_, g) => g,
    ),
  ),
  Sub: smooth(
    binary(
      (_, g) => g,
      (c, g) => c.neg(g),
    ),
  ),
  Mul: smooth(
    binary(
      (c, g, _, b) => c.mul(g, b),
      (c, g, a) => c.mul(g, a),
    ),
  ),
  // d(a/b) = da/b − (a/b)·db/b
  Div: smooth(
    binary(
      (c, g, _, b) => c.div(g, b),
      (c, g, _, b) => c.neg(c.div(c.mul(g, c.output()), b)),
    ),
  ),
  Neg: smooth(unary((c, g) => c.neg(g))),
};
