/** What stands above the tables of the page. */
export const introduction = `# Attribution error, method by method

Written by \`npm run attribution-error\`; do not edit by hand.

Median over the inputs of the relative error E / |T| = |ΣA − T| / |T|, with T = f(x) − f(x0): how far the attributions are
from adding up to the difference that they are asked about. The same T stands at every layer. In brackets, for methods
with a baseline built in: the error against the target of their own, relative to it. An empty cell: the method does not
explain such a layer. Sums are taken as the method gives them, before anything is normalised for an image. Inputs whose
output differs from the baseline's by less than 1 % are left out. Methods that perturb hide nine tiles, with few samples
(kernel-shap 128, orders 8, expected gradients 50); the error says nothing about which of two methods with a small one is
nearer to the truth of the model. Methods whose values promise no sum (rates, masks, scores) have no error and no row. A row that one
table has and another lacks does not apply there, or was not measured.

*Adaptive nodes*, the default, take 3 n forward passes more than even ones to find where the target bends. About half of
them lie evenly; the pieces that err most are cut so that their three nodes serve two rules, three midpoints (near a kink)
and Gauss's (where it is smooth), of which the one that errs less is taken. With 50 gradients their median error is below
that of 50 even nodes at every layer of the tables but three, where both are below .04 %: the last of the demo network and
blocks 3 and 5 of the language model (prototype, 16, 16 and 5 inputs: demo network .35 to .09 % at the input, .22 to .10,
.20 to .10 %; ResNet .87 to .38, .36 to .33, .36 to .18 %; SqueezeNet 1.50 to .39 % at the input, .93 to .12 % at pool1). Where
f does not mind the size of its input, as of speech models, which normalize it, everything happens within the first
thousandths of the path and even nodes do not converge at all: a wav2vec2 of random weights has 88 % after 50 even
gradients, 54 % after 100 and 159 % after 6,350; 23 % after 50 refined ones; .09 % after 50 adaptive ones. Single
attributions come nearer to their limit there (.42 to .005 in the Euclidean norm), elsewhere they stay about where even
nodes have them (.0172 and .0192 at the input of the demo network, .0168 and .0189 of the ResNet). So a run begins with 50
even nodes, and where these miss the tolerance (1 %) goes on with 50 adaptive ones, then 100, 200 and 400: where even nodes do,
nothing costs more than it did. Gauss-Legendre over the whole path is no better than midpoints on the demo network and the
ResNet (.64, .28, .21 %; 1.15, .79, .37 %).

*Refined nodes* take the same 50 gradients and 13 n / 3 forward passes more (about twice the time) to find where the
target bends, and a node in each piece where its slope is the mean slope. They look at the target alone: the median error
falls below .5 % everywhere here, but the single attributions do not come nearer to their limit, on the ResNet they stay
further from it. Relative distance in the Euclidean norm, even and refined: .0185 and .0215 at the input of the demo
network, .0156 and .0156 at conv1 (6 images); .0162 and .0258 at the input of the ResNet, .0098 and .0130 at stage1
(4 images).

Nodes closer to the baseline, t = s^p with s even, are no rule of their own. With p = 2 the distances of these two
networks are .0317, .0277, .0264 and .0150, and the error is larger at three of the four places. In SqueezeNet, whose kinks
lie near the black image, they are nearer (2 photographs, input and pool1: .0416 and .0501 even, .0358 and .0353 with
p = 2, .0457 and .0501 refined), but the error stays over .5 % (7 photographs, pool1: .95 % even, .80 % with p = 1.5,
.95 % with p = 2, .97 % with p = 3, .29 % refined).`;
