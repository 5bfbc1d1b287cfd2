import { type Audio, checkSamples, refuseAudio } from './audio.ts';

/** How a sample is read: bytes that it takes, and its value. */
interface SampleFormat {
  readonly bytes: number;
  readonly name: string;
  read(view: DataView, at: number): number;
}

const whole = (bits: number, read: SampleFormat['read']): SampleFormat => ({
  bytes: bits / 8,
  name: `${bits}-bit`,
  read: (view, at) => read(view, at) / 2 ** (bits - 1),
});

/** By format code (1: whole numbers, 3: floating point) and bits. */
const formats: Readonly<Record<string, SampleFormat>> = {
  // The only one without a sign.
  '1/8': whole(8, (view, at) => view.getUint8(at) - 128),
  '1/16': whole(16, (view, at) => view.getInt16(at, true)),
  '1/24': whole(24, (view, at) => view.getUint8(at) + view.getInt16(at + 1, true) * 256),
  '1/32': whole(32, (view, at) => view.getInt32(at, true)),
  '3/32': { bytes: 4, name: '32-bit float', read: (view, at) => view.getFloat32(at, true) },
  '3/64': { bytes: 8, name: '64-bit float', read: (view, at) => view.getFloat64(at, true) },
};
/** The code that says: look at the end of the format chunk. */
const extensible = 0xfffe;

/**
 * Reads a WAV file: whole numbers of 8, 16, 24 and 32 bits, floating point of 32 and 64, any number of channels.
 * @throws WhereforeError `invalid-data` for other encodings and damaged files
 */
export function readWav(bytes: Uint8Array, where: string): Audio {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at: number) => new TextDecoder('latin1').decode(bytes.subarray(at, at + 4));
  if (bytes.length < 12 || text(0) !== 'RIFF' || text(8) !== 'WAVE')
    throw refuseAudio('WAV', 'it does not begin with RIFF … WAVE', where);
  let header: { code: number; channels: number; rate: number; bits: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const start = at + 8;
    const stated = view.getUint32(at + 4, true);
    const name = text(at);
    if (name === 'fmt ') {
      if (stated < 16 || start + stated > bytes.length) throw refuseAudio('WAV', 'its format is cut off', where);
      const code = view.getUint16(start, true);
      header = {
        code: code === extensible && stated >= 26 ? view.getUint16(start + 24, true) : code,
        channels: view.getUint16(start + 2, true),
        rate: view.getUint32(start + 4, true),
        bits: view.getUint16(start + 14, true),
      };
    } else if (name === 'data') {
      if (!header) throw refuseAudio('WAV', 'its samples come before their format', where);
      // A file that was written to a pipe states no length; what is there counts.
      const open = stated === 0xffffffff || stated === 0;
      const length = open ? bytes.length - start : stated;
      if (start + length > bytes.length)
        throw refuseAudio('WAV', 'it ends before its samples do', where, `${bytes.length - start} of ${length} bytes`);
      return samplesOf(view, start, length, header, where);
    }
    at = start + stated + (stated % 2);
  }
  throw refuseAudio('WAV', header ? 'it holds no samples' : 'it states no format', where);
}

function samplesOf(
  view: DataView,
  start: number,
  length: number,
  { code, channels, rate, bits }: { code: number; channels: number; rate: number; bits: number },
  where: string,
): Audio {
  const format = formats[`${code}/${bits}`];
  if (!format) {
    throw refuseAudio(
      'WAV',
      'an encoding that is not read (read are whole numbers of 8, 16, 24, 32 bits and floating point of 32, 64)',
      where,
      `format ${code}, ${bits} bits`,
    );
  }
  if (channels === 0 || rate === 0) throw refuseAudio('WAV', 'no channels, or no rate', where);
  const count = Math.floor(length / (format.bytes * channels));
  if (count === 0) throw refuseAudio('WAV', 'it holds no samples', where);
  checkSamples(count * channels, where);
  return {
    rate,
    format: format.name,
    channels: Array.from({ length: channels }, (_, channel) => {
      const samples = new Float32Array(count);
      for (let i = 0; i < count; i++) samples[i] = format.read(view, start + (i * channels + channel) * format.bytes);
      return samples;
    }),
  };
}
