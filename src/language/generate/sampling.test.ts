import { describe, expect, it } from 'vitest';
import { createSampler, type SamplingOptions, samplingOf } from './sampling.ts';

const sampler = (options: SamplingOptions = {}) => createSampler(samplingOf(options));
const logits = Float32Array.of(...[0.5, 0.25, 0.15, 0.1].map(Math.log));

/** How often each token is drawn of 20,000. */
function shares(options: SamplingOptions): number[] {
  const drawn = sampler({ temperature: 1, ...options });
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 20_000; i++) counts[drawn.choose(logits, [])]++;
  return counts.map((count) => count / 20_000);
}

// Four standard errors of a share at 20,000 draws: 4 √(.25 / 20000) = .014.
const near = (expected: readonly number[], found: readonly number[]) =>
  expected.forEach((share, i) => expect(Math.abs(found[i] - share)).toBeLessThan(0.0142));

describe('sampling', () => {
  it('takes the most probable token by default, the first of several', () => {
    expect(sampler().choose(logits, [])).toBe(0);
    expect(sampler().choose(Float32Array.of(1, 3, 3), [])).toBe(1);
  });

  it('draws as softmax says, and the same for one seed', () => {
    near([0.5, 0.25, 0.15, 0.1], shares({}));
    const [a, b] = [sampler({ temperature: 1, seed: 4 }), sampler({ temperature: 1, seed: 4 })];
    const draws = Array.from({ length: 50 }, () => [a.choose(logits, []), b.choose(logits, [])]);
    expect(draws.every(([x, y]) => x === y)).toBe(true);
    expect(new Set(draws.map(([x]) => x)).size).toBeGreaterThan(2);
  });

  it('sharpens with a temperature: squared probabilities at ½', () => {
    const squares = [0.25, 0.0625, 0.0225, 0.01];
    near(
      squares.map((square) => square / 0.345),
      shares({ temperature: 0.5 }),
    );
  });

  it('restricts to k tokens, to a share of the probability, to a share of the first', () => {
    near([2 / 3, 1 / 3, 0, 0], shares({ topK: 2 }));
    // .5 and .25 hold .75; .7 needs both, .5 the first alone.
    near([2 / 3, 1 / 3, 0, 0], shares({ topP: 0.7 }));
    expect(shares({ topP: 0.5 })).toEqual([1, 0, 0, 0]);
    // .15 is three tenths of .5, .1 two tenths.
    near([5 / 9, 2.5 / 9, 1.5 / 9, 0], shares({ minP: 0.25 }));
  });

  it('makes tokens of the text less probable, whatever the sign of their logits', () => {
    const penalty = sampler({ repetitionPenalty: 2 });
    expect(penalty.choose(Float32Array.of(3, 2), [0])).toBe(1);
    expect(penalty.choose(Float32Array.of(-1, -1.5), [0])).toBe(1);
    expect(penalty.choose(Float32Array.of(3, 1), [0])).toBe(0);
  });

  it.each([
    [{ temperature: -1 }, /temperature/],
    [{ topP: 0 }, /topP/],
    [{ topK: 1.5 }, /topK/],
    [{ minP: 2 }, /minP/],
    [{ repetitionPenalty: 0 }, /repetitionPenalty/],
  ])('refuses %o', (options, message) => {
    expect(() => samplingOf(options)).toThrow(message);
  });
});
