import { attributesOf, type Initializer, type Node, type OnnxModel } from '../../src/onnx/graph.ts';
import { readInitializer } from '../../src/onnx/initializer.ts';
import { float32, type Tensor, tensor } from '../../src/tensor/tensor.ts';
import { trainableKey, trainableParameters } from '../../src/train/parameters.ts';

/**
 * The model with its matrices in 8 bits, a scale for each row of a table of vectors and for each column of the others: a
 * quarter of the bytes. `w ≈ scale · q`, q from −127 to 127. Vectors (norms, biases) stay as they are.
 */
export function inBytes(model: OnnxModel): OnnxModel {
  const initializers = new Map(model.graph.initializers);
  const nodes: Node[] = [];
  for (const name of trainableParameters(model)) {
    const initializer = initializers.get(name) as Initializer;
    if (initializer.shape.length !== 2) continue;
    const axis = name.startsWith('embedding') ? 0 : 1;
    const { values, scales } = rounded(readInitializer(initializer) as Tensor<'float32'>, axis);
    initializers.delete(name);
    for (const [own, kept] of [
      [`${name}.bytes`, values],
      [`${name}.scales`, scales],
    ] as const)
      initializers.set(own, {
        name: own,
        type: kept.type,
        shape: kept.shape,
        location: { kind: 'memory', tensor: kept },
      });
    const inputs = [`${name}.bytes`, `${name}.scales`];
    const attributes = attributesOf({ axis });
    nodes.push({ op: 'DequantizeLinear', domain: '', name: `${name}.real`, inputs, outputs: [name], attributes });
  }
  const metadata = new Map(model.metadata);
  metadata.delete(trainableKey);
  return { ...model, metadata, graph: { ...model.graph, initializers, nodes: [...nodes, ...model.graph.nodes] } };
}

function rounded({ shape, data }: Tensor<'float32'>, axis: 0 | 1) {
  const [, columns] = shape;
  const of = (i: number) => (axis === 0 ? Math.floor(i / columns) : i % columns);
  const scales = new Float32Array(shape[axis]);
  for (let i = 0; i < data.length; i++) scales[of(i)] = Math.max(scales[of(i)], Math.abs(data[i]) / 127);
  const values = new Int8Array(data.length);
  for (let i = 0; i < data.length; i++) values[i] = scales[of(i)] > 0 ? Math.round(data[i] / scales[of(i)]) : 0;
  return { values: tensor('int8', shape, values), scales: float32([shape[axis]], scales) };
}
