import { describe, expect, it } from 'vitest';
import { listNearest, nearest, unknownName } from './nearest.ts';

describe('a name that is not known', () => {
  it('comes with what was meant first, then with the others', () => {
    const error = unknownName('there is no method', 'grad-cm', ['gradient', 'grad-cam', 'lime']);
    expect(error.message).toBe(
      'there is no method "grad-cm": did you mean "grad-cam"? (expected "grad-cam", "gradient", "lime"). Fix: write grad-cam.',
    );
    expect(error.code).toBe('unknown-name');
    expect(error.details.guess).toBe('grad-cam');
  });

  it('is not guessed where nothing is near', () => {
    expect(unknownName('there is no class', 'zebra', ['cat', 'dog']).message).toBe(
      'there is no class "zebra" (expected "cat", "dog")',
    );
  });

  it('is compared by its length before its letters', () => {
    expect(nearest('gradient'.repeat(100_000), ['gradient', 'occlusion'])).toBeUndefined();
    // One of three letters may be missing, two not.
    expect(nearest('cat', ['at'])).toBe('at');
    expect(nearest('cat', ['a'])).toBeUndefined();
  });

  it('lists twelve at most, those that hold the text first', () => {
    const known = Array.from({ length: 77 }, (_, i) => `intent ${i}`);
    known[70] = 'card lost or stolen';
    expect(listNearest('lost', known)).toMatch(/^"card lost or stolen", .*, … \(77 in all\)$/);
    expect(listNearest('lost', known).match(/"/g)).toHaveLength(24);
  });
});
