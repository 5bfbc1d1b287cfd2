import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { sharedData } from '../../test/shared-data.ts';
import { rows, type Tensor } from '../tensor/tensor.ts';
import { pixelDataset } from './datasets/in-memory.ts';
import { readBytes, readText } from './files/read-file.ts';
import { readIdx } from './formats/idx.ts';
import { readImage } from './formats/image.ts';
import { toSource } from './inputs/grid.ts';
import { preprocessImage } from './inputs/image-input.ts';
import type { ImageInput } from './model/preprocessing.ts';
import { readLabels } from './model/preprocessing-file.ts';
import { parsePreprocessing } from './model/preprocessing-yaml.ts';

/** What the hand-written description says about the model's one input. */
async function described(name: string): Promise<{ input: ImageInput; name: string }> {
  const text = await readText(
    new URL(`../../test/fixtures/preprocessing/${name}.yaml`, import.meta.url).pathname,
    'settings',
  );
  const [[input, preprocessing]] = Object.entries(parsePreprocessing(text).inputs);
  return { input: preprocessing as ImageInput, name: input };
}

async function run(model: string, name: string, input: Tensor): Promise<Float32Array> {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1 });
  const outputs = await session.run({ [name]: new OrtTensor('float32', input.data as Float32Array, input.shape) });
  await session.release();
  return Object.values(outputs)[0].data as Float32Array;
}

const squeezenet = sharedData('squeezenet/squeezenet-fp32.onnx');
const yolox = sharedData('yolox-nano/yolox_nano.onnx');
const mnist = sharedData('mnist/mnist-onnxjs.onnx');

describe('real models see what was described', () => {
  it.skipIf(!squeezenet)('SqueezeNet: the kitten is a tabby, .94', async () => {
    const { input, name } = await described('squeezenet');
    const image = await readImage(sharedData('squeezenet/kitten_224.png') as string);
    // The file has an alpha channel, and all of it is opaque.
    expect(image.notes).toEqual([]);
    const probabilities = await run(squeezenet as string, name, (await preprocessImage(image, input)).tensor);
    const best = probabilities.indexOf(Math.max(...probabilities));
    const labels = await readLabels(sharedData('squeezenet/imagenet_classes.txt') as string);
    expect(labels[best]).toMatch(/tabby/);
    // The value that the data's own notes state, to their two digits.
    expect(probabilities[best]).toBeCloseTo(0.94, 2);
  });

  it.skipIf(!yolox)('YOLOX: cat .727 and dog .897, and their boxes lie where the animals are', async () => {
    const { input, name } = await described('yolox');
    const { tensor, transform } = await preprocessImage(
      await readImage(sharedData('photos/both.png') as string),
      input,
    );
    const output = await run(yolox as string, name, tensor);
    const labels = await readLabels(sharedData('yolox-nano/coco_classes.txt') as string);
    const found = ['cat', 'dog'].map((label) => {
      const scores = Array.from(
        { length: 3549 },
        (_, i) => output[i * 85 + 4] * output[i * 85 + 5 + labels.indexOf(label)],
      );
      const cell = scores.indexOf(Math.max(...scores));
      return { label, score: scores[cell], centre: toSource(transform, centreOf(output, cell)) };
    });
    // ONNX Runtime in Python on the pixels of Pillow's resize((416, 416), BILINEAR); float32 in another order.
    expect(found[0].score).toBeCloseTo(0.72747, 4);
    expect(found[1].score).toBeCloseTo(0.89692, 4);
    // In both.png (224×224) the dog sits in the upper half, the cat lies in the lower one.
    expect(found[0].centre[0]).toBeGreaterThan(130);
    expect(found[1].centre[0]).toBeLessThan(100);
    for (const { centre } of found)
      for (const part of centre) expect(part).toSatisfy((at: number) => at > 0 && at < 224);
  });

  it.skipIf(!mnist)('MNIST: 98 of the first 100 test digits at least', async () => {
    const { input, name } = await described('mnist');
    const images = readIdx(await readBytes(sharedData('mnist/t10k-images-idx3-ubyte.gz') as string, 'tensors'));
    const labels = readIdx(await readBytes(sharedData('mnist/t10k-labels-idx1-ubyte.gz') as string, 'tensors'));
    const dataset = pixelDataset(images, { name, preprocessing: input }, { labels });
    const { inputs: first } = await dataset.read(Array.from({ length: 100 }, (_, i) => i));
    const session = await InferenceSession.create(mnist as string, { intraOpNumThreads: 1 });
    let right = 0;
    for (let i = 0; i < 100; i++) {
      const one = rows(first[name], i, i + 1);
      const outputs = await session.run({ [name]: new OrtTensor('float32', one.data as Float32Array, one.shape) });
      const logits = Object.values(outputs)[0].data as Float32Array;
      if (logits.indexOf(Math.max(...logits)) === labels.data[i]) right++;
    }
    await session.release();
    expect(right).toBeGreaterThanOrEqual(98);
  });
});

/** Centre [y, x] of a YOLOX box on the 416×416 grid: (xy + cell) · stride. */
function centreOf(output: Float32Array, cell: number): [number, number] {
  let start = 0;
  for (const stride of [8, 16, 32]) {
    const side = 416 / stride;
    if (cell < start + side * side) {
      const [x, y] = output.subarray(cell * 85, cell * 85 + 2);
      return [(y + Math.floor((cell - start) / side)) * stride, (x + ((cell - start) % side)) * stride];
    }
    start += side * side;
  }
  throw new Error('no such cell');
}
