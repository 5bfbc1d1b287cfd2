import { basename } from 'node:path';
import { labelsOfModel } from './beside.ts';
import type { LoadedModel } from './load-model.ts';
import type { Preprocessing } from './preprocessing.ts';
import { describedText } from './text-input.ts';

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
  const used = new Map<string, string[]>();
  const add = (file: string | undefined, what: string) => {
    if (file !== undefined) used.set(basename(file), [...(used.get(basename(file)) ?? []), what]);
  };
  if (!isNamed && labels?.names === beside.labels?.names)
    add(beside.labels?.file, `${labels?.names.length} class names`);
  if (config?.task && !model.preprocessing && preprocessing.task === config.task)
    add(files.config, `task ${config.task}`);
  const stated = model.preprocessing && describedText(model.preprocessing.preprocessing)?.input.tokenizer;
  if (describedText(preprocessing) && stated === undefined) {
    add(files.tokenizer, 'texts become tokens');
  }
  const lines = [...used].map(([file, what]) => `${file} (${what.join(', ')})`);
  return [
    ...(lines.length ? [`used beside the model: ${lines.join(', ')}`] : []),
    ...beside.notes,
    ...(isNamed ? [] : notes),
  ];
}
