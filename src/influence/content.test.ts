import { describe, expect, it } from 'vitest';
import { float32, int64, tensor } from '../tensor/tensor.ts';
import { contentOf, contentWidth } from './content.ts';

const rowOf = ({ columns, data }: ReturnType<typeof contentOf>, i: number) => [
  ...data.subarray(i * columns, (i + 1) * columns),
];

describe('the content of rows', () => {
  it('is all measurements side by side', () => {
    const inputs = new Map([
      ['a', float32([2, 2], [1, 2, 3, 4])],
      ['b', float32([2, 1], [5, 6])],
    ]);
    expect(contentWidth([...inputs.values()])).toBe(3);
    expect([rowOf(contentOf(inputs), 0), rowOf(contentOf(inputs), 1)]).toEqual([
      [1, 2, 5],
      [3, 4, 6],
    ]);
  });

  it('does not see padding that a mask leaves out', () => {
    const padded = new Map([
      ['input_ids', int64([1, 4], [7, 8, 0, 0])],
      ['attention_mask', int64([1, 4], [1, 1, 0, 0])],
    ]);
    const plain = new Map([
      ['input_ids', int64([1, 2], [7, 8])],
      ['attention_mask', int64([1, 2], [1, 1])],
    ]);
    expect(rowOf(contentOf(padded), 0)).toEqual(rowOf(contentOf(plain), 0));
  });

  it('of texts has length 1, and tells the order of words', () => {
    const texts = contentOf(
      new Map([['text', tensor('string', [3, 1], ['lost my card', 'Lost my card!', 'card my lost'])]]),
    );
    const [first, same, turned] = [0, 1, 2].map((i) => rowOf(texts, i));
    expect(first.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 6);
    expect(same).toEqual(first);
    expect(turned).not.toEqual(first);
  });
});
