import type { Baseline, InputBaseline } from '../attribution/baseline.ts';
import { explainedInputs } from '../attribution/explained.ts';
import { portablePath } from '../data/files/portable-path.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import { readModelInputs } from '../data/inputs/read-model-input.ts';
import { readSample } from '../data/inputs/sample.ts';
import { fittedInput, readNamedTensor } from '../data/inputs/tensor-input.ts';
import { tokenizerOf } from '../data/inputs/text-input.ts';
import { emptyToken, emptyTokens } from '../data/inputs/tokenizer.ts';
import type { LoadedModel } from '../data/model/load-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import { WhereforeError } from '../errors.ts';
import { colourBaseline, sampleBaseline, tokensBaseline } from '../explain/default-baseline.ts';
import { nearest } from '../nearest.ts';
import { requiredInputs } from '../onnx/graph.ts';
import type { Tensor } from '../tensor/tensor.ts';

const forms =
  'zero, mean, black, white, grey, #rrggbb, constant:NUMBER, blur:SIGMA, noise:SEED, sample:PLACE[#ROWS] (a table, a folder of images, an array), pad, mask, unk, tokens:ID, or a file; for several inputs NAME=BASELINE,NAME=BASELINE';

/** What a baseline is called: words alone, and kinds with something after a colon. */
const words: readonly string[] = ['zero', 'mean', 'black', 'white', 'grey', 'pad', 'mask', 'unk'];
const kinds: readonly string[] = ['constant', 'blur', 'noise', 'sample', 'tokens'];

/** `NAME=BASELINE`, a baseline for one of several inputs. */
const named = /^([^=]+)=(.*)$/s;

/**
 * Baselines of one option: `black,mean,blur:8`; commas between digits belong to the rows of a table. Parts that name an
 * input belong together, until a name comes again: `image=black,table=mean` is one baseline.
 */
export function baselines(text: string, before: readonly string[] = []): string[] {
  const found = [...before];
  let names = new Set<string>();
  for (const part of text.split(/,(?!\d)/).map((piece) => piece.trim())) {
    const name = named.exec(part)?.[1];
    if (name !== undefined && names.size > 0 && !names.has(name)) found[found.length - 1] += `,${part}`;
    else {
      found.push(part);
      names = new Set();
    }
    if (name !== undefined) names.add(name);
  }
  return found;
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
  const byInput = await eachInput(text, model, preprocessing);
  if (byInput) return byInput;
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
  if (colour) return (input) => colourBaseline(input, colour, `${text} image`, preprocessing);
  if (!/[./\\]/.test(text)) throw invalid(text);
  const file = await onlyInput(text, model, preprocessing);
  return (input) => {
    const floats = [...input.tensors].filter(([, { type }]) => type === 'float32').map(([key]) => key);
    const explained =
      floats.length > 0 ? floats : explainedInputs(model, { kind: 'input', tensors: file.tensors, description: text });
    const tensors = new Map(explained.map((key) => [key, tensorOf(file.tensors, key, text)]));
    return { kind: 'input', tensors, description: portablePath(text) };
  };
}

async function onlyInput(text: string, model: LoadedModel, preprocessing: Preprocessing): Promise<ModelInput> {
  const [file, ...more] = await readModelInputs(model, text, preprocessing);
  if (more.length === 0) return file;
  throw new WhereforeError('invalid-argument', '--baseline: one input to compare with', {
    got: `${1 + more.length} inputs in ${text}`,
    fix: `name one of them, or compare with their average: sample:${text}`,
  });
}

function tensorOf(tensors: ReadonlyMap<string, Tensor>, name: string, where: string): Tensor {
  const tensor = tensors.get(name);
  if (tensor) return tensor;
  throw new WhereforeError('unknown-name', `the baseline has no input "${name}"`, {
    where,
    got: [...tensors.keys()].map((key) => `"${key}"`).join(', '),
    fix: `give a file with every input, or name those to explain: --baseline NAME=…,NAME=…`,
  });
}

/** A baseline for each of several inputs, `image=black,table=mean`; undefined for a text that names none. */
async function eachInput(
  text: string,
  model: LoadedModel,
  preprocessing: Preprocessing,
): Promise<((input: ModelInput) => Baseline) | undefined> {
  const inputs = requiredInputs(model.graph).map(({ name }) => name);
  const parts = text.split(/,(?!\d)/).map((part) => named.exec(part.trim()));
  const isNamed = parts.some((part) => part && inputs.includes(part[1]));
  if (!isNamed) return undefined;
  const read = new Map<string, (input: ModelInput) => Baseline>();
  for (const part of parts) {
    if (!part || !inputs.includes(part[1])) {
      throw new WhereforeError('unknown-name', '--baseline: a part does not name an input', {
        got: part ? `"${part[1]}"` : text,
        expected: inputs.map((name) => `"${name}"`).join(', '),
      });
    }
    const [, name, own] = part;
    read.set(name, await parseOne(name, own, model, preprocessing));
  }
  return (input) => ({
    kind: 'each',
    baselines: new Map([...read].map(([name, of]) => [name, of(onlyNamed(input, name)) as InputBaseline])),
  });
}

/** The baseline of one input; a file may be a tensor without a name. */
async function parseOne(
  name: string,
  text: string,
  model: LoadedModel,
  preprocessing: Preprocessing,
): Promise<(input: ModelInput) => Baseline> {
  if (!/\.(npy|npz|safetensors)$/i.test(text)) return parseBaseline(text, model, preprocessing);
  const [, tensor] = await readNamedTensor(model, `${name}=${text}`);
  const fitted = fittedInput(model, name, tensor, text);
  return () => ({ kind: 'input', tensor: fitted, description: portablePath(text) });
}

/** An input with nothing but one of its tensors. */
function onlyNamed(input: ModelInput, name: string): ModelInput {
  return { ...input, tensors: new Map([[name, tensorOf(input.tensors, name, input.source)]]) };
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

/** A token by its number. Where the model's tokenizer is known, the special tokens of a text stay. */
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
  const guess = nearest(text, words) ?? nearest(text.split(':')[0], kinds);
  const argument = text.includes(':') && !words.includes(guess ?? '') ? text.slice(text.indexOf(':') + 1) : '';
  return new WhereforeError('invalid-argument', `--baseline ${text}: there is no such baseline`, {
    guess: guess && (kinds.includes(guess) ? `${guess}:${argument}` : guess),
    expected: forms,
  });
}
