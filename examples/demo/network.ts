import { classes, side } from '../../src/cli/demo/drawing/draw.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import {
  activation,
  convolution,
  globalAveragePool,
  linear,
  maxPool,
  Network,
  type Value,
} from '../../src/train/index.ts';

/** Channels of the four stages; each halves the image. */
const stages = [16, 32, 64, 96] as const;

/** A small convolutional network: four stages of convolution and ReLU, the mean over the image, one linear layer. */
export function shapesNetwork(seed: number): OnnxModel {
  const network = new Network({ name: 'shapes', seed });
  let x: Value = network.input('image', 'float32', ['N', 3, side, side]);
  stages.forEach((channels, i) => {
    const name = `conv${i + 1}`;
    const options = i === 0 ? { channels, kernel: 5, stride: 2, padding: 2 } : { channels, kernel: 3, padding: 1 };
    x = activation(network, convolution(network, x, name, options), `${name}.relu`, 'relu');
    if (i === 1 || i === 2) x = maxPool(network, x, `pool${i + 1}`, { kernel: 2 });
  });
  const logits = linear(network, globalAveragePool(network, x, 'mean'), 'logits', { features: classes.length });
  return network.build([logits], { labels: JSON.stringify(classes) });
}
