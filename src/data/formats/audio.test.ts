import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../tensor/tensor.ts';
import { prepareAudio } from '../inputs/audio-input.ts';
import { preprocessingSchema } from '../model/preprocessing.ts';
import { mixed } from './audio.ts';
import { readFlac } from './flac.ts';
import { readNpz } from './npz.ts';
import { resample } from './resample.ts';
import { readWav } from './wav.ts';

const folder = fileURLToPath(new URL('../../../test/fixtures/audio/', import.meta.url));
const expected = readNpz(readFileSync(`${folder}expected.npz`), 'expected.npz') as ReadonlyMap<
  string,
  Tensor<'float32'>
>;
const bytesOf = (name: string) => new Uint8Array(readFileSync(`${folder}${name}`));
const read = (name: string, bytes = bytesOf(name)) => (name.endsWith('.wav') ? readWav : readFlac)(bytes, name);
const recordings = [...expected.keys()].filter((name) => /\.(wav|flac)$/.test(name));

describe('samples are those that libsndfile reads', () => {
  it.each(recordings)('%s', (name) => {
    const { channels, rate } = read(name);
    expect(rate).toBe(8000);
    const { shape, data } = expected.get(name) as Tensor<'float32'>;
    expect([channels.length, channels[0].length]).toEqual(shape);
    // Whole numbers over a power of two are exact; 64-bit samples and 32 bits round to float32 in the same way.
    for (const [c, channel] of channels.entries())
      expect(channel).toEqual(data.slice(c * channel.length, (c + 1) * channel.length));
  });

  it('mixes channels to their mean', () => {
    expect([...mixed({ channels: [Float32Array.of(1, 0), Float32Array.of(0, -1)], rate: 1, format: '' })]).toEqual([
      0.5, -0.5,
    ]);
  });
});

describe('damaged recordings', () => {
  it.each(recordings.filter((name) => name !== 'mixed.flac'))('%s: cut off anywhere it is refused', (name) => {
    const bytes = bytesOf(name);
    for (let length = 0; length < bytes.length - 2; length += 97)
      expect(() => read(name, bytes.subarray(0, length)), `${length} bytes`).toThrow(/not a whole (WAV|FLAC) file/);
  });

  it('a flipped bit of a frame is found by its checksum, or breaks its reading', () => {
    const bytes = bytesOf('stereo.flac');
    const first = bytes.length - 1500;
    for (let at = first; at < bytes.length; at += 41) {
      const damaged = bytes.slice();
      damaged[at] ^= 4;
      expect(() => readFlac(damaged, 'x.flac'), `byte ${at}`).toThrow(/not a whole FLAC file/);
    }
  });

  it('encodings that are not read are named', () => {
    const bytes = bytesOf('pcm_16.wav');
    // 7: µ-law.
    bytes[20] = 7;
    expect(() => readWav(bytes, 'x.wav')).toThrow(/format 7, 16 bits/);
    expect(() => readWav(new TextEncoder().encode('ID3 this is an MP3'), 'x.wav')).toThrow(/RIFF/);
  });
});

describe('a rate that no recording has', () => {
  const silence = (rate: number, count = 10) => ({ rate, format: '16-bit', channels: [new Float32Array(count)] });
  const prepared = (audio: Parameters<typeof prepareAudio>[0], rate: number) =>
    prepareAudio(
      audio,
      [{ name: 'x', type: 'float32', shape: [1, 'samples'] }],
      preprocessingSchema.parse({ inputs: { x: { kind: 'audio', rate } } }),
      'x.wav',
    );

  it('is refused before a filter is made for it, in the file and in what the model is said to take', () => {
    expect(() => prepared(silence(2 ** 31 - 1), 16_000)).toThrow(/got 2,147,483,647 samples a second/);
    expect(() => prepared(silence(16_000), 2 ** 31 - 1)).toThrow(/the rate that the model is said to take/);
    expect(prepared(silence(8000), 16_000).tensor.shape).toEqual([1, 20]);
  });

  it('is refused where it makes more samples than are held: 10,000 × 16,000', () => {
    expect(() => prepared(silence(1, 10_000), 16_000)).toThrow(/too long \(got 160,000,000 samples/);
  });
});

describe('resample gives the samples of scipy.signal.resample_poly', () => {
  const tone = expected.get('tone') as Tensor<'float32'>;
  it.each([...expected.keys()].filter((name) => name.startsWith('resampled')))('%s', (name) => {
    const [, up, down] = name.split('-').map(Number);
    const found = resample(tone.data, down * 100, up * 100);
    const { data } = expected.get(name) as Tensor;
    expect(found).toHaveLength(data.length);
    // Ours are rounded to float32: half a unit in the last place of values below 1.
    for (const [i, value] of found.entries()) expect(Math.abs(value - Number(data[i]))).toBeLessThan(6.1e-8);
  });

  it('leaves a signal of the same rate alone', () => {
    expect(resample(tone.data, 8000, 8000)).toBe(tone.data);
  });
});
