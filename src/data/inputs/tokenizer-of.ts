import { inFolderOf, relativeTo } from '../../paths.ts';
import { namedMemo } from '../../tensor/memo.ts';
import type { AccessOptions } from '../files/file-access.ts';
import { textAt } from '../files/file-text.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { Preprocessing } from '../model/preprocessing.ts';
import { describedText } from './described-text.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * The tokenizer that a model's `wherefore.yaml` names, below its folder, else the one beside the model; undefined where
 * there is neither, or no way to files.
 */
export async function tokenizerOf(model: LoadedModel, preprocessing: Preprocessing): Promise<Tokenizer | undefined> {
  const found = tokenizerFile(model, preprocessing);
  if (!found) return undefined;
  const { path, access } = found;
  const { files, withinTime } = model.edge;
  if (!files) return undefined;
  return tokenizers(model, path, async () => {
    const { parseTokenizer } = await import('./tokenizer.ts');
    return parseTokenizer(await textAt(files, path, 'tokenizer', access), { where: path, within: withinTime });
  });
}

/** Tokenizers stay with the model: every text, baseline and explanation asks for them. */
const tokenizers = namedMemo<LoadedModel, Promise<Tokenizer>>();

function tokenizerFile(
  { beside, preprocessing, path: modelPath }: LoadedModel,
  asked: Preprocessing,
): { readonly path: string; readonly access: AccessOptions } | undefined {
  const described = describedText(asked);
  if (!described) return undefined;
  const written = described.input.tokenizer;
  const found = beside?.files.tokenizer;
  // A guess names the file that was found by its way from the model.
  const isGuessed = written === undefined || (!preprocessing && found && written === relativeTo(beside.folder, found));
  if (isGuessed) return found === undefined ? undefined : { path: found, access: beside?.access ?? {} };
  const namedBy = preprocessing?.path ?? modelPath;
  return namedBy === undefined
    ? { path: written, access: {} }
    : { path: inFolderOf(namedBy, written), access: { namedBy } };
}
