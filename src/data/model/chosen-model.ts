import { WhereforeError } from '../../errors.ts';

/** Names under which exporters leave a model, the first that is there is taken; of encoder–decoders, the decoder. */
const usualNames = [
  'model.onnx',
  'decoder_model.onnx',
  'decoder_model_merged.onnx',
  'decoder_with_past_model.onnx',
] as const;

/** The encoder of an encoder–decoder, beside its decoder. */
export const encoderName = 'encoder_model.onnx';

/**
 * The model among the files of a folder in the layout of Hugging Face, as a path from it: the one that is named, else
 * `model.onnx` or a decoder, there or in `onnx/`, else the only `.onnx` file.
 * @param where the folder, for messages
 * @throws WhereforeError `file-not-found`, `invalid-argument` for several
 */
export function chosenModel(files: readonly string[], named: string | undefined, where: string): string {
  const there = new Set(files);
  for (const name of named === undefined ? usualNames : [named])
    for (const path of [name, `onnx/${name}`]) if (there.has(path)) return path;
  const models = files.filter((path) => /^(onnx\/)?[^/]+\.onnx$/.test(path));
  if (models.length === 1 && named === undefined) return models[0];
  const several = models.length > 1 && named === undefined;
  const example = models[0]?.replace(/^onnx\//, '');
  throw new WhereforeError(
    several ? 'invalid-argument' : 'file-not-found',
    several ? 'the folder holds several models' : 'the folder has no such model',
    {
      where,
      got: models.map((path) => path.replace(/^onnx\//, '')).join(', ') || 'no .onnx file',
      expected: named ?? 'model.onnx',
      fix: several ? `name one: --file ${example}` : 'check the name',
    },
  );
}
