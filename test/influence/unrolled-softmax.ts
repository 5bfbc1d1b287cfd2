import { dot, rowOf, zeros } from '../../src/influence/matrix.ts';
import type { Unrolling } from '../../src/influence/unrolled/unrolling.ts';
import type { Labelled, SoftmaxRegression } from './softmax-regression.ts';

const [steps, learningRate] = [400, 0.3];

/**
 * Gradient descent on a softmax regression from θ = 0 and its derivative with respect to the rows' weights, in float64:
 * `u ← u − η(H + λ)u`, `∂f/∂w_i ← ∂f/∂w_i − η/n · g_i·u`.
 */
export function unrollingOf(model: SoftmaxRegression, queries: Labelled): Unrolling {
  const { data, size, weightDecay } = model;
  const n = data.x.rows;
  const all = new Uint32Array(n).fill(1);
  return {
    epochs: steps,
    keptBytes: 8 * size * steps,
    async scores() {
      const thetas = [new Float64Array(size)];
      const gradientsAt = (theta: Float64Array) =>
        Array.from({ length: n }, (_, i) => model.gradient(theta, model.inputOf(i), data.y[i]));
      for (let t = 0; t < steps; t++) {
        const gradients = gradientsAt(thetas[t]);
        thetas.push(
          thetas[t].map((value, k) => {
            let slope = weightDecay * value;
            for (const gradient of gradients) slope += gradient[k] / n;
            return value - learningRate * slope;
          }),
        );
      }
      const adjoints = Array.from(queries.y, (label, q) =>
        model.gradient(thetas[steps], model.inputOf(q, queries.x), label).map((value) => -value),
      );
      const scores = zeros(adjoints.length, n);
      for (let t = steps - 1; t >= 0; t--) {
        const gradients = gradientsAt(thetas[t]);
        const hessian = { rows: size, columns: size, data: model.hessian(thetas[t], all) };
        for (const [q, u] of adjoints.entries()) {
          for (let i = 0; i < n; i++) scores.data[q * n + i] -= (learningRate / n) * dot(gradients[i], u);
          adjoints[q] = u.map((value, k) => value - learningRate * (dot(rowOf(hessian, k), u) + weightDecay * value));
        }
      }
      return scores.data;
    },
  };
}
