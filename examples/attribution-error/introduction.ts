/** What stands above the tables of the page. */
export const introduction = `# Attribution error, method by method

Written by \`npm run attribution-error\`; do not edit by hand.

Median over the inputs of the relative error E / |T| = |ΣA − T| / |T|, with T = f(x) − f(x0): how far the attributions are
from adding up to the difference that they are asked about. The same T stands at every layer. In brackets, for methods
with a baseline built in: the error against the target of their own, relative to it. An empty cell: the method does not
explain such a layer. Sums are taken as the method gives them, before anything is normalised for a picture. Inputs whose
output differs from the baseline's by less than 1 % are left out. Methods that perturb hide nine tiles, with few samples
(kernel-shap 128, orders 8, LIME and RISE 200, expected gradients 50, SmoothGrad and VarGrad 20); the error says nothing
about which of two methods with a small one is nearer to the truth of the model.

*Refined nodes* take the same 50 gradients and 3 n + 1 forward passes more (about twice the time) to find where the
target bends. They look at the target alone, so the error falls further than the distance of the single attributions from
their limit, which did not fall on the networks here; even nodes are the default, and n is doubled up to 400 while the
error is over 1 %.`;
