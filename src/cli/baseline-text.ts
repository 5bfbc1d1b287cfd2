import type { Baseline } from '../attribution/baseline.ts';
import type { LoadedModel } from '../data/load-model.ts';
import { type ModelInput, readModelInputs } from '../data/model-input.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import { WhereforeError } from '../errors.ts';
import { colourBaseline } from '../report/usual-baseline.ts';

const forms = 'zero, mean, black, white, grey, #rrggbb, constant:NUMBER, blur:SIGMA, noise:SEED, tokens:ID, or a file';

const colours: Readonly<Record<string, readonly [number, number, number]>> = {
  black: [0, 0, 0],
  white: [255, 255, 255],
  grey: [128, 128, 128],
};

/**
 * Reads a baseline as a person writes it. Files and colours become tensors once the input is known.
 * @throws WhereforeError `invalid-argument` naming the forms that exist
 */
export async function parseBaseline(
  text: string,
  model: LoadedModel,
  preprocessing: Preprocessing,
): Promise<(input: ModelInput) => Baseline> {
  const [, name, number] = /^(constant|blur|noise|tokens):(-?[\d.]+(?:e-?\d+)?)$/.exec(text) ?? [];
  if (name) {
    const value = Number(number);
    if (!Number.isFinite(value)) throw invalid(text);
    if (name === 'constant') return () => ({ kind: 'constant', value });
    if (name === 'blur') return () => ({ kind: 'blur', sigma: value });
    if (name === 'noise') return () => ({ kind: 'noise', seed: value });
    return () => ({ kind: 'tokens', id: value });
  }
  if (text === 'zero') return () => ({ kind: 'zero' });
  if (text === 'mean') return () => ({ kind: 'mean' });
  const colour = colours[text] ?? hexColour(text);
  if (colour) return (input) => colourBaseline(input, colour, `${text} picture`);
  if (!/[./\\]/.test(text)) throw invalid(text);
  const [file] = await readModelInputs(model, text, preprocessing);
  return (input) => {
    const [name_] = [...input.tensors].find(([, tensor]) => tensor.type === 'float32') ?? [...input.tensors][0];
    const tensor = file.tensors.get(name_);
    if (!tensor) throw new WhereforeError('unknown-name', `the baseline has no input "${name_}"`, { where: text });
    return { kind: 'input', tensor, description: text };
  };
}

function hexColour(text: string): readonly [number, number, number] | undefined {
  const digits = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text);
  return digits
    ? [Number.parseInt(digits[1], 16), Number.parseInt(digits[2], 16), Number.parseInt(digits[3], 16)]
    : undefined;
}

function invalid(text: string): WhereforeError {
  return new WhereforeError('invalid-argument', '--baseline', { got: text, expected: forms });
}
