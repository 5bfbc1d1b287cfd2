import * as z from 'zod/mini';
import { WhereforeError } from '../../errors.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import { random } from '../../tensor/random.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import { onlyNamed, type Question } from '../question.ts';
import { explainAgain, type Metric } from './metric.ts';

const parameters = z.strictObject({
  /** Inputs nearby that are explained again. */
  samples: z._default(z.int().check(z.minimum(1), z.maximum(1000)), 4),
  /** How far each element moves at most, as a share of the input's range. */
  radius: z._default(z.number().check(z.gt(0), z.maximum(1)), 0.02),
});

export type MaxSensitivityParameters = z.infer<typeof parameters>;

/** How much the explanation changes when the input changes imperceptibly. */
export const maxSensitivity: Metric<MaxSensitivityParameters, 'lower'> = {
  title: 'Max-sensitivity',
  family: 'robustness',
  judgedBy: 'description',
  formula: 'max_{‖δ‖∞ ≤ r} ‖A(x + δ) − A(x)‖ / ‖A(x)‖',
  source: 'Yeh et al. 2019, arXiv 1901.09392',
  range: [0, Number.POSITIVE_INFINITY],
  direction: 'lower',
  assumes:
    'the model itself barely changes within the radius; a constant explanation scores best, so read it beside another metric',
  sensitivity: 'radius: scores grow with it; samples: the maximum grows with them, so compare equal numbers',
  needs: 'method',
  parameters: parameters as z.core.$ZodType<MaxSensitivityParameters>,
  cost: ({ samples }) => ({ forward: 0, backward: 0, again: samples }),
  async run(question, explanation, { samples, radius }) {
    const again = explainAgain(explanation, 'max-sensitivity');
    const { values } = explanation.map;
    const size = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    if (size === 0) return { score: 0, notes: ['the map is 0 everywhere: it cannot change relative to itself'] };
    let most = 0;
    for (let k = 0; k < samples; k++) {
      const moved = await again({ inputs: nearby(question, radius, k) });
      let distance = 0;
      for (let i = 0; i < values.length; i++) distance += (moved.values[i] - values[i]) ** 2;
      most = Math.max(most, Math.sqrt(distance) / size);
    }
    return { score: most };
  },
};

/** The inputs with every explained element moved by up to `radius` × (max − min). */
function nearby({ explained, inputs, seed }: Question, radius: number, sample: number): Tensors {
  const source = random(seed, 100 + sample);
  const moved = new Map(inputs);
  for (const [name, tensor] of onlyNamed(inputs, explained)) {
    if (tensor.type !== 'float32') {
      throw new WhereforeError('wrong-type', `input "${name}" has no inputs nearby`, {
        got: tensor.type,
        expected: 'float32',
        fix: 'leave max-sensitivity out for token inputs',
      });
    }
    const { data, shape } = tensor as Tensor<'float32'>;
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of data) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const reach = radius * (most - least || 1);
    moved.set(
      name,
      float32(
        shape,
        data.map((value) => value + reach * (2 * source.uniform() - 1)),
      ),
    );
  }
  return moved;
}
