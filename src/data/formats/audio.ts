import { WhereforeError } from '../../errors.ts';

/** Recorded sound: the samples of each channel, −1 to 1 for whole numbers. */
export interface Audio {
  readonly channels: readonly Float32Array[];
  /** Samples a second. */
  readonly rate: number;
  /** How the file holds a sample: `16-bit`, `32-bit float`. */
  readonly format: string;
}

/** Samples of all channels together that are held: 46 minutes at 48 kHz. */
export const mostSamples = 2 ** 27;

/** @throws WhereforeError `invalid-data` for more samples than are held. */
export function checkSamples(count: number, where: string): void {
  if (count <= mostSamples) return;
  throw new WhereforeError('invalid-data', 'the recording is too long', {
    where,
    got: `${count.toLocaleString('en')} samples`,
    expected: `at most ${mostSamples.toLocaleString('en')}`,
    fix: 'cut the part out that is to be explained',
  });
}

/** Samples a second that are believed: FLAC can state no more, and filters for more would fill memory. */
const mostRate = 2 ** 20;

/**
 * Checks that a recording of `count` samples can be given another rate.
 * @throws WhereforeError `invalid-data` for rates that no recording has, and for more samples than are held
 */
export function checkRates(count: number, from: number, to: number, where: string): void {
  const rate = Math.max(from, to);
  if (rate > mostRate) {
    throw new WhereforeError('invalid-data', 'no recording has such a rate', {
      where,
      got: `${rate.toLocaleString('en')} samples a second`,
      expected: `at most ${mostRate.toLocaleString('en')}`,
      fix: rate === from ? 'the file is damaged: save it again' : 'fix the rate that the model is said to take',
    });
  }
  checkSamples(Math.ceil((count * to) / from), where);
}

/** The error of a file that is no recording, or a damaged one. */
export function refuseAudio(kind: string, what: string, where: string, got?: string): WhereforeError {
  return new WhereforeError('invalid-data', `not a whole ${kind} file: ${what}`, {
    where,
    got,
    fix: 'play it to see whether it is damaged, or save it again as 16-bit WAV',
  });
}

/** The mean of the channels. */
export function mixed({ channels }: Audio): Float32Array {
  if (channels.length === 1) return channels[0];
  return channels[0].map((_, i) => channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length);
}
