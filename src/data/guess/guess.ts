import { type OnnxModel, requiredInputs, type ValueInfo } from '../../onnx/graph.ts';
import { relativeTo } from '../../paths.ts';
import { formatShape } from '../../tensor/tensor.ts';
import type { Beside } from '../model/beside.ts';
import type { PreprocessingText } from '../model/preprocessing.ts';
import { guessAudio } from './guess-audio.ts';
import { guessImage } from './guess-image.ts';
import { guessOutputs } from './guess-output.ts';
import { guessSeries } from './guess-series.ts';
import type { Guess } from './guessed.ts';

/** A suggested preprocessing and the reasons for all of it. */
export interface GuessedPreprocessing {
  /** To be written to `wherefore.yaml`; inputs that cannot be described without more knowledge are left out. */
  readonly preprocessing: PreprocessingText;
  readonly guesses: readonly Guess[];
}

type InputText = NonNullable<PreprocessingText['inputs']>[string];
const textParts: readonly [RegExp, 'ids' | 'mask' | 'types' | 'positions'][] = [
  [/mask/i, 'mask'],
  [/type|segment/i, 'types'],
  [/position/i, 'positions'],
  [/ids|token|text|input/i, 'ids'],
];

/**
 * Suggests how a model's inputs are made and its outputs read, from its graph and metadata, and from what other tools
 * left beside it: kinds, sizes, axis order, colours, value range and normalisation, tokenizer, task, labels. Every guess
 * comes with its confidence and reason.
 */
export function guessPreprocessing(model: OnnxModel, beside?: Beside): GuessedPreprocessing {
  const guesses: Guess[] = [];
  const inputs: Record<string, InputText> = {};
  const outputs = guessOutputs(model, guesses, beside);
  for (const input of requiredInputs(model.graph)) {
    const guessed = guessInput(model, input, { detector: outputs.detection !== undefined, beside }, guesses);
    if (guessed) inputs[input.name] = guessed;
  }
  return {
    preprocessing: {
      task: outputs.task,
      inputs,
      outputs: outputs.outputs,
      labels: outputs.labels,
      detection: outputs.detection,
    },
    guesses,
  };
}

function guessInput(
  model: OnnxModel,
  input: ValueInfo,
  { detector, beside }: { readonly detector: boolean; readonly beside: Beside | undefined },
  guesses: Guess[],
): InputText | undefined {
  const { name, type, shape } = input;
  const path = `inputs.${name}`;
  const add = (value: unknown, confidence: Guess['confidence'], reason: string) =>
    guesses.push({ path: `${path}.kind`, value, confidence, reason });
  if (type === 'string') {
    add(undefined, 'unknown', 'the input takes strings: describe it as text or as a table');
    return undefined;
  }
  if (type === 'int64' || type === 'int32') {
    const part = textParts.find(([pattern]) => pattern.test(name))?.[1];
    if (shape?.length === 2 && part) {
      add('text', 'likely', `whole numbers of two axes, and the name "${name}"`);
      guesses.push({ path: `${path}.part`, value: part, confidence: 'likely', reason: `the name "${name}"` });
      return { kind: 'text', part, ...(part === 'ids' && tokenizerFor(path, beside, guesses)) };
    }
  }
  const audio = guessAudio(input, beside?.processor, guesses);
  if (audio) return audio;
  if (shape?.length === 4 && isImageType(type)) {
    const image = guessImage(model, input, { detector, processor: beside?.processor }, guesses);
    if (image) return image;
  } else if (shape?.length === 2 && (type === 'float32' || type === 'float64' || type === 'float16')) {
    add('tensor', 'likely', `rows of ${shape[1] ?? '?'} numbers: name the columns with kind: table to read CSV files`);
    return { kind: 'tensor' };
  }
  const series = isImageType(type) ? guessSeries(model, input) : undefined;
  if (series) {
    add('tensor', 'likely', `${type} of three axes, one of them time`);
    guesses.push({ path: `${path}.axes`, value: series.axes, confidence: 'known', reason: series.reason });
    return { kind: 'tensor', axes: [...series.axes] };
  }
  add(
    'tensor',
    'likely',
    shape
      ? `${type ?? 'no tensor'} of ${shape.length} axes (${formatShape(shape)}) is no usual image, text or table`
      : 'the file does not state its shape',
  );
  return { kind: 'tensor' };
}

/** The tokenizer beside the model, and the longest text that config.json allows. */
function tokenizerFor(path: string, beside: Beside | undefined, guesses: Guess[]) {
  const file = beside?.files.tokenizer;
  if (!beside || file === undefined) {
    const reason = 'a graph does not contain its tokenizer: name a tokenizer.json';
    guesses.push({ path: `${path}.tokenizer`, value: undefined, confidence: 'unknown', reason });
    return {};
  }
  const tokenizer = relativeTo(beside.folder, file);
  guesses.push({
    path: `${path}.tokenizer`,
    value: tokenizer,
    confidence: 'likely',
    reason: 'it lies beside the model',
  });
  const longest = beside.config?.longest;
  return longest === undefined ? { tokenizer } : { tokenizer, longest };
}

function isImageType(type: ValueInfo['type']): boolean {
  return type === 'float32' || type === 'float16' || type === 'float64' || type === 'uint8';
}
