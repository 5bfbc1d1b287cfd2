import { decodeTensor } from '../../src/onnx/decode-tensor.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import { readMessage } from '../../src/onnx/read-message.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { readTarGz } from '../tar.ts';

/** One test of ONNX's own suite: a model and the first of its data sets, still encoded. */
export interface NodeTest {
  readonly name: string;
  readonly model: Uint8Array;
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

/** The tests of the suite's archive, by name. */
export function readNodeTests(path: string): NodeTest[] {
  const tests = new Map<string, { model?: Uint8Array; inputs: Uint8Array[]; outputs: Uint8Array[] }>();
  for (const [file, data] of readTarGz(path)) {
    const match = /\/([^/]+)\/(?:model\.onnx|test_data_set_0\/(input|output)_(\d+)\.pb)$/.exec(file);
    if (!match) continue;
    const [, name, role, index] = match;
    const test = tests.get(name) ?? { inputs: [], outputs: [] };
    tests.set(name, test);
    if (!role) test.model = data;
    else test[role === 'input' ? 'inputs' : 'outputs'][Number(index)] = data;
  }
  return [...tests]
    .flatMap(([name, { model, inputs, outputs }]) => (model ? [{ name, model, inputs, outputs }] : []))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The tensors of a data set for the values that a model declares; undefined where one of them is not a tensor. */
export function decodeValues(
  files: readonly Uint8Array[],
  declared: OnnxModel['graph']['inputs'],
): Map<string, Tensor> | undefined {
  const values = new Map<string, Tensor>();
  for (const [i, bytes] of files.entries()) {
    const info = declared[i];
    if (!info || info.opaque) return undefined;
    const source = { fileName: `value ${i}`, bytes };
    values.set(info.name, decodeTensor(readMessage('TensorProto', bytes), source, `value ${i}`).value);
  }
  return values;
}
