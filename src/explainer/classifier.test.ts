import { afterAll, describe, expect, it } from 'vitest';
import { toyImages, toyNetwork } from '../../test/toy-images.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { createModel } from '../runtime/model.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import { readClassifier } from './classifier.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const { images } = toyImages(4, 5);

/** The toy with other nodes behind its logits. */
function behind(append: (builder: GraphBuilder) => string, batch: number | string = 'N'): OnnxModel {
  const toy = toyNetwork(1);
  const builder = new GraphBuilder({ ...toy.graph, outputs: [] }, { prefix: 'behind/' });
  builder.output(append(builder), 'float32', undefined);
  const graph = builder.build();
  const inputs = graph.inputs.map((input) => ({ ...input, shape: [batch, ...(input.shape ?? []).slice(1)] }));
  return { ...toy, graph: { ...graph, inputs } };
}

const read = (onnx: OnnxModel, example: Tensor<'float32'> = images) =>
  readClassifier(createModel(onnx, runtime, { name: 'toy', hash: '' }), new Map([['image', example]]));

describe('readClassifier', () => {
  it('finds the scores before a softmax, through reshapes', async () => {
    const plain = await read(toyNetwork(1));
    expect(plain).toMatchObject({ input: 'image', scores: 'logits', output: 'logits', classes: 4 });
    expect(plain.layout).toEqual({ channelAxis: 1, channels: 1, height: 16, width: 16 });
    const softmax = behind((builder) => {
      const probabilities = builder.op('Softmax', ['logits'], { axis: -1 });
      return builder.op('Reshape', [probabilities, builder.ints([0, 4, 1, 1])]);
    });
    expect(await read(softmax)).toMatchObject({ scores: 'logits', classes: 4 });
  });

  it('lists what lies over the image: convolutions, activations and pooling, not the mean over space', async () => {
    const { features } = await read(toyNetwork(1));
    expect(features.map(({ name, height }) => [name, height])).toEqual([
      ['conv1', 16],
      ['relu1', 16],
      ['conv2', 16],
      ['relu2', 16],
      ['pool2', 8],
      ['conv3', 8],
      ['relu3', 8],
    ]);
  });

  it('takes batches of a model that was exported for one image', async () => {
    const flattened = behind((builder) => builder.op('Reshape', ['logits', builder.ints([1, 4])]), 1);
    const one = createModel(flattened, runtime, { name: 'toy', hash: '' });
    const { onnx, scores } = await readClassifier(one, new Map([['image', images]]));
    const alone = createModel(onnx, runtime, { name: 'toy', hash: '' });
    const results = await alone.executor.run(alone.graph, new Map([['image', images]]), [scores]);
    expect(results.get(scores)?.shape).toEqual([4, 4]);
  });

  it('refuses what is no classifier of images, saying why', async () => {
    const sigmoid = behind((builder) => builder.op('Sigmoid', ['logits']));
    await expect(read(sigmoid)).rejects.toThrow('each class a probability of its own');
    const single = behind((builder) => builder.op('ReduceMax', ['logits', builder.ints([1])]));
    await expect(read(single)).rejects.toThrow('no list of classes');
    await expect(read(toyNetwork(1), float32([1, 256], images.data.slice(0, 256)))).rejects.toThrow('no image');
  });

  it('refuses a model in which images of a batch affect each other', async () => {
    const mixed = behind((builder) => {
      const mean = builder.op('ReduceMean', ['logits', builder.ints([0])]);
      return builder.op('Add', ['logits', mean]);
    });
    await expect(read(mixed)).rejects.toThrow('affect each other');
  });
});
