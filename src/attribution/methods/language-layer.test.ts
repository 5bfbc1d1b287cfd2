import { expect, it } from 'vitest';
import { sharedData } from '../../../test/shared-data.ts';
import { loadModel } from '../../data/model/load-model.ts';
import { int64 } from '../../tensor/tensor.ts';
import { type AttributionRequest, attribute } from '../attribute.ts';

const file = sharedData('stories260k/stories260k.onnx');

it.skipIf(!file)(
  'the outputs of a language model are a layer like others: of one position, the rest gets nothing',
  async () => {
    const model = await loadModel(file as string, { threads: 1 });
    try {
      const ids = int64([1, 4], [1, 403, 407, 261]);
      const inputs = new Map([
        ['input_ids', ids],
        ['attention_mask', int64([1, 4], [1, 1, 1, 1])],
      ]);
      const request: AttributionRequest = {
        inputs,
        target: { kind: 'tokenLogProbability', position: 3, id: 378 },
        baseline: { kind: 'tokens', id: 0 },
        layer: { names: ['logits'] },
        method: 'integrated-gradients',
      };
      const result = await attribute(model, request);
      expect(result.isCut).toBe(true);
      expect(result.relativeError).toBeLessThan(0.01);
      const [values] = result.values.values();
      expect(values.shape).toEqual([1, 4, 512]);
      // The target is the score of the last position.
      expect(values.data.subarray(0, 3 * 512).every((value) => value === 0)).toBe(true);
      expect(values.data.subarray(3 * 512).some((value) => value !== 0)).toBe(true);
      // The same T as at a layer before, where one position alone is computed.
      const before = await attribute(model, { ...request, layer: { names: ['mul_1461'] } });
      expect(before.isCut).toBe(true);
      expect(before.attributionTarget).toBeCloseTo(result.attributionTarget as number, 4);
    } finally {
      await model.close();
    }
  },
);
