import { WhereforeError } from '../../errors.ts';
import type { OnnxModel } from '../../onnx/graph.ts';
import { inFolderOf } from '../../paths.ts';
import type { Files } from '../files/file-access.ts';

/** The files beside the model that hold weights, in the order of their names, and how many bytes of each it takes. */
export function externalFiles(model: OnnxModel): [name: string, end: number][] {
  const needed = new Map<string, number>();
  for (const { location } of model.graph.initializers.values()) {
    if (location.kind !== 'file') continue;
    needed.set(location.path, Math.max(needed.get(location.path) ?? 0, location.offset + location.length));
  }
  return [...needed].sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * What a model takes of the files of weights beside it, by the names that the graph uses.
 * @throws WhereforeError `file-not-found`; `malformed-model` for a file that is too short
 */
export async function readExternalFiles(
  model: OnnxModel,
  files: Files,
  modelPath: string,
): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for (const [name, end] of externalFiles(model)) {
    const path = inFolderOf(modelPath, name);
    const bytes = await files.range(path, 'weights', [0, end], { namedBy: modelPath });
    if (bytes.length < end) {
      throw new WhereforeError('malformed-model', 'the file with the weights is too short', {
        where: path,
        got: `${bytes.length} bytes`,
        expected: `at least ${end}`,
        fix: 'get the complete file',
      });
    }
    found.set(name, bytes);
  }
  return found;
}
