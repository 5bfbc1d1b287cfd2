import { describe, expect, it } from 'vitest';
import { secondsLeft } from './forecast.ts';

describe('seconds left', () => {
  // 24 inputs with 10 explanations each, forecast at 120 s to 360 s: 1 s an explanation, 10 s an input.
  const forecast = { seconds: { least: 120, most: 360 } };
  const left = (done: number, computed: number, seconds: number) =>
    secondsLeft(forecast, 24, { total: 240, done, computed, seconds });

  it('are the forecast before anything is computed, also of what a resumed run still has to do', () => {
    expect(left(0, 0, 0)).toBe(240);
    expect(left(80, 0, 0)).toBe(160);
  });

  it('hardly follow one slow explanation after a resume', () => {
    // 20 s for opening sessions and all that the maps of an input share: (10 + 20) / (10 + 1) s an explanation.
    expect(left(81, 1, 20)).toBeCloseTo((30 / 11) * 159, 9);
    // Not the 53 minutes that 20 s an explanation make.
    expect(left(81, 1, 20)).toBeLessThan(0.15 * 20 * 159);
  });

  it('follow what was measured once there is much of it, and end at nothing', () => {
    expect(left(230, 150, 300)).toBeCloseTo((310 / 160) * 10, 9);
    expect(left(240, 160, 320)).toBe(0);
  });
});
