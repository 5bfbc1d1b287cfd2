import { type Node, type OnnxModel, operatorKey, requiredInputs } from '../../onnx/graph.ts';
import { traitsOf } from '../../onnx/operators.ts';
import type { RowInput } from './describe-table.ts';

/** Operators that scale their input, or do not care how it is scaled. */
const scaling = /^(TreeEnsemble\w*|Scaler|Normalizer|BatchNormalization|Imputer)$/;
/** Whether a node only passes its input on. */
const passes = (node: Node) => {
  const { moves, rank } = traitsOf(operatorKey(node));
  return moves === 'order' && rank === 'same';
};

/**
 * The input of a model that takes rows of numbers: its only one, of two axes, with what its first operators say about
 * it. Undefined where the model takes something else.
 */
export function rowInputOf(model: OnnxModel): RowInput | undefined {
  const [input, ...others] = requiredInputs(model.graph);
  if (!input || others.length > 0 || input.shape?.length !== 2) return undefined;
  if (input.type !== 'float32' && input.type !== 'float64') return undefined;
  const first = firstNodes(model, input.name);
  const width = input.shape[1];
  return {
    name: input.name,
    width: typeof width === 'number' ? width : (widthOfNodes(model, first) ?? undefined),
    takesMissing: first.some((node) => traitsOf(operatorKey(node)).handlesMissing),
    takesRaw: first.some(({ op }) => scaling.test(op)),
  };
}

/** The nodes that compute with a value first. */
function firstNodes({ graph }: OnnxModel, name: string): Node[] {
  const found: Node[] = [];
  const open: string[] = [name];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    for (const node of graph.nodes) {
      if (!node.inputs.includes(value)) continue;
      if (passes(node)) open.push(node.outputs[0]);
      else found.push(node);
    }
  }
  return found;
}

/** The number of features that a matrix product or a scaler is made for, where the input's shape leaves it open. */
function widthOfNodes({ graph }: OnnxModel, nodes: readonly Node[]): number | undefined {
  for (const { op, inputs, attributes } of nodes) {
    const shape = graph.initializers.get(inputs[1])?.shape;
    if (op === 'MatMul' && shape?.length === 2) return shape[0];
    if (op === 'Gemm' && shape?.length === 2) {
      const { transB } = attributes;
      return transB?.kind === 'int' && transB.value === 1 ? shape[1] : shape[0];
    }
    const { offset } = attributes;
    if (op === 'Scaler' && offset?.kind === 'floats' && offset.value.length > 1) return offset.value.length;
  }
  return undefined;
}
