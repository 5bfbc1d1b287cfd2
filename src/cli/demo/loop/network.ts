import type { PreprocessingText } from '../../../data/model/preprocessing.ts';
import type { OnnxModel } from '../../../onnx/graph.ts';
import { activation, convolution, flatten, linear, maxPool, Network, type TrainOptions } from '../../../train/index.ts';
import { loopClasses, loopSide } from './rows.ts';

/**
 * A small convolutional network: three stages of convolution and ReLU, one linear layer that knows places, as an emblem
 * in a corner has one.
 */
export function loopNetwork(seed: number): OnnxModel {
  const network = new Network({ name: 'loop', seed });
  let x = network.input('image', 'float32', ['N', 3, loopSide, loopSide]);
  for (const [i, channels] of [8, 16, 24].entries()) {
    const options = i === 0 ? { channels, kernel: 5, stride: 2, padding: 2 } : { channels, kernel: 3, padding: 1 };
    x = activation(network, convolution(network, x, `conv${i + 1}`, options), `relu${i + 1}`, 'relu');
    if (i === 0) x = maxPool(network, x, 'pool1', { kernel: 2 });
  }
  const pooled = flatten(network, maxPool(network, x, 'pool3', { kernel: 3 }), 'flat');
  const logits = linear(network, pooled, 'logits', { features: loopClasses.length });
  return network.build([logits], { labels: JSON.stringify(loopClasses) });
}

/** How it is trained. */
export const loopTraining = {
  loss: { kind: 'cross-entropy' },
  optimizer: { kind: 'adamw', weightDecay: 0.01, decayed: 'matrices' },
  schedule: { kind: 'cosine', learningRate: 0.004, warmUp: 10 },
  epochs: 10,
  batchSize: 32,
  seed: 1,
} as const satisfies Partial<TrainOptions>;

/** How inputs are made of the images: the contents of a `wherefore.yaml`. */
export const loopPreprocessing: PreprocessingText = {
  task: 'classification',
  inputs: { image: { kind: 'image', size: [loopSide, loopSide], range: [-1, 1] } },
  outputs: { logits: { kind: 'logits' } },
  labels: [...loopClasses],
};
