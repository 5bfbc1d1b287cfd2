import type { Baseline } from '../attribution/baseline.ts';
import { colourInModelUnits } from '../data/image-input.ts';
import type { LoadedModel } from '../data/load-model.ts';
import type { ModelInput } from '../data/model-input.ts';
import { WhereforeError } from '../errors.ts';
import { float32 } from '../tensor/tensor.ts';

/** A baseline by the kind of input: the colour black for a picture, zeros for numbers, token 0 for text. */
export function usualBaseline(model: LoadedModel, input: ModelInput): Baseline {
  if (input.picture) return colourBaseline(input, [0, 0, 0], 'black picture');
  const hasFloats = [...input.tensors.values()].some((tensor) => tensor.type === 'float32');
  return hasFloats || !model.graph.inputs.some(({ type }) => type === 'int64')
    ? { kind: 'zero' }
    : { kind: 'tokens', id: 0 };
}

/** A picture of one colour (RGB, 0–255), in the model's own units. */
export function colourBaseline(
  input: ModelInput,
  colour: readonly [number, number, number],
  description: string,
): Baseline {
  const { picture } = input;
  if (!picture)
    throw new WhereforeError('invalid-argument', 'a colour is a baseline for pictures', {
      got: description,
      fix: 'use zero, mean or constant:NUMBER',
    });
  const [[, tensor]] = [...input.tensors];
  const values = new Float32Array(tensor.data.length);
  const units = colourInModelUnits(colour, picture.input);
  const { channelAxis = 1 } = input.layout;
  const inner = tensor.shape.slice(channelAxis + 1).reduce((a, b) => a * b, 1);
  for (let i = 0; i < values.length; i++) values[i] = units[Math.floor(i / inner) % units.length];
  return { kind: 'input', tensor: float32(tensor.shape, values), description };
}
