import type { Preprocessing, TextInput } from '../model/preprocessing.ts';

/** The input of token ids that a model says how to make from text. */
export function describedText(preprocessing: Preprocessing): { name: string; input: TextInput } | undefined {
  const texts = Object.entries(preprocessing.inputs).flatMap(([name, input]) =>
    input.kind === 'text' && input.part === 'ids' ? [{ name, input }] : [],
  );
  return texts.length === 1 ? texts[0] : undefined;
}
