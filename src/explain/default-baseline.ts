import type { Baseline } from '../attribution/baseline.ts';
import type { GivenBaseline } from '../attribution/baselines/kind.ts';
import { sampleBaseline } from '../attribution/baselines/sample.ts';
import { tokensBaseline } from '../attribution/baselines/tokens.ts';
import { holdsTokens } from '../attribution/tokens.ts';
import { emptyToken } from '../data/inputs/empty-token.ts';
import { colourInModelUnits } from '../data/inputs/image-input.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import type { Tokenizer } from '../data/inputs/tokenizer.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import { WhereforeError } from '../errors.ts';
import { convert } from '../tensor/convert.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';

/**
 * A baseline by the kind of input: the colour black for an image, other rows of the file for the row of a table, the
 * tokenizer's empty token for text (else token 0), zeros for numbers.
 */
export function defaultBaseline(model: LoadedModel, input: ModelInput, tokenizer?: Tokenizer): Baseline {
  if (input.image) return colourBaseline(input, [0, 0, 0], 'black image');
  if (input.sample) return sampleBaseline(input.sample);
  const hasFloats = [...input.tensors.values()].some((tensor) => tensor.type === 'float32');
  const hasTokens = model.graph.inputs.some(({ name }) => holdsTokens(model.graph, name));
  if (hasFloats || !hasTokens) return { kind: 'zero' };
  if (!tokenizer) return { kind: 'tokens', id: 0 };
  const empty = emptyToken(tokenizer, 'mask') ?? emptyToken(tokenizer, 'pad') ?? emptyToken(tokenizer, 'unk');
  return tokensBaseline(tokenizer, empty ?? { id: 0, token: tokenizer.textOf(0) });
}

/**
 * An image of one colour (RGB, 0–255), in the model's own units: of the input that is described as an image, whether
 * it was given as one or as a tensor.
 */
export function colourBaseline(
  { tensors, image, layout }: ModelInput,
  colour: readonly [number, number, number],
  description: string,
  preprocessing?: Preprocessing,
): GivenBaseline {
  const described = Object.entries(preprocessing?.inputs ?? {}).flatMap(([name, input]) =>
    input.kind === 'image' && tensors.has(name) ? [{ name, input }] : [],
  );
  const [name, input] = image ? [[...tensors.keys()][0], image.input] : [described[0]?.name, described[0]?.input];
  if (!input || described.length > 1) {
    throw new WhereforeError('invalid-argument', 'a colour is a baseline for images', {
      got: described.length > 1 ? `${described.length} images: ${description}` : description,
      fix: 'use zero, mean or constant:NUMBER, or name the input: --baseline NAME=black',
    });
  }
  const tensor = tensors.get(name) as Tensor;
  const values = new Float32Array(tensor.data.length);
  const units = colourInModelUnits(colour, input);
  const channelAxis = image ? (layout.channelAxis ?? 1) : input.layout === 'NCHW' ? 1 : 3;
  const inner = tensor.shape.slice(channelAxis + 1).reduce((a, b) => a * b, 1);
  for (let i = 0; i < values.length; i++) values[i] = units[Math.floor(i / inner) % units.length];
  const filled = convert(float32(tensor.shape, values), tensor.type);
  return { kind: 'input', tensors: new Map([[name, filled]]), description };
}
