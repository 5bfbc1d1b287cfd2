// @ts-nocheck: mutants are put together field by field, against the types on purpose.
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { mutateBytes, names } from './mutations.mjs';

const numbers = [
  0n,
  1n,
  -1n,
  2n,
  3n,
  7n,
  255n,
  65536n,
  2147483647n,
  -2147483648n,
  2n ** 40n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];
/** One change of a decoded model: a field of a node, an attribute, a shape, a type, a name, the data of a weight. */
const modelMutations = [
  (model, { pick }) => {
    const node = pick(model.graph.node);
    if (node)
      pick([() => (node.opType = pick(names)), () => (node.domain = pick(names)), () => (node.name = pick(names))])();
  },
  (model, { pick, draw }) => {
    const node = pick(model.graph.node);
    const list = node && pick([node.input, node.output]);
    if (list) list[Math.floor(draw() * (list.length + 1))] = pick([...names, ...node.input, ...node.output]);
  },
  (model, { pick }) => {
    const nodes = model.graph.node;
    pick([() => nodes.push(pick(nodes)), () => nodes.reverse(), () => nodes.splice(Math.floor(nodes.length / 2), 1)])();
  },
  (model, { pick, draw }) => {
    const attribute = pick(model.graph.node.flatMap((node) => node.attribute));
    if (!attribute) return;
    pick([
      () => (attribute.i = pick(numbers)),
      () => (attribute.ints = attribute.ints.map((one) => (draw() < 0.5 ? pick(numbers) : one))),
      () => attribute.ints.push(pick(numbers)),
      () => attribute.ints.pop(),
      () => (attribute.f = pick([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e38])),
      () => (attribute.s = Uint8Array.of(255, 254, 0)),
      () => (attribute.type = Math.floor(draw() * 16)),
      () => (attribute.name = pick([...names, 'group', 'axis', 'kernel_shape', 'strides', 'pads', 'perm'])),
    ])();
  },
  (model, { pick, draw }) => {
    const weight = pick(model.graph.initializer);
    if (!weight) return;
    pick([
      () => (weight.dims = weight.dims.map((one) => (draw() < 0.5 ? pick(numbers) : one))),
      () => weight.dims.push(pick(numbers)),
      () => (weight.dims = []),
      () => (weight.dataType = Math.floor(draw() * 26)),
      () => (weight.rawData = weight.rawData.slice(0, Math.floor(draw() * weight.rawData.length))),
      () => (weight.name = pick(names)),
      () => (weight.dataLocation = 1),
    ])();
  },
  (model, { pick, draw }) => {
    const type = pick([...model.graph.input, ...model.graph.output])?.type?.value;
    if (type?.case !== 'tensorType') return;
    pick([
      () => (type.value.elemType = Math.floor(draw() * 26)),
      () => {
        const dimension = pick(type.value.shape?.dim ?? []);
        if (dimension) dimension.value = { case: 'dimValue', value: pick(numbers) };
      },
      () => type.value.shape?.dim.pop(),
      () => (type.value.shape = undefined),
    ])();
  },
  (model, { pick }) => {
    const value = pick([...model.graph.input, ...model.graph.output]);
    if (value) value.name = pick(names);
  },
  (model, { pick }) => {
    const opset = pick(model.opsetImport);
    if (opset) pick([() => (opset.version = pick(numbers)), () => (opset.domain = pick(names))])();
  },
  (model, { pick }) => {
    model.irVersion = pick(numbers);
  },
];

/**
 * A model with one to four changed fields, or with changed bytes.
 * @param {Uint8Array} bytes
 */
export function mutateModel(bytes, chance) {
  if (chance.draw() < 0.25) return mutateBytes(bytes, chance);
  const model = fromBinary(ModelProtoSchema, bytes);
  for (let i = 0; i <= chance.draw() * 3; i++) chance.pick(modelMutations)(model, chance);
  try {
    return toBinary(ModelProtoSchema, model);
  } catch {
    // What protobuf cannot write (half of a letter) no file can hold.
    return mutateBytes(bytes, chance);
  }
}
