import type { Baseline } from '../attribution/baseline.ts';
import type { LoadedModel } from '../data/load-model.ts';
import type { ModelInput } from '../data/model-input.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import { readModelInputs } from '../data/read-model-input.ts';
import { readSample } from '../data/sample.ts';
import { tokenizerOf } from '../data/text-input.ts';
import { emptyToken, emptyTokens } from '../data/tokenizer.ts';
import { WhereforeError } from '../errors.ts';
import { colourBaseline, sampleBaseline, tokensBaseline } from '../report/usual-baseline.ts';

const forms =
  'zero, mean, black, white, grey, #rrggbb, constant:NUMBER, blur:SIGMA, noise:SEED, sample:PLACE[#ROWS] (a table, a folder of pictures, an array), pad, mask, unk, tokens:ID, or a file';

/** Baselines of one option: `black,mean,blur:8`; commas between digits belong to the rows of a table. */
export function baselines(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split(/,(?!\d)/).map((part) => part.trim())];
}

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
    return tokenNumbered(value, model, preprocessing);
  }
  if (text === 'pad' || text === 'mask' || text === 'unk') return namedToken(text, model, preprocessing);
  if (text.startsWith('sample:')) {
    const sample = sampleBaseline(await readSample(model, text.slice('sample:'.length), preprocessing));
    return () => sample;
  }
  if (text === 'zero') return () => ({ kind: 'zero' });
  if (text === 'mean') return () => ({ kind: 'mean' });
  const colour = colours[text] ?? hexColour(text);
  if (colour) return (input) => colourBaseline(input, colour, `${text} picture`);
  if (!/[./\\]/.test(text)) throw invalid(text);
  const [file, ...more] = await readModelInputs(model, text, preprocessing);
  if (more.length) {
    throw new WhereforeError('invalid-argument', '--baseline: one input to compare with', {
      got: `${1 + more.length} inputs in ${text}`,
      fix: `name one of them, or compare with their average: sample:${text}`,
    });
  }
  return (input) => {
    const [name_] = [...input.tensors].find(([, tensor]) => tensor.type === 'float32') ?? [...input.tensors][0];
    const tensor = file.tensors.get(name_);
    if (!tensor) throw new WhereforeError('unknown-name', `the baseline has no input "${name_}"`, { where: text });
    return { kind: 'input', tensor, description: text };
  };
}

/**
 * A baseline as {@link parseBaseline} reads it again.
 * @throws WhereforeError `invalid-argument` for a baseline that a word does not hold: tensors, several draws of noise
 */
export function baselineText(baseline: Baseline): string {
  const { kind } = baseline;
  if (kind === 'zero' || kind === 'mean') return kind;
  if (kind === 'constant') return `constant:${baseline.value}`;
  if (kind === 'blur') return `blur:${baseline.sigma}`;
  if (kind === 'noise' && baseline.draws === undefined) return `noise:${baseline.seed}`;
  if (kind === 'tokens' && !baseline.keep) return `tokens:${baseline.id}`;
  throw new WhereforeError('invalid-argument', 'the baseline cannot be written as --baseline', {
    got: kind,
    expected: forms,
  });
}

/** A token by its number. Where the model's tokenizer is known, the marks of a text's beginning and end stay. */
async function tokenNumbered(id: number, model: LoadedModel, preprocessing: Preprocessing): Promise<() => Baseline> {
  const tokenizer = await tokenizerOf(model, preprocessing);
  const isKnown = tokenizer && Number.isInteger(id) && id >= 0 && id < tokenizer.size;
  return () => (isKnown ? tokensBaseline(tokenizer, { id, token: tokenizer.textOf(id) }) : { kind: 'tokens', id });
}

/** A token by what it stands for, where the model's tokenizer has one. */
async function namedToken(
  name: keyof typeof emptyTokens,
  model: LoadedModel,
  preprocessing: Preprocessing,
): Promise<() => Baseline> {
  const tokenizer = await tokenizerOf(model, preprocessing);
  const found = tokenizer && emptyToken(tokenizer, name);
  if (!found) {
    throw new WhereforeError('unknown-name', `--baseline ${name}: the tokenizer has no such token`, {
      got: tokenizer ? `none of ${emptyTokens[name].join(', ')}` : 'a model without a tokenizer in its wherefore.yaml',
      fix: 'name another, or give the id: tokens:ID',
    });
  }
  return () => tokensBaseline(tokenizer, found);
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
