import { random } from '../../tensor/random.ts';
import type { Level } from './scale-space.ts';

/** 32-bit words of a signature. */
export const signatureWords = 4;

const cells = 4;
const orientations = 4;
const width = cells * cells * orientations;
/** Samples along each side of the described square, and its half, in σ. */
const samples = 16;
const halfSide = 6.5;

/** Directions that a description is projected to; each sums to 0, so that what all descriptions share falls out. */
const directions = drawDirections();

function drawDirections(): Float32Array {
  const source = random(20250401);
  const drawn = new Float32Array(32 * signatureWords * width);
  for (let bit = 0; bit < 32 * signatureWords; bit++) {
    const row = drawn.subarray(bit * width, (bit + 1) * width);
    let sum = 0;
    for (let j = 0; j < width; j++) sum += row[j] = source.normal();
    for (let j = 0; j < width; j++) row[j] -= sum / width;
  }
  return drawn;
}

/**
 * 128 bits of a description, as signs of random projections. The share of bits in which two differ is about their angle
 * over π. Nothing is fitted to data, so an index can grow without being made anew. Source: Charikar 2002 (STOC).
 */
export function signatureOf(description: Float32Array): Uint32Array {
  const bits = new Uint32Array(signatureWords);
  for (let bit = 0; bit < 32 * signatureWords; bit++) {
    let sum = 0;
    for (let j = 0, at = bit * width; j < width; j++, at++) sum += description[j] * directions[at];
    if (sum > 0) bits[bit >> 5] |= 1 << (bit & 31);
  }
  return bits;
}

/**
 * What lies around a point: a histogram of 4 directions (contrast either way, all planes together) in 4 × 4 cells,
 * weighted towards the centre, of length 1 and cut at 0.25. Source: Lowe 2004 (IJCV 60:91).
 */
export function describePoint({ height, width: columns, sigma, data }: Level, x: number, y: number): Float32Array {
  const size = height * columns;
  const to = new Float32Array(width);
  const stride = (2 * halfSide * sigma) / samples;
  for (let sy = 0; sy < samples; sy++) {
    const v = sy + 0.5 - samples / 2;
    const py = Math.round(y + v * stride);
    if (py < 1 || py >= height - 1) continue;
    for (let sx = 0; sx < samples; sx++) {
      const u = sx + 0.5 - samples / 2;
      const px = Math.round(x + u * stride);
      if (px < 1 || px >= columns - 1) continue;
      let [xx, yy, xy] = [0, 0, 0];
      for (let plane = 0; plane < 3; plane++) {
        const i = plane * size + py * columns + px;
        const [dx, dy] = [data[i + 1] - data[i - 1], data[i + columns] - data[i - columns]];
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
      }
      const spread = Math.sqrt((xx - yy) * (xx - yy) + 4 * xy * xy);
      const strength = Math.sqrt((xx + yy + spread) / 2) * Math.exp(-(u * u + v * v) / (2 * (samples / 2) ** 2));
      if (strength < 1e-4) continue;
      spreadOver(to, (sy + 0.5) / cells - 0.5, (sx + 0.5) / cells - 0.5, Math.atan2(2 * xy, xx - yy), strength);
    }
  }
  return normalized(to);
}

/** Adds a gradient to the two nearest cells each way and the two nearest directions. */
function spreadOver(to: Float32Array, cy: number, cx: number, doubled: number, strength: number): void {
  const place = (0.5 + doubled / (2 * Math.PI)) * orientations;
  const [y0, x0, o0] = [Math.floor(cy), Math.floor(cx), Math.floor(place)];
  const [fy, fx, fo] = [cy - y0, cx - x0, place - o0];
  for (let j = 0; j < 2; j++) {
    const row = y0 + j;
    if (row < 0 || row >= cells) continue;
    for (let i = 0; i < 2; i++) {
      const column = x0 + i;
      if (column < 0 || column >= cells) continue;
      const share = strength * (j ? fy : 1 - fy) * (i ? fx : 1 - fx);
      const at = (row * cells + column) * orientations;
      to[at + (o0 % orientations)] += share * (1 - fo);
      to[at + ((o0 + 1) % orientations)] += share * fo;
    }
  }
}

function normalized(values: Float32Array): Float32Array {
  for (let pass = 0; pass < 2; pass++) {
    let squares = 0;
    for (const value of values) squares += value * value;
    const length = Math.sqrt(squares) || 1;
    for (let j = 0; j < values.length; j++) {
      values[j] /= length;
      if (pass === 0 && values[j] > 0.25) values[j] = 0.25;
    }
  }
  return values;
}

/** The description of the same point of the image from right to left: cells change sides, directions their sense. */
export function mirroredDescription(description: Float32Array): Float32Array {
  const turned = new Float32Array(width);
  for (let row = 0; row < cells; row++)
    for (let column = 0; column < cells; column++)
      for (let o = 0; o < orientations; o++)
        turned[(row * cells + cells - 1 - column) * orientations + ((orientations - o) % orientations)] =
          description[(row * cells + column) * orientations + o];
  return turned;
}
