import { describe, expect, it } from 'vitest';
import { float32, int64, tensor } from '../tensor/tensor.ts';
import { type Baseline, describeBaseline, resolveBaseline, resolveBaselines } from './baseline.ts';

const input = float32([1, 2, 1, 3], [1, 2, 3, 10, 20, 60]);
const layout = { channelAxis: 1, spatialAxes: [2, 3] };
const at = (baseline: Baseline) => [...(resolveBaseline(input, baseline, layout).data as Float32Array)];

describe('baselines', () => {
  it('zero, constant and given', () => {
    expect(at({ kind: 'zero' })).toEqual([0, 0, 0, 0, 0, 0]);
    expect(at({ kind: 'constant', value: 0.5 })).toEqual([0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
    expect(at({ kind: 'input', tensor: float32([1, 2, 1, 3], [6, 5, 4, 3, 2, 1]), description: 'reversed' })).toEqual([
      6, 5, 4, 3, 2, 1,
    ]);
  });

  it('the mean is taken channel by channel: (1+2+3)/3 and (10+20+60)/3', () => {
    expect(at({ kind: 'mean' })).toEqual([2, 2, 2, 30, 30, 30]);
    expect([...(resolveBaseline(float32([4], [1, 2, 3, 6]), { kind: 'mean' }).data as Float32Array)]).toEqual([
      3, 3, 3, 3,
    ]);
  });

  it('a blur keeps a constant, mixes neighbours only along space, and renormalises at the border', () => {
    const blurred = at({ kind: 'blur', sigma: 1 });
    // Weights 1, e^-1/2, e^-2 (normalised over the pixels that exist) for the first pixel of 1, 2, 3.
    const [w0, w1, w2] = [1, Math.exp(-0.5), Math.exp(-2)];
    expect(blurred[0]).toBeCloseTo((w0 * 1 + w1 * 2 + w2 * 3) / (w0 + w1 + w2), 6);
    expect(blurred[1]).toBeCloseTo(2, 6);
    expect(blurred[3]).toBeCloseTo((w0 * 10 + w1 * 20 + w2 * 60) / (w0 + w1 + w2), 5);
    const flat = resolveBaseline(
      float32([1, 1, 5, 5], new Float32Array(25).fill(7)),
      { kind: 'blur', sigma: 3 },
      layout,
    );
    for (const value of flat.data as Float32Array) expect(value).toBeCloseTo(7, 5);
  });

  it('noise has the mean and deviation of the input and depends on its seed alone', () => {
    const large = float32(
      [10_000],
      Float32Array.from({ length: 10_000 }, (_, i) => 5 + 2 * Math.sign(i % 2 ? 1 : -1)),
    );
    const noise = (seed: number) => resolveBaseline(large, { kind: 'noise', seed }).data as Float32Array;
    const mean = noise(1).reduce((sum, value) => sum + value, 0) / 10_000;
    const deviation = Math.sqrt(noise(1).reduce((sum, value) => sum + (value - mean) ** 2, 0) / 10_000);
    // Four standard errors: 2/√10000·4 and 2/√20000·4.
    expect(Math.abs(mean - 5)).toBeLessThan(0.08);
    expect(Math.abs(deviation - 2)).toBeLessThan(0.06);
    expect(noise(1)).toEqual(noise(1));
    expect(noise(1)).not.toEqual(noise(2));
  });

  it('tokens replace every id', () => {
    const ids = int64([1, 3], [5, 6, 7]);
    expect([...(resolveBaseline(ids, { kind: 'tokens', id: 9 }).data as BigInt64Array)]).toEqual([9n, 9n, 9n]);
  });

  it('an input of whole numbers keeps its type, rounded to the nearest', () => {
    const bytes = tensor('uint8', [1, 3], Uint8Array.of(1, 2, 5));
    expect(resolveBaseline(bytes, { kind: 'zero' })).toEqual(tensor('uint8', [1, 3]));
    // (1 + 2 + 5)/3 = 2.67
    expect(resolveBaseline(bytes, { kind: 'mean' }).data).toEqual(Uint8Array.of(3, 3, 3));
    expect(resolveBaseline(int64([1], [5]), { kind: 'constant', value: -2 })).toEqual(int64([1], [-2]));
  });

  it('numbers of another type are taken for an input of floats', () => {
    const given = {
      kind: 'input',
      tensor: tensor('float64', [1, 2], Float64Array.of(0.5, 2)),
      description: '',
    } as const;
    expect(resolveBaseline(float32([1, 2], [0, 0]), given)).toEqual(float32([1, 2], [0.5, 2]));
    expect(() => resolveBaseline(int64([1, 2], [0, 0]), given)).toThrow(/got float64 1×2, expected int64 1×2/);
  });

  it('whole numbers of another type are taken for an input of whole numbers', () => {
    const whole = { kind: 'input', tensor: float32([1, 2], [3, 2]), description: '' } as const;
    expect(resolveBaseline(int64([1, 2], [0, 0]), whole)).toEqual(int64([1, 2], [3, 2]));
  });

  it('says what does not fit', () => {
    expect(() => resolveBaseline(tensor('string', [1], ['a']), { kind: 'zero' })).toThrow(/needs an input of numbers/);
    const bytes = tensor('uint8', [1, 2], Uint8Array.of(1, 2));
    expect(() => resolveBaseline(bytes, { kind: 'constant', value: 256 })).toThrow(/got 256, expected 0 to 255/);
    expect(() => resolveBaseline(input, { kind: 'tokens', id: 0 })).toThrow(/token ids/);
    for (const id of [-1, 1.5, Number.NaN]) {
      expect(() => resolveBaseline(int64([1], [5]), { kind: 'tokens', id })).toThrow(/a whole number from 0 up/);
    }
    for (const value of [Number.NaN, 1e39]) {
      expect(() => resolveBaseline(input, { kind: 'constant', value })).toThrow(/not a finite number.*element 0/);
    }
    const tensors = new Map([['x', float32([2, 2, 1, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, Number.NaN, 1, 2])]]);
    expect(() =>
      resolveBaselines(new Map([['x', input]]), ['x'], { kind: 'sample', tensors, description: '' }),
    ).toThrow(/row 1: .*NaN at element 3/);
    const resolve =
      (baseline: unknown, explained = ['x']) =>
      () =>
        resolveBaselines(new Map([['x', input]]), explained, baseline as Baseline);
    expect(resolve('black')).toThrow(/no such kind of baseline \(got "black", expected zero, mean, constant/);
    expect(resolve({ kind: 'black' })).toThrow(/no such kind of baseline/);
    expect(resolve({ kind: 'sample', tensors: new Map(), description: '' }, [])).toThrow(/expected "x"/);
    expect(resolve({ kind: 'zero' }, ['y'])).toThrow(/does not have \(got "y", expected "x"\)/);
    expect(() => resolveBaseline(input, { kind: 'blur', sigma: 1 }, { spatialAxes: [4, 5] })).toThrow(/axes of space/);
    expect(() => resolveBaseline(float32([3], [1, 2, 3]), { kind: 'blur', sigma: 1 })).toThrow(/axes of space/);
    expect(() => resolveBaseline(input, { kind: 'blur', sigma: 0 }, layout)).toThrow(/positive/);
    expect(() => resolveBaseline(input, { kind: 'input', tensor: float32([2], [1, 2]), description: '' })).toThrow(
      /does not fit/,
    );
  });

  it('every kind has words', () => {
    expect(describeBaseline({ kind: 'blur', sigma: 4 })).toBe('input blurred with sigma 4');
    expect(describeBaseline({ kind: 'input', tensor: input, description: 'black image' })).toBe('black image');
  });
});
