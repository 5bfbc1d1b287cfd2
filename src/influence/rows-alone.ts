import { WhereforeError } from '../errors.ts';
import { type ModelGradientsOptions, openPasses, type Passes } from './gradient-passes.ts';
import { dot, type Matrix, rowOf } from './matrix.ts';
import { randomProjections } from './methods/projected.ts';
import { projectionPass } from './row-passes.ts';

/** Rows that are tried. */
const tried = 4;

/** Cosine of a row's gradient alone and in a batch that is still the same but for rounding. */
const leastCosine = 0.9999;

/** Directions of each side of a layer: enough that what differs shows. */
const directions = 8;

/**
 * Refuses a model in which what surrounds a row changes its gradient: a scale taken over the batch, too few bits.
 * Projected gradients of some rows in a batch are compared with those of each row alone.
 * @throws WhereforeError `unsupported-model`
 */
export async function checkRowsAlone(passes: Passes, options: ModelGradientsOptions): Promise<void> {
  const count = Math.min(tried, options.rows.length, passes.batch);
  if (count < 2) return;
  const projections = randomProjections(passes.blocks, directions, 1);
  const together = await projectionPass(passes, projections).of({ from: 0, to: count });
  const alone = projectionPass(await openPasses({ ...options, batch: 1 }), projections);
  for (let i = 0; i < count; i++) {
    const cosine = cosineOf(together, i, await alone.of({ from: i, to: i + 1 }), 0);
    if (cosine >= leastCosine) continue;
    throw new WhereforeError('unsupported-model', 'the gradient of a row depends on the other rows of its batch', {
      where: options.rows.describe(i),
      got: `cosine ${cosine.toFixed(5)} to the gradient of the row alone`,
      expected: `at least ${leastCosine}`,
      fix: 'export the model for evaluation, with float32 weights, or choose a method without gradients',
    });
  }
}

function cosineOf(a: Matrix, i: number, b: Matrix, j: number): number {
  const [x, y] = [rowOf(a, i), rowOf(b, j)];
  const size = Math.sqrt(dot(x, x) * dot(y, y));
  return size > 0 ? dot(x, y) / size : 1;
}
