import { type Beside, nothingBeside } from '../model/beside.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { InputPreprocessing, Preprocessing } from '../model/preprocessing.ts';
import { completePreprocessing, type LoadedPreprocessing } from '../model/preprocessing-text.ts';
import { guessPreprocessing } from './guess.ts';

type Described = Pick<LoadedModel, 'source' | 'preprocessing' | 'beside'>;

/**
 * How a model's inputs are made and its outputs read: by its `wherefore.yaml`, and what that leaves out (or all of it,
 * where there is none) by what lies beside the model and by the graph. Inputs are filled in one by one; task, outputs
 * and detection together, and only where the file says nothing of the outputs.
 */
export function settledPreprocessing({ source, preprocessing: written, beside }: Described): Preprocessing {
  if (!written) return completePreprocessing(guessPreprocessing(source, beside).preprocessing);
  const said = written.preprocessing;
  const guessed = completePreprocessing(guessPreprocessing(source, withTold(beside, written)).preprocessing);
  const inputs = { ...missingInputs(said, guessed), ...said.inputs };
  if (Object.keys(said.outputs).length > 0 || said.detection) return { ...said, inputs };
  const { task = guessed.task } = said;
  return { ...said, task, inputs, outputs: guessed.outputs, detection: guessed.detection };
}

/** What a guess may build on: what lies beside the model, under what the `wherefore.yaml` says of task and labels. */
function withTold(beside: Beside | undefined, { preprocessing, labels, path }: LoadedPreprocessing): Beside {
  const { config, ...rest } = beside ?? nothingBeside;
  const task = preprocessing.task ?? config?.task;
  return {
    ...rest,
    config: { isMultiLabel: false, ...config, task },
    ...(labels && { labels: { names: labels, file: path } }),
  };
}

/** Guesses for inputs that are not described, unless another one is described as the same thing. */
function missingInputs(said: Preprocessing, guessed: Preprocessing): Record<string, InputPreprocessing> {
  const taken = new Set(Object.values(said.inputs).map(roleOf));
  const missing = Object.entries(guessed.inputs).filter(
    ([name, input]) => !(name in said.inputs) && (input.kind === 'tensor' || !taken.has(roleOf(input))),
  );
  return Object.fromEntries(
    missing.map(([name, input]) => {
      if (input.kind !== 'text') return [name, input];
      // A guessed tokenizer is named from the model's folder, a written one from that of the file.
      const { tokenizer, ...text } = input;
      return [name, text];
    }),
  );
}

/** What an input is: its kind, and of a text the part. */
export const roleOf = (input: InputPreprocessing) => (input.kind === 'text' ? `text ${input.part}` : input.kind);
