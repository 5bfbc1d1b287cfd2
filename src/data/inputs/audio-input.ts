import { WhereforeError } from '../../errors.ts';
import type { ValueInfo } from '../../onnx/graph.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import { type Audio, checkRates, mixed } from '../formats/audio.ts';
import { resample } from '../formats/resample.ts';
import type { AudioInput, Preprocessing } from '../model/preprocessing.ts';

/** A recording made ready for a model. */
export interface PreparedAudio {
  readonly name: string;
  /** 1×T or 1×1×T. */
  readonly tensor: Tensor<'float32'>;
  /** Samples a second of what the model hears. */
  readonly rate: number;
  /** What was done to it. */
  readonly notes: readonly string[];
}

/**
 * Makes a recording ready for the input that takes one: channels mixed to their mean, the model's rate, a mean of 0 and a
 * variance of 1 where the model was trained with that, cut or filled up with silence where it takes a fixed number of
 * samples.
 * @throws WhereforeError `invalid-argument` where no input takes a recording, or several do
 */
export function prepareAudio(
  audio: Audio,
  inputs: readonly ValueInfo[],
  preprocessing: Preprocessing,
  where: string,
): PreparedAudio {
  const [input, ...others] = inputs.filter((one) => takesAudio(one, preprocessing));
  if (!input || others.length > 0) {
    throw new WhereforeError(
      'invalid-argument',
      input ? 'several inputs could take the recording' : 'no input of the model takes a recording',
      {
        where,
        got: inputs.map(({ name, shape }) => `"${name}" ${shape?.join('×') ?? ''}`).join(', '),
        expected: 'an input of samples: N×samples or N×1×samples',
        fix: 'say which one in a wherefore.yaml beside the model (inputs: input_values: { kind: audio, rate: 16000 }); spectrograms have to be given as .npy',
      },
    );
  }
  const described = preprocessing.inputs[input.name];
  const { rate: wanted, normalise }: Pick<AudioInput, 'rate' | 'normalise'> =
    described?.kind === 'audio' ? described : { normalise: false };
  const notes = [`${audio.format}, ${audio.rate.toLocaleString('en')} samples a second, ${secondsText(audio)}`];
  if (audio.channels.length > 1) notes.push(`${audio.channels.length} channels mixed to their mean`);
  if (wanted === undefined)
    notes.push('nobody says which rate the model was trained with: samples are taken as they are');
  const rate = wanted ?? audio.rate;
  if (rate !== audio.rate)
    notes.push(
      `resampled from ${audio.rate} to ${rate} a second by a windowed sinc, as scipy.signal.resample_poly does`,
    );
  checkRates(audio.channels[0].length, audio.rate, rate, where);
  const heard = resample(mixed(audio), audio.rate, rate);
  const last = input.shape?.at(-1);
  const fixed = typeof last === 'number' ? fitted(heard, last, rate, notes) : heard;
  if (normalise) notes.push('brought to mean 0 and variance 1');
  const samples = normalise ? normalised(fixed) : fixed;
  const shape = input.shape?.length === 3 ? [1, 1, samples.length] : [1, samples.length];
  return { name: input.name, tensor: float32(shape, samples), rate, notes };
}

/** Whether an input is described as sound, or is a row of numbers that nobody described as anything else. */
function takesAudio({ name, type, shape }: ValueInfo, { inputs }: Preprocessing): boolean {
  const kind = inputs[name]?.kind;
  if (kind === 'audio') return true;
  const isLine = shape?.length === 2 || (shape?.length === 3 && (shape[1] === 1 || typeof shape[1] !== 'number'));
  return type === 'float32' && isLine && (kind === 'tensor' || kind === undefined);
}

const secondsText = ({ channels, rate }: Audio) => `${Number((channels[0].length / rate).toPrecision(4))} s`;

function fitted(samples: Float32Array, length: number, rate: number, notes: string[]): Float32Array {
  if (samples.length === length) return samples;
  const seconds = (count: number) => `${Number((count / rate).toPrecision(4))} s`;
  notes.push(
    samples.length > length
      ? `the model takes ${length} samples: the first ${seconds(length)}, ${seconds(samples.length - length)} left out`
      : `the model takes ${length} samples: ${seconds(length - samples.length)} of silence added at the end`,
  );
  const result = new Float32Array(length);
  result.set(samples.subarray(0, length));
  return result;
}

/** (x − mean) / √(variance + 10⁻⁷), as transformers' Wav2Vec2FeatureExtractor. */
function normalised(samples: Float32Array): Float32Array {
  let sum = 0;
  for (const sample of samples) sum += sample;
  const mean = sum / samples.length;
  let squares = 0;
  for (const sample of samples) squares += (sample - mean) ** 2;
  const deviation = Math.sqrt(squares / samples.length + 1e-7);
  return samples.map((sample) => (sample - mean) / deviation);
}
