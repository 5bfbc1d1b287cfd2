import { mapped } from '../tensor/filled.ts';
import { permutation, type Random } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ImageLayout } from './feature-maps.ts';
import type { ReferenceKind } from './settings.ts';

/** Mean, standard deviation, smallest and largest value of each channel over some images. */
export interface PixelStatistics {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

const channelOf = ({ channelAxis, channels, height, width }: ImageLayout) =>
  channelAxis === 1 ? (i: number) => Math.floor(i / (height * width)) % channels : (i: number) => i % channels;

export function pixelStatistics(images: Tensor<'float32'>, layout: ImageLayout): PixelStatistics {
  const { channels } = layout;
  const channel = channelOf(layout);
  const count = images.data.length / channels;
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  const low = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
  const high = new Float64Array(channels).fill(Number.NEGATIVE_INFINITY);
  images.data.forEach((value, i) => {
    const c = channel(i);
    sums[c] += value;
    low[c] = Math.min(low[c], value);
    high[c] = Math.max(high[c], value);
  });
  const mean = Array.from(sums, (sum) => sum / count);
  images.data.forEach((value, i) => {
    squares[channel(i)] += (value - mean[channel(i)]) ** 2;
  });
  // A channel that never changes has no deviation; 1 keeps the division by it meaningful.
  const deviation = Array.from(squares, (sum) => Math.sqrt(sum / count) || 1);
  return { mean, deviation, low: Array.from(low), high: Array.from(high) };
}

type Fill = (into: Float32Array, image: Float32Array, drawing: Drawing) => void;

interface Drawing {
  /** Another image of the data. */
  readonly other: Float32Array;
  readonly layout: ImageLayout;
  readonly statistics: PixelStatistics;
  readonly source: Random;
}

const references: { readonly [K in ReferenceKind]: Fill } = {
  /** Each channel at its own mean over the image. */
  mean(into, image, { layout }) {
    const channel = channelOf(layout);
    const sums = new Float64Array(layout.channels);
    image.forEach((value, i) => {
      sums[channel(i)] += value;
    });
    const perChannel = into.length / layout.channels;
    for (let i = 0; i < into.length; i++) into[i] = sums[channel(i)] / perChannel;
  },
  /** Independent normal pixels with the mean and deviation of the data. */
  noise(into, _, { layout, statistics: { mean, deviation }, source }) {
    const channel = channelOf(layout);
    for (let i = 0; i < into.length; i++) into[i] = mean[channel(i)] + deviation[channel(i)] * source.normal();
  },
  /** One colour, uniform between the extremes of the data. */
  colour(into, _, { layout, statistics: { low, high }, source }) {
    const colour = mapped(Float64Array, low, (from, c) => from + (high[c] - from) * source.uniform());
    const channel = channelOf(layout);
    for (let i = 0; i < into.length; i++) into[i] = colour[channel(i)];
  },
  /** Another image as it is: all that the data has, and perhaps the class itself. */
  image(into, _, { other }) {
    into.set(other);
  },
  /** Another image cut into 4 × 4 tiles in another order: texture and edges of the data, but no objects. */
  tiles(into, _, { layout: { channelAxis, channels, height, width }, other, source }) {
    const across = 4;
    const order = permutation(across * across, source);
    const [tall, wide] = [Math.ceil(height / across), Math.ceil(width / across)];
    const [overPixels, overChannels] = channelAxis === 1 ? [1, height * width] : [channels, 1];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = order[Math.floor(y / tall) * across + Math.floor(x / wide)];
        // The last tiles may be narrower: what they lack is their last row or column again.
        const row = Math.min(height - 1, Math.floor(from / across) * tall + (y % tall));
        const column = Math.min(width - 1, (from % across) * wide + (x % wide));
        for (let c = 0; c < channels; c++)
          into[(y * width + x) * overPixels + c * overChannels] =
            other[(row * width + column) * overPixels + c * overChannels];
      }
    }
  },
};

/** An image of "absent", of one of the kinds at random. */
export function drawReference(
  kinds: readonly ReferenceKind[],
  into: Float32Array,
  image: Float32Array,
  drawing: Drawing,
): void {
  references[kinds[drawing.source.integer(kinds.length)]](into, image, drawing);
}
