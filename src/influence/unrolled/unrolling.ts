import { sizeOf, type Tensor, tensor } from '../../tensor/tensor.ts';
import {
  type Dataset,
  lossGradients,
  optimizerState,
  planTraining,
  readParameters,
  type TrainOptions,
  trainableParameters,
  withParameters,
} from '../../train/index.ts';
import { type Smoothness, smoothnessOf } from './smoothness.ts';
import { type UnrolledOptions, unrolledScores } from './unrolled.ts';

/** A training that can be differentiated through. */
export interface Unrolling {
  /** Times that every row was read. */
  readonly epochs: number;
  /** Bytes of weights and moments that are held at once. */
  readonly keptBytes: number;
  /** `∂f_q/∂w_i`, queries × rows: f is minus the loss of a query, in nats, w_i the weight of a row. */
  scores(signal?: AbortSignal): Promise<Float64Array>;
  /** How smoothly the training moves with the weights of its rows: whether its derivatives mean anything. */
  smoothness?(signal?: AbortSignal): Promise<Smoothness>;
}

export interface UnrollingOptions extends Pick<UnrolledOptions, 'training' | 'losses' | 'width' | 'onProgress'> {
  /** Rows whose loss is measured, as minus the loss of each. */
  readonly queries: Dataset;
}

/**
 * Exact influence on this model's loss of some queries, by {@link unrolledScores}.
 * @param options its training has the arguments that the model was trained with, and the weights from before
 */
export function openUnrolling(options: UnrollingOptions): Unrolling {
  const { training, queries } = options;
  const groups = Array.from({ length: queries.length }, (_, query) => Uint32Array.of(query));
  return {
    epochs: training.epochs,
    keptBytes: keptBytes(training),
    smoothness: (signal) => smoothnessOf({ training, signal }),
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

/** States at the start of every stretch of √T steps, and of the steps of one, see {@link unrolledScores}. */
function keptBytes(training: TrainOptions): number {
  const { steps } = planTraining(training);
  const stretch = Math.ceil(Math.sqrt(steps));
  let elements = 0;
  const trainable = trainableParameters(training.model, training.trainable);
  for (const { shape } of readParameters(training.model, trainable).values()) elements += sizeOf(shape);
  const tensors = 1 + optimizerState(training.optimizer).length;
  return 4 * elements * tensors * (Math.ceil(steps / stretch) + stretch);
}

const negated = ({ shape, data }: Tensor) =>
  tensor(
    'float32',
    shape,
    (data as Float32Array).map((value) => -value),
  );
