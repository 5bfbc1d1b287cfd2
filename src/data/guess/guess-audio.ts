import * as z from 'zod/mini';
import { checked } from '../../checked.ts';
import type { ValueInfo } from '../../onnx/graph.ts';
import type { PreprocessingText } from '../model/preprocessing.ts';
import type { ProcessorFile } from '../model/preprocessor-config.ts';
import type { Guess } from './guessed.ts';

type AudioText = Extract<NonNullable<PreprocessingText['inputs']>[string], { kind: 'audio' }>;

/** Names that exporters give to inputs of samples. */
const audioNames = /^(input_values|audio|waveform|wav|pcm|samples|speech)$/i;

const audioConfig = z.looseObject({
  sampling_rate: z.optional(z.int().check(z.positive())),
  do_normalize: z.nullish(z.boolean()),
  feature_extractor_type: z.optional(z.string()),
  /** Numbers at each step: 1 for samples, more for spectrograms. */
  feature_size: z.optional(z.number()),
});

/** An input of samples, by its name and the `preprocessor_config.json` beside the model; undefined for another one. */
export function guessAudio(
  { name, type, shape }: ValueInfo,
  processor: ProcessorFile | undefined,
  guesses: Guess[],
): AudioText | undefined {
  const isLine = shape?.length === 2 || (shape?.length === 3 && shape[1] === 1);
  if (type !== 'float32' || !isLine) return undefined;
  const parsed = checked(audioConfig, processor?.content);
  const config = parsed.success && parsed.data.sampling_rate !== undefined ? parsed.data : undefined;
  const takesSamples = config && (config.feature_size ?? 1) === 1;
  if (!audioNames.test(name) && !takesSamples) return undefined;
  const add = (key: string, value: unknown, confidence: Guess['confidence'], reason: string) =>
    guesses.push({ path: `inputs.${name}.${key}`, value, confidence, reason });
  add(
    'kind',
    'audio',
    'likely',
    audioNames.test(name) ? `the name "${name}"` : 'preprocessor_config.json is one of recordings',
  );
  if (!takesSamples) {
    add('rate', undefined, 'unknown', 'a graph does not say its sampling rate: a recording keeps its own');
    return { kind: 'audio' };
  }
  // The one class whose default it is.
  const normalise = config.do_normalize ?? config.feature_extractor_type === 'Wav2Vec2FeatureExtractor';
  add('rate', config.sampling_rate, 'known', 'preprocessor_config.json says so');
  add('normalise', normalise, 'known', 'preprocessor_config.json says so');
  return { kind: 'audio', rate: config.sampling_rate, normalise };
}
