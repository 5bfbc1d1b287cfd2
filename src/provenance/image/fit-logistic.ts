/** Gradient steps; the rows are few and standardised. */
const steps = 400;
const rate = 0.5;

/**
 * Weights w and an offset b that minimise `mean log(1 + exp(−y (w·x + b))) + λ/2 ‖w − 1‖²`, true and false rows counting
 * alike in sum; w ≥ 0, because each signal is one of likeness. λ is .1 / the number of true rows: a few of them move the
 * weights a little away from equal ones, and no signal is dropped because it was not needed for so few.
 */
export function fitLogistic(rows: readonly (readonly number[])[], truths: readonly boolean[]): number[] {
  const width = rows[0].length;
  const positives = truths.filter((truth) => truth).length;
  const weightOf = (truth: boolean) => 0.5 / Math.max(1, truth ? positives : truths.length - positives);
  const shrinkage = 0.1 / Math.max(1, positives);
  const w = new Array<number>(width).fill(1);
  let b = 0;
  for (let step = 0; step < steps; step++) {
    const gradient = w.map((value) => shrinkage * (value - 1));
    let offset = 0;
    for (const [i, row] of rows.entries()) {
      let score = b;
      for (let j = 0; j < width; j++) score += w[j] * row[j];
      const error = (1 / (1 + Math.exp(-score)) - (truths[i] ? 1 : 0)) * weightOf(truths[i]);
      for (let j = 0; j < width; j++) gradient[j] += error * row[j];
      offset += error;
    }
    for (let j = 0; j < width; j++) w[j] = Math.max(0, w[j] - rate * gradient[j]);
    b -= rate * offset;
  }
  return w;
}
