import { WhereforeError } from '../errors.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { readInitializer } from '../onnx/initializer.ts';
import { formatShape, sameShape, type Tensor } from '../tensor/tensor.ts';

/** Key of the model file's metadata that lists the trainable initializers, as a JSON array of names. */
export const trainableKey = 'wherefore.trainable';

/**
 * Names of a model's trainable parameters: those asked for, or those that the file's metadata lists.
 * @throws WhereforeError `invalid-argument` when neither says it, `unknown-name` or `wrong-type` for a name that is
 *   not a float32 initializer
 */
export function trainableParameters(model: OnnxModel, names?: readonly string[]): readonly string[] {
  const chosen = names ?? listed(model);
  const { initializers } = model.graph;
  for (const name of chosen) {
    const initializer = initializers.get(name);
    if (!initializer) {
      throw new WhereforeError('unknown-name', `there is no parameter "${name}" in the model`, {
        expected: [...initializers.keys()].join(', '),
      });
    }
    if (initializer.type !== 'float32') {
      throw new WhereforeError('wrong-type', `parameter "${name}" cannot be trained`, {
        got: initializer.type,
        expected: 'float32',
      });
    }
  }
  return chosen;
}

function listed(model: OnnxModel): readonly string[] {
  const list = model.metadata.get(trainableKey);
  if (list === undefined) {
    throw new WhereforeError('invalid-argument', 'the model does not say which of its initializers are trainable', {
      got: [...model.graph.initializers.keys()].join(', '),
      fix: 'name them in `trainable`',
    });
  }
  return JSON.parse(list) as string[];
}

/** The parameters' tensors, by name. Weights that lie in a file beside the model must have been read before. */
export function readParameters(model: OnnxModel, names: readonly string[]): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const name of names) {
    const initializer = model.graph.initializers.get(name);
    if (!initializer) throw new WhereforeError('unknown-name', `there is no parameter "${name}" in the model`);
    tensors.set(name, readInitializer(initializer));
  }
  return tensors;
}

/** The model with other weights; shapes and types must stay. @throws WhereforeError `wrong-shape` or `unknown-name` */
export function withParameters(model: OnnxModel, parameters: ReadonlyMap<string, Tensor>): OnnxModel {
  const initializers = new Map(model.graph.initializers);
  for (const [name, tensor] of parameters) {
    const old = initializers.get(name);
    if (!old) throw new WhereforeError('unknown-name', `there is no parameter "${name}" in the model`);
    if (!sameShape(old.shape, tensor.shape) || old.type !== tensor.type) {
      throw new WhereforeError('wrong-shape', `parameter "${name}"`, {
        got: `${tensor.type} ${formatShape(tensor.shape)}`,
        expected: `${old.type} ${formatShape(old.shape)}`,
      });
    }
    initializers.set(name, { name, type: tensor.type, shape: tensor.shape, location: { kind: 'memory', tensor } });
  }
  return { ...model, graph: { ...model.graph, initializers } };
}
