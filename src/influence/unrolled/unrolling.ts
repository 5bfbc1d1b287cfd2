import { type Tensor, tensor } from '../../tensor/tensor.ts';
import { lossGradients, planTraining, type Samples, withParameters } from '../../train/index.ts';
import { type UnrolledOptions, unrolledScores } from './unrolled.ts';

/** A training that can be differentiated through. */
export interface Unrolling {
  /** Steps of the training. */
  readonly steps: number;
  /** `∂f_q/∂w_i`, queries × rows: f is minus the loss of a query, in nats, w_i the weight of a row. */
  scores(signal?: AbortSignal): Promise<Float64Array>;
}

export interface UnrollingOptions extends Pick<UnrolledOptions, 'training' | 'losses' | 'width' | 'onProgress'> {
  /** Rows whose loss is measured, as minus the loss of each. */
  readonly queries: Samples;
}

/**
 * Exact influence on this model's loss of some queries, by {@link unrolledScores}.
 * @param options its training has the arguments that the model was trained with, and the weights from before
 */
export function openUnrolling(options: UnrollingOptions): Unrolling {
  const { training, queries } = options;
  const groups = Array.from({ length: queries.count }, (_, query) => Uint32Array.of(query));
  return {
    steps: planTraining(training).steps,
    async scores(signal) {
      const { scores } = await unrolledScores({
        ...options,
        signal,
        async measured(parameters) {
          const model = withParameters(training.model, parameters);
          const found = await lossGradients({ ...training, model, samples: queries, groups });
          return found.map(({ gradient }) => new Map([...gradient].map(([name, value]) => [name, negated(value)])));
        },
      });
      return scores;
    },
  };
}

const negated = ({ shape, data }: Tensor) =>
  tensor(
    'float32',
    shape,
    (data as Float32Array).map((value) => -value),
  );
