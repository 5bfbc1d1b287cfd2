import { expect, it } from 'vitest';
import { makeExplained } from '../../test/explained.ts';
import { float32, int64 } from '../tensor/tensor.ts';
import { featuresOf } from './features.ts';

const shares = (explained: Parameters<typeof featuresOf>[0]) => featuresOf(explained).shares.map(({ share }) => share);

it('takes a row’s features with their names and values', () => {
  const { kind, shares } = featuresOf(
    makeExplained({ attribution: float32([1, 2], [1, -2]), names: ['age', 'pay'], texts: ['39', '7'] }),
  );
  expect(kind).toBe('set');
  expect(shares).toEqual([
    { name: 'age', text: '39', share: 1 },
    { name: 'pay', text: '7', share: -2 },
  ]);
});

it('adds the features of each token up', () => {
  const explained = makeExplained({
    input: int64([1, 3], [5, 6, 7]),
    attribution: float32([1, 3, 2], [1, 2, 3, 4, 5, 6]),
    layer: 'embedding',
    texts: ['a', 'b', 'c'],
    names: ['0', '1', '2'],
  });
  expect(featuresOf(explained).kind).toBe('sequence');
  expect(shares(explained)).toEqual([3, 7, 11]);
});

it('finds the positions of a token model without names, also behind heads', () => {
  const explained = makeExplained({
    input: int64([1, 3], [5, 6, 7]),
    attribution: float32([1, 2, 3, 1], [1, 2, 3, 10, 20, 30]),
    layer: 'heads',
  });
  expect(shares(explained)).toEqual([11, 22, 33]);
});

it('adds the channels of a signal up', () => {
  const layout = { channelAxis: 1, spatialAxes: [2] };
  expect(shares(makeExplained({ attribution: float32([1, 2, 3], [1, 2, 3, 10, 20, 30]), layout }))).toEqual([
    11, 22, 33,
  ]);
  const inner = makeExplained({
    input: float32([1, 1, 4], [1, 2, 3, 4]),
    attribution: float32([1, 2, 2], [1, 2, 10, 20]),
    layer: 'conv',
    layout,
  });
  expect(shares(inner)).toEqual([11, 22]);
  expect(featuresOf(inner).notes).toHaveLength(1);
});

it('says which axis it shows where the document does not', () => {
  const inner = makeExplained({
    input: float32([1, 5], [1, 2, 3, 4, 5]),
    attribution: float32([1, 2, 3], [1, 2, 3, 4, 5, 6]),
    layer: 'hidden',
  });
  expect(shares(inner)).toEqual([6, 15]);
  expect(featuresOf(inner).notes[0]).toContain('2 positions');
});
