import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { classes, side } from '../../src/cli/demo/drawing/draw.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import {
  activation,
  add,
  constantly,
  convolution,
  globalAveragePool,
  linear,
  maxPool,
  Network,
  train,
  type Value,
} from '../../src/train/index.ts';
import { drawAll, imageSamples, testImages } from '../demo/images.ts';

const settings = { seed: 5, perClass: 150, epochs: 8, batchSize: 32, learningRate: 0.003 } as const;

/** Two convolutions beside a connection that skips them; the second starts at 0, so that a block starts as the skip. */
function basicBlock(network: Network, x: Value, name: string, channels: number, stride: number): Value {
  const same = stride === 1 && x.shape[1] === channels;
  const skip = same ? x : convolution(network, x, `${name}.skip`, { channels, kernel: 1, stride, bias: false });
  const first = convolution(network, x, `${name}.conv1`, { channels, kernel: 3, stride, padding: 1 });
  const inner = activation(network, first, `${name}.relu1`, 'relu');
  const initialization = constantly(0);
  const second = convolution(network, inner, `${name}.conv2`, { channels, kernel: 3, padding: 1, initialization });
  return activation(network, add(network, second, skip, `${name}.sum`), name, 'relu');
}

/**
 * A ResNet of basic blocks (He et al. 2016, arXiv 1512.03385) for the demo's images: six blocks of 16, 32 and 64
 * channels. Normalisation is left out, as it is of models exported for inference, where it is folded into the weights.
 */
function residualNetwork(): OnnxModel {
  const network = new Network({ name: 'residual', seed: settings.seed });
  const image = network.input('image', 'float32', ['N', 3, side, side]);
  const stem = convolution(network, image, 'stem', { channels: 16, kernel: 5, stride: 2, padding: 2 });
  let x = maxPool(network, activation(network, stem, 'stem.relu', 'relu'), 'pool', { kernel: 2 });
  for (const [i, channels] of [16, 32, 64].entries()) {
    x = basicBlock(network, x, `stage${i + 1}.block1`, channels, i === 0 ? 1 : 2);
    x = basicBlock(network, x, `stage${i + 1}.block2`, channels, 1);
  }
  return network.build([
    linear(network, globalAveragePool(network, x, 'mean'), 'logits', { features: classes.length }),
  ]);
}

/** Trains the ResNet on drawn images without any mark, and writes it. @returns its accuracy on held-out images */
export async function trainResidual(path: string, runtime: Runtime): Promise<number> {
  const sampled = async (count: number, seed: number) => {
    const images = testImages(count, seed);
    return imageSamples(images, await drawAll(images));
  };
  let accuracy = 0;
  const { model } = await train({
    model: residualNetwork(),
    samples: await sampled(settings.perClass, 700_000),
    evaluate: await sampled(25, 800_000),
    loss: { kind: 'cross-entropy' },
    optimizer: { kind: 'adamw', weightDecay: 0.01, decayed: 'matrices' },
    schedule: { kind: 'cosine', learningRate: settings.learningRate, warmUp: 20 },
    epochs: settings.epochs,
    batchSize: settings.batchSize,
    seed: settings.seed,
    runtime,
    onProgress: ({ epoch, loss, evaluation }) => {
      accuracy = evaluation?.accuracy ?? accuracy;
      if (evaluation)
        console.log(`  epoch ${epoch}: loss ${loss.toFixed(3)}, held-out accuracy ${accuracy.toFixed(3)}`);
    },
  });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, encodeModel(model));
  return accuracy;
}
