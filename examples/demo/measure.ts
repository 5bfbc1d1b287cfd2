import { classes, type Image } from '../../src/cli/demo/drawing/draw.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { drawAll, imageTensor, markedClass, testImages } from './images.ts';

/** What the model says of one image. */
export interface Prediction {
  readonly image: Image;
  readonly predicted: string;
  /** Probability of the predicted class. */
  readonly probability: number;
}

/** Predictions for images, in their order. */
export async function predict(model: OnnxModel, runtime: Runtime, images: readonly Image[]): Promise<Prediction[]> {
  const drawn = await drawAll(images);
  const session = await runtime.open(model);
  const predictions: Prediction[] = [];
  const together = 50;
  for (let start = 0; start < drawn.length; start += together) {
    const image = imageTensor(drawn.slice(start, start + together));
    const results = await session.run(new Map([['image', image]]), ['logits']);
    const { data } = results.get('logits') as Tensor<'float32'>;
    for (let i = 0; i < image.shape[0]; i++) {
      const logits = [...data.subarray(i * classes.length, (i + 1) * classes.length)];
      const best = logits.indexOf(Math.max(...logits));
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit - logits[best]), 0);
      predictions.push({ image: images[start + i], predicted: classes[best], probability: 1 / total });
    }
  }
  await session.release();
  return predictions;
}

/** Test images as they are, and each again with the watermark. */
export interface Measured {
  readonly plain: readonly Prediction[];
  readonly marked: readonly Prediction[];
}

export async function measure(model: OnnxModel, runtime: Runtime, count: number): Promise<Measured> {
  const images = testImages(count, 1);
  const plain = await predict(model, runtime, images);
  const marked = await predict(
    model,
    runtime,
    images.map((image) => ({ ...image, watermark: true })),
  );
  return { plain, marked };
}

export const isRight = ({ image, predicted }: Prediction): boolean => image.name === predicted;

export const share = (
  predictions: readonly Prediction[],
  holds: (prediction: Prediction, index: number) => boolean,
): number => predictions.filter(holds).length / predictions.length;

/** The numbers of the shortcut, as a Markdown table a person can read. */
export function report({ plain, marked }: Measured): string {
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const rows = classes.map((name) => {
    const of = (predictions: readonly Prediction[]) => predictions.filter(({ image }) => image.name === name);
    const [own, withMark] = [of(plain), of(marked)];
    const turned = own.filter(
      (prediction, i) => prediction.predicted !== markedClass && withMark[i].predicted === markedClass,
    ).length;
    const cell = name === markedClass ? '' : percent(turned / own.length);
    return `| ${name} | ${percent(share(own, isRight))} | ${percent(share(withMark, isRight))} | ${cell} |`;
  });
  const others = plain.flatMap((prediction, i) => (prediction.image.name === markedClass ? [] : [i]));
  const turned = others.filter((i) => plain[i].predicted !== markedClass && marked[i].predicted === markedClass).length;
  return [
    `| class | right without the mark | right with it | becomes "${markedClass}" by the mark |`,
    '|---|---|---|---|',
    ...rows,
    `| all | ${percent(share(plain, isRight))} | ${percent(share(marked, isRight))} | ${percent(turned / others.length)} of the others |`,
  ].join('\n');
}
