import { fileName } from '../../paths.ts';
import { guessPreprocessing } from '../guess/guess.ts';
import { describedText } from '../inputs/described-text.ts';
import type { LoadedModel } from './loaded-model.ts';
import { labelsOfModel } from './model-labels.ts';
import type { ImageInput, InputPreprocessing, Preprocessing } from './preprocessing.ts';

/**
 * What was taken from files beside a model that nobody named, in words: one line for what is used, one for each file
 * that is there and is not.
 */
export function usedBeside(model: LoadedModel, preprocessing: Preprocessing): string[] {
  const { beside, source } = model;
  if (!beside) return [];
  const { files, config } = beside;
  const { labels, notes } = labelsOfModel(source, beside);
  const isNamed = model.preprocessing?.labels !== undefined || Array.isArray(model.preprocessing?.preprocessing.labels);
  const written = model.preprocessing?.preprocessing;
  const used = new Map<string, string[]>();
  const add = (file: string | undefined, what: string) => {
    if (file !== undefined) used.set(fileName(file), [...(used.get(fileName(file)) ?? []), what]);
  };
  if (!isNamed) add(labels?.file, `${labels?.names.length} class names`);
  if (config?.task && written?.task === undefined && preprocessing.task === config.task)
    add(files.config, `task ${config.task}`);
  const stated = written && describedText(written)?.input.tokenizer;
  if (describedText(preprocessing) && stated === undefined) {
    add(files.tokenizer, 'texts become tokens');
  }
  const inputs = Object.values(preprocessing.inputs);
  if (inputs.some((input) => input.kind === 'image' && imageProcessorUsed(model, input)))
    add(files.processor, 'how images become the input');
  const { sampling_rate: rate } = (beside.processor?.content ?? {}) as { sampling_rate?: unknown };
  if (!isWritten(model, 'audio') && rate && inputs.some((input) => input.kind === 'audio' && input.rate === rate))
    add(files.processor, 'the sampling rate');
  const lines = [...used].map(([file, what]) => `${file} (${what.join(', ')})`);
  return [
    ...(lines.length ? [`used beside the model: ${lines.join(', ')}`] : []),
    ...beside.notes,
    ...(isNamed ? [] : notes),
    ...(isWritten(model, 'image') || isWritten(model, 'audio') ? [] : processorRefusals(model)),
  ];
}

/** Whether a `wherefore.yaml` says how an input of a kind is made. */
export function isWritten({ preprocessing }: LoadedModel, kind: InputPreprocessing['kind']): boolean {
  return Object.values(preprocessing?.preprocessing.inputs ?? {}).some((input) => input.kind === kind);
}

/** Whether an input is made as the `preprocessor_config.json` beside the model says. */
export function imageProcessorUsed(model: LoadedModel, { size }: ImageInput): boolean {
  const { beside, source } = model;
  if (isWritten(model, 'image') || !beside?.processor) return false;
  return guessPreprocessing(source, beside).guesses.some(
    ({ path, value, confidence, reason }) =>
      path.endsWith('.size') &&
      confidence === 'known' &&
      reason.includes('preprocessor_config.json') &&
      String(value) === String(size),
  );
}

/** Why the image processor beside a model was not followed. */
function processorRefusals({ source, beside }: LoadedModel): string[] {
  if (!beside?.processor) return [];
  return guessPreprocessing(source, beside)
    .guesses.filter(({ confidence, reason }) => confidence === 'unknown' && reason.includes('was not used'))
    .map(({ reason }) => reason);
}
