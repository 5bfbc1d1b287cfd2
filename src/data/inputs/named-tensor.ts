import { extname, resolve } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import { unknownName } from '../../nearest.ts';
import { requiredInputs } from '../../onnx/graph.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { hashOfFile } from '../files/file-hash.ts';
import { readBytes } from '../files/read-file.ts';
import { tensorReaders } from '../formats/tensor-file.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import { inputLimit } from './input-limit.ts';
import { bareRow, isBare, writtenTensor } from './tensor-input.ts';

/**
 * The tensor of an input named with it: `name=x.npy`, `name=[[1,2]]`; its name, and the hash of the file.
 * @throws WhereforeError `unknown-name` for an input that the model lacks
 */
export async function readNamedTensor(
  model: LoadedModel,
  source: string,
  within?: string,
): Promise<[name: string, tensor: Tensor, hash: string | undefined]> {
  const names = requiredInputs(model.graph).map((input) => input.name);
  if (isBare(source)) {
    if (names.length === 1) return [names[0], writtenTensor(model, names[0], source.trim()), undefined];
    throw new WhereforeError('invalid-argument', 'numbers for which input?', {
      where: source.length > 60 ? `${source.slice(0, 60)}…` : source,
      expected: names.map((name) => `${name}=[…]`).join(', '),
    });
  }
  const equals = source.indexOf('=');
  const [name, text] = [source.slice(0, equals).trim(), source.slice(equals + 1).trim()];
  if (!names.includes(name)) {
    const where = source.length > 60 ? `${source.slice(0, 60)}…` : source;
    throw unknownName('the model has no input', name, names, { where });
  }
  const reader = tensorReaders[extname(text).toLowerCase()];
  if (!reader) return [name, writtenTensor(model, name, bareRow(text) ?? text), undefined];
  const limit = inputLimit(model.graph);
  const place = within === undefined ? { limit } : { limit, inside: [within] };
  const bytes = await readBytes(within === undefined ? text : resolve(within, text), 'tensors', place);
  const tensors = await reader(bytes, text, limit);
  const tensor = tensors.get(name) ?? (tensors.size === 1 ? [...tensors.values()][0] : undefined);
  if (!tensor) {
    throw new WhereforeError('unknown-name', `there is no tensor "${name}"`, {
      where: text,
      expected: [...tensors.keys()].map((key) => `"${key}"`).join(', '),
    });
  }
  return [name, tensor, hashOfFile([bytes])];
}
