import { describe, expect, it } from 'vitest';
import { float32 } from '../tensor/tensor.ts';
import { describeMap, type MapFigure, strongestPositions } from './figures.ts';

/** A map of 6 × 6 pixels, 0 but for some. */
function figureOf(pixels: readonly (readonly [row: number, column: number, value: number])[]): MapFigure {
  const values = new Float32Array(36);
  for (const [row, column, value] of pixels) values[row * 6 + column] = value;
  const map = { values: float32([6, 6], values), outside: 0, grids: [], perPercent: 1, smoothing: 0, notes: [] };
  return { kind: 'map', frame: {} as MapFigure['frame'], map, limit: 1, sharedBy: 1, ownScale: false };
}

describe('the ninths of an image that are strongest', () => {
  it('are added up; small sums count like large ones', () => {
    // Two by two pixels a ninth: (0, 4) and (1, 5) lie at the top right, (3, 2) in the centre.
    const figure = figureOf([
      [0, 4, 0.25],
      [1, 5, 0.25],
      [3, 2, -0.125],
    ]);
    expect(strongestPositions(figure)).toEqual({
      most: { place: 'top right', sum: 0.5 },
      least: { place: 'centre', sum: -0.125 },
    });
    expect(describeMap(figure)).toBe(
      'strongest for the target in the top right (+0.50), strongest against it in the centre (−0.13)',
    );
  });

  it('are none for the side that nothing speaks on', () => {
    expect(strongestPositions(figureOf([[5, 0, 0.001]]))).toEqual({
      most: { place: 'bottom left', sum: expect.closeTo(0.001, 6) },
      least: undefined,
    });
    expect(describeMap(figureOf([]))).toBe('nothing is attributed to the image');
  });
});
