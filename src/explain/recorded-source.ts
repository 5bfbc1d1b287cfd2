import type { ModelInput } from '../data/inputs/model-input.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import { WhereforeError } from '../errors.ts';
import type { ExplanationDocument } from './document.ts';

/**
 * The input of a document, read from its source again.
 * @param place.source The source, where the caller names it; it may lie anywhere.
 * @param place.folders Folders below which the source of the document is looked for.
 * @returns the input, or why it cannot be read
 * @throws WhereforeError where the source that the caller names cannot be read
 */
export async function readSourceAgain(
  model: LoadedModel,
  { input }: ExplanationDocument,
  preprocessing: Preprocessing,
  { source, folders }: { readonly source?: string; readonly folders: readonly string[] },
): Promise<ModelInput | string> {
  if (source !== undefined) return only(await model.edge.readInputs(model, source, preprocessing), source);
  const reasons = new Set<string>();
  for (const within of folders) {
    try {
      return only(await model.edge.readInputs(model, input.source, preprocessing, { within }), input.source);
    } catch (error) {
      if (!(error instanceof WhereforeError)) throw error;
      reasons.add(error.what);
    }
  }
  return [...reasons].join('; ') || 'no folder was named to look for it';
}

function only(inputs: readonly ModelInput[], where: string): ModelInput {
  if (inputs.length === 1) return inputs[0];
  throw new WhereforeError('invalid-argument', 'the source of one input', { where, got: `${inputs.length} inputs` });
}
