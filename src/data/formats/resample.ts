import { filled } from '../../tensor/filled.ts';

/** Zero crossings of the low-pass filter on each side, and the shape of its Kaiser window. */
const crossings = 10;
const beta = 5;

/**
 * Changes the rate of a signal by the fraction `to` / `from`, as `scipy.signal.resample_poly` does: a sinc low-pass at
 * the lower of the two Nyquist frequencies under a Kaiser window (β = 5, ten zero crossings a side); beyond its ends the
 * signal is silent. Length ⌈n · to / from⌉.
 */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  const divisor = commonDivisor(from, to);
  const up = to / divisor;
  const down = from / divisor;
  if (up === down) return samples;
  const filter = lowPass(Math.max(up, down), up);
  const half = (filter.length - 1) / 2;
  const result = new Float32Array(Math.ceil((samples.length * up) / down));
  for (let n = 0; n < result.length; n++) {
    // Sample k lies at k · up of the common grid, the result's n at n · down.
    const centre = n * down;
    const first = Math.max(0, Math.ceil((centre - half) / up));
    const last = Math.min(samples.length - 1, Math.floor((centre + half) / up));
    let sum = 0;
    for (let k = first; k <= last; k++) sum += samples[k] * filter[half + centre - k * up];
    result[n] = sum;
  }
  return result;
}

/** sin(π m / width) / (π m) under the window, with a gain of `gain` for a constant signal. */
function lowPass(width: number, gain: number): Float64Array {
  const half = crossings * width;
  const filter = filled(new Float64Array(2 * half + 1), (i) => {
    const angle = (Math.PI * (i - half)) / width;
    const sinc = angle === 0 ? 1 : Math.sin(angle) / angle;
    return sinc * bessel(beta * Math.sqrt(Math.max(0, 1 - ((i - half) / half) ** 2)));
  });
  const total = filter.reduce((sum, value) => sum + value, 0);
  return filter.map((value) => (value / total) * gain);
}

/** I₀(x) = Σ ((x/2)^k / k!)² */
function bessel(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > 1e-17 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
