import { describe, expect, it } from 'vitest';
import { renderSignal } from './signal.ts';

/** Shares of a signal of one channel. */
function rendered(shares: readonly number[], values: readonly number[], rate?: number): string {
  const features = {
    kind: 'sequence' as const,
    positionName: 'step',
    rate,
    shares: shares.map((share, i) => ({ name: `step ${i}`, share })),
    notes: [],
  };
  return renderSignal(features, [{ values }]).html;
}

describe('a signal', () => {
  it('tells its strongest position and the end of its colours by two digits', () => {
    const page = rendered([0.1, -0.2345, 0.1], [0, 1, 2]);
    expect(page).toContain('strongest around step 1 (−0.23)');
    expect(page).toContain('the end colour is +0.23 a position');
    expect(page).toContain('<span>step 0</span><span>2</span>');
    // From the bottom (95) to the top (5) of its own range.
    expect(page).toContain('points="0.5,95.0 1.5,50.0 2.5,5.0"');
  });

  it('adds up positions that share a strip: 800 positions in 400 strips, .5 + .25 at 2 and 3', () => {
    const shares = new Array<number>(800).fill(0);
    shares[2] = 0.5;
    shares[3] = 0.25;
    const page = rendered(shares, new Array<number>(800).fill(1), 100);
    expect(page).toContain('the end colour is +0.75 a strip of 0.02 s');
    // The middle of the strip: position 3, at 100 a second.
    expect(page).toContain('strongest around 0.03 s (+0.75)');
    expect(page.match(/<rect/g)).toHaveLength(400);
  });
});
