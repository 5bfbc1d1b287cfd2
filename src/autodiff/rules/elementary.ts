import { kinked, type RuleTable, smooth, unary } from './entry.ts';

const twoOverRootPi = 2 / Math.sqrt(Math.PI);

/** Elementwise functions of one value. */
export const elementary = {
  Identity: smooth(unary((_, g) => g)),
  Neg: smooth(unary((c, g) => c.neg(g))),
  Abs: kinked(
    unary((c, g, x) => c.mul(g, c.op('Sign', [x]))),
    '0 at 0',
  ),
  // d(1/x) = −1/x²
  Reciprocal: smooth(unary((c, g, _, y) => c.neg(c.mul(g, c.mul(y, y))))),
  // d√x = 1/(2√x), and 0 at 0: a masked 0 · ∞ would be NaN.
  Sqrt: smooth(
    unary((c, g, _, y) => {
      const zero = c.op('Equal', [y, c.scalar(0, y)]);
      return c.div(c.scale(g, 0.5, y), c.op('Where', [zero, c.scalar(Number.POSITIVE_INFINITY, y), y]));
    }),
    '0 at 0, where the derivative is infinite',
  ),
  Exp: smooth(unary((c, g, _, y) => c.mul(g, y))),
  Log: smooth(unary((c, g, x) => c.div(g, x))),
  // d erf(x) = 2/√π · exp(−x²)
  Erf: smooth(unary((c, g, x) => c.mul(g, c.scale(c.op('Exp', [c.neg(c.mul(x, x))]), twoOverRootPi, x)))),

  Sin: smooth(unary((c, g, x) => c.mul(g, c.op('Cos', [x])))),
  Cos: smooth(unary((c, g, x) => c.neg(c.mul(g, c.op('Sin', [x]))))),
  Tan: smooth(unary((c, g, _, y) => c.mul(g, c.add(c.mul(y, y), c.scalar(1, y))))),
  Asin: smooth(unary((c, g, x) => c.div(g, c.op('Sqrt', [c.sub(c.scalar(1, x), c.mul(x, x))])))),
  Acos: smooth(unary((c, g, x) => c.neg(c.div(g, c.op('Sqrt', [c.sub(c.scalar(1, x), c.mul(x, x))]))))),
  Atan: smooth(unary((c, g, x) => c.div(g, c.add(c.mul(x, x), c.scalar(1, x))))),
  Sinh: smooth(unary((c, g, x) => c.mul(g, c.op('Cosh', [x])))),
  Cosh: smooth(unary((c, g, x) => c.mul(g, c.op('Sinh', [x])))),
  Asinh: smooth(unary((c, g, x) => c.div(g, c.op('Sqrt', [c.add(c.mul(x, x), c.scalar(1, x))])))),
  // √((x−1)(x+1)) instead of √(x²−1): near 1 the latter loses every digit.
  Acosh: smooth(
    unary((c, g, x) => c.div(g, c.op('Sqrt', [c.mul(c.sub(x, c.scalar(1, x)), c.add(x, c.scalar(1, x)))]))),
  ),
  Atanh: smooth(unary((c, g, x) => c.div(g, c.mul(c.sub(c.scalar(1, x), x), c.add(c.scalar(1, x), x))))),
} satisfies RuleTable;
