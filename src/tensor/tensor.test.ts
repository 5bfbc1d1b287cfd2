import { describe, expect, it } from 'vitest';
import { fromNumbers } from './convert.ts';
import { type DataType, tensor } from './tensor.ts';

describe('a tensor', () => {
  it.each([undefined, 'float', 'toString'])('of no type of elements (%s) is refused in our words', (type) => {
    expect(() => tensor(type as DataType, [2])).toThrow(/no such type of elements \(got .*, expected float32/);
    expect(() => fromNumbers(type as never, [1], [1])).toThrow(/no such type of elements/);
  });
});
