import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Tensor } from '../../src/tensor/tensor.ts';
import type { Errors, Store } from './measure.ts';
import type { Subject } from './question.ts';

/**
 * Measurements of one network in one JSON file. An entry is used again for the same model, inputs, baseline, layer,
 * method and parameters; it does not know whether the code has changed since.
 */
export function fileStore(path: string, subject: Subject): Store & { readonly size: number } {
  const entries: Record<string, Errors> = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  const digest = createHash('sha256').update(subject.model.hash);
  const add = ({ data }: Tensor) => {
    if (ArrayBuffer.isView(data)) digest.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    else digest.update(JSON.stringify(data));
  };
  for (const inputs of subject.inputs) for (const tensor of inputs.values()) add(tensor);
  const { baseline } = subject;
  if (baseline.kind === 'input' && baseline.tensor) add(baseline.tensor);
  else digest.update(JSON.stringify(baseline));
  const question = digest.digest('hex').slice(0, 16);
  const keyOf: (...parts: Parameters<Store['read']>) => string = ({ method, parameters }, layer, inputs) =>
    [question, layer, method, JSON.stringify(parameters ?? {}), inputs].join('|');
  return {
    size: Object.keys(entries).filter((key) => key.startsWith(question)).length,
    read: (row, layer, inputs) => entries[keyOf(row, layer, inputs)],
    write: (row, layer, inputs, errors) => {
      entries[keyOf(row, layer, inputs)] = errors;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, JSON.stringify(entries));
    },
  };
}
