import { afterAll, describe, expect, it } from 'vitest';
import { handModel } from '../../test/attribution-models.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, int64, type Tensor } from '../tensor/tensor.ts';
import { type AttributionRequest, attribute } from './attribute.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

// One image of two features against K texts of two tokens: logits[i, k] = Σ_d image_d · Σ_l E[token_kl, d].
const embeddings = [1, 0, 2, 1, 0, 3, -1, 2];
function imageAndTexts() {
  const builder = new GraphBuilder();
  builder.input('image', 'float32', ['images', 2]);
  builder.input('ids', 'int64', ['texts', 'tokens']);
  builder.op('Gather', [builder.constant(float32([4, 2], embeddings)), 'ids'], {}, { outputs: ['tokens'] });
  const texts = builder.op('ReduceSum', ['tokens', builder.ints([1])], { keepdims: 0 });
  const turned = builder.op('Transpose', [texts], { perm: [1, 0] });
  builder.op('MatMul', ['image', turned], {}, { outputs: ['logits_per_image'] });
  builder.output('logits_per_image', 'float32', ['images', 'texts']);
  return handModel(runtime, builder.build());
}

const inputs = new Map<string, Tensor>([
  ['image', float32([1, 2], [2, -1])],
  ['ids', int64([3, 2], [1, 2, 0, 3, 2, 2])],
]);
const ask = (more: Partial<AttributionRequest>) =>
  attribute(imageAndTexts(), { inputs, target: { kind: 'classLogit', class: 1 }, method: 'exact-shapley', ...more });

describe('one image against several texts', () => {
  // Text 1 holds tokens 0 and 3: (1, 0) + (−1, 2) = (0, 2). Image (2, −1) against 0: 2·0, −1·2.
  it.each(['exact-shapley', 'integrated-gradients', 'gradient-x-input', 'occlusion'])(
    'the image for one text: %s',
    async (method) => {
      const { values, value } = await ask({ baseline: { kind: 'zero' }, method });
      expect(value).toBeCloseTo(-2, 5);
      const { data } = values.get('image') as Tensor<'float32'>;
      for (const [i, share] of [0, -2].entries()) expect(data[i]).toBeCloseTo(share, 5);
    },
  );

  it('several images in one run, each against all texts', async () => {
    // The probability reads all texts of its own image: with texts repeated for each point it would be another number.
    const target = { kind: 'classProbability', class: 1 } as const;
    const sample = float32([3, 2], [0, 0, 1, 1, 3, -2]);
    const baseline = { kind: 'sample', tensors: new Map([['image', sample]]), description: 'three' } as const;
    const { baselineValue, relativeError } = await ask({ baseline, target });
    // Text sums (2, 4), (0, 2), (0, 6).
    const probability = (a: number, b: number) => {
      const scores = [2 * a + 4 * b, 2 * b, 6 * b].map(Math.exp);
      return scores[1] / (scores[0] + scores[1] + scores[2]);
    };
    expect(baselineValue).toBeCloseTo((1 / 3 + probability(1, 1) + probability(3, -2)) / 3, 5);
    expect(relativeError).toBeLessThan(1e-4);
  });

  // Against token 1, (2, 1), which the image gives 3: token 0 gives 2, token 3 gives −4; other texts do nothing.
  it('the tokens of one text', async () => {
    const { values } = await ask({ baseline: { kind: 'tokens', id: 1 } });
    const { shape, data } = values.get('ids') as Tensor<'float32'>;
    expect(shape).toEqual([3, 2]);
    for (const [i, share] of [0, 0, -1, -7, 0, 0].entries()) expect(data[i]).toBeCloseTo(share, 5);
  });

  it('the embeddings of the tokens, by gradients', async () => {
    const layer = { names: ['tokens'] };
    const { values, sum } = await ask({ baseline: { kind: 'tokens', id: 1 }, layer, method: 'integrated-gradients' });
    const { shape, data } = values.get('tokens') as Tensor<'float32'>;
    expect(shape).toEqual([3, 2, 2]);
    // Token 0 − token 1 = (−1, −1): 2·−1, −1·−1; token 3 − token 1 = (−3, 1): 2·−3, −1·1.
    for (const [i, share] of [0, 0, 0, 0, -2, 1, -6, -1, 0, 0, 0, 0].entries()) expect(data[i]).toBeCloseTo(share, 4);
    expect(sum).toBeCloseTo(-8, 4);
  });
});
