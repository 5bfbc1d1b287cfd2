import { afterAll, describe, expect, it } from 'vitest';
import { toyImages, toyNetwork } from '../../test/toy-images.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { gradientsOf, oneHotSeed } from '../runtime/gradient.ts';
import { createModel, type Model } from '../runtime/model.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, int64, type Tensor } from '../tensor/tensor.ts';
import { classGradient, gradientClass, gradientToTell } from './class-gradient.ts';
import { type Classifier, readClassifier } from './classifier.ts';
import { gradientChannels } from './gradient-channels.ts';
import { laxSettings } from './settings.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const { images } = toyImages(9, 5);
const plane = 256;
const imageOf = (i: number) => float32([1, 1, 16, 16], images.data.slice(i * plane, (i + 1) * plane));
const read = async (onnx: OnnxModel): Promise<{ model: Model; classifier: Classifier }> => {
  const model = createModel(onnx, runtime, { name: 'toy', hash: '' });
  return { model, classifier: await readClassifier(model, new Map([['image', images]])) };
};

/** `∂ logit_label/∂ image` by itself, the plain way. */
async function plainly(model: Model, image: Tensor<'float32'>, label: number): Promise<Float32Array> {
  const seeds = new Map([['logits', oneHotSeed([1, 4], [0, label])]]);
  const { gradients } = await gradientsOf(model, { inputs: new Map([['image', image]]), seeds, wrt: ['image'] });
  return gradients.get('image')?.data as Float32Array;
}

/** Largest difference, as a share of the largest value: float32 sums in another order differ in the last digits. */
function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [worst, most] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    worst = Math.max(worst, Math.abs(a[i] - b[i]));
    most = Math.max(most, Math.abs(b[i]));
  }
  return worst / most;
}

describe('the gradient of a class', () => {
  it.each([1, 4, 9])('is that of every image alone, in a batch of %i', async (count) => {
    // The toy has a MaxPool, whose gradient counts positions over the whole batch.
    const { model, classifier } = await read(toyNetwork(1));
    const { graph, notes } = await classGradient(model.executor, classifier, images);
    const labels = Array.from({ length: count }, (_, i) => i % 4);
    const feeds = new Map<string, Tensor>([
      ['image', float32([count, 1, 16, 16], images.data.slice(0, count * plane))],
      [gradientClass, int64([count], labels)],
    ]);
    const [{ name }] = graph.outputs;
    const found = (await model.executor.run(graph, feeds, [name])).get(name) as Tensor<'float32'>;
    expect(found.shape).toEqual([count, 1, 16, 16]);
    for (const [i, label] of labels.entries()) {
      const own = found.data.subarray(i * plane, (i + 1) * plane);
      expect(apart(own, await plainly(model, imageOf(i), label))).toBeLessThan(1e-4);
    }
    expect(notes).toEqual([]);
  });

  it('is told as products and gradients at every point, of mean square 1 over the image', async () => {
    const { model, classifier } = await read(toyNetwork(1));
    const gradient = await classGradient(model.executor, classifier, images);
    const builder = new GraphBuilder({ ...classifier.onnx.graph, outputs: [] });
    builder.input('class', 'int64', ['N']);
    const told = gradientChannels(builder, gradient, classifier, 'class', [1, 0.5]);
    expect(told.shape).toEqual(['N', 4, 16, 16]);
    builder.output(told.name, 'float32', undefined);
    const feeds = new Map<string, Tensor>([
      ['image', float32([2, 1, 16, 16], images.data.slice(0, 2 * plane))],
      ['class', int64([2], [3, 1])],
    ]);
    const { data } = (await model.executor.run(builder.build(), feeds, [told.name])).get(
      told.name,
    ) as Tensor<'float32'>;
    for (const [i, label] of [3, 1].entries()) {
      const x = imageOf(i).data;
      const mean = x.reduce((sum, value) => sum + value, 0) / plane;
      const expected: number[] = [];
      const gradients = await Promise.all(
        [1, 0.5].map((t) =>
          plainly(
            model,
            float32(
              [1, 1, 16, 16],
              x.map((value) => mean + t * (value - mean)),
            ),
            label,
          ),
        ),
      );
      const scaled = (values: number[]) => {
        const size = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
        expected.push(...values.map((value) => value / size));
      };
      scaled(gradients.flatMap((g) => Array.from(g, (value, j) => value * (x[j] - mean))));
      scaled(gradients.flatMap((g) => Array.from(g)));
      expect(apart(data.subarray(4 * i * plane, 4 * (i + 1) * plane), expected)).toBeLessThan(1e-4);
    }
  });
});

describe('what an adapter is told', () => {
  /** The toy behind a rounding of its images, through which nothing flows back. */
  function rounded(): OnnxModel {
    const toy = toyNetwork(1);
    const builder = new GraphBuilder({ ...toy.graph, nodes: [], outputs: [] });
    const whole = builder.op('Round', ['image']);
    for (const node of toy.graph.nodes)
      builder.append({ ...node, inputs: node.inputs.map((name) => (name === 'image' ? whole : name)) });
    return { ...toy, graph: { ...builder.build(), outputs: toy.graph.outputs } };
  }

  it('is nothing where no gradient is asked for or none can be made, and why', async () => {
    const { model, classifier } = await read(toyNetwork(1));
    const toldWith = (settings: Parameters<typeof laxSettings>[0], of = { model, classifier }) =>
      gradientToTell(of.model.executor, of.classifier, laxSettings(settings), images);
    expect(await toldWith({ gradients: [] })).toEqual({ points: [] });
    expect(await toldWith({ reads: 'input' })).toEqual({ points: [] });
    expect((await toldWith({})).points).toEqual([1]);
    const flat = await read(rounded());
    const told = await toldWith({}, flat);
    expect(told.points).toEqual([]);
    expect(told.missing).toContain('nothing flows back');
    await expect(toldWith({ gradients: [1] }, flat)).rejects.toThrow('nothing flows back');
    expect(() => laxSettings({ reads: 'input', gradients: [1] })).toThrow('reads the input alone');
  });
});
