import type { Baseline, InputBaseline } from '../attribution/baseline.ts';
import type { BaselineSurroundings, GivenBaseline } from '../attribution/baselines/kind.ts';
import { baselineForms, readBaseline } from '../attribution/baselines/text.ts';
import { explainedInputs } from '../attribution/explained.ts';
import { portablePath } from '../data/files/portable-path.ts';
import { emptyToken, emptyTokens } from '../data/inputs/empty-token.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import { readNamedTensor } from '../data/inputs/named-tensor.ts';
import { readModelInputs } from '../data/inputs/read-model-input.ts';
import { readSample } from '../data/inputs/sample.ts';
import { fittedInput } from '../data/inputs/tensor-input.ts';
import { tokenizerOf } from '../data/inputs/tokenizer-of.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import type { Preprocessing } from '../data/model/preprocessing.ts';
import { WhereforeError } from '../errors.ts';
import { colourBaseline } from '../explain/default-baseline.ts';
import { assigned, listOf } from '../forms.ts';
import { requiredInputs } from '../onnx/graph.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** How baselines are written, for help and messages. */
export const baselinesText = `${baselineForms}; for several inputs NAME=BASELINE,NAME=BASELINE`;

/**
 * Baselines of one option: `black,mean,blur:8`; commas between digits belong to the rows of a table. Parts that name an
 * input belong together, until a name comes again: `image=black,table=mean` is one baseline.
 */
export function baselines(text: string, before: readonly string[] = []): string[] {
  const found = [...before];
  let names = new Set<string>();
  for (const part of listOf(text)) {
    const name = assigned(part)?.name;
    if (name !== undefined && names.size > 0 && !names.has(name)) found[found.length - 1] += `,${part}`;
    else {
      found.push(part);
      names = new Set();
    }
    if (name !== undefined) names.add(name);
  }
  return found;
}

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
  return readBaseline(text, surroundingsOf(model, preprocessing));
}

/** What the texts of baselines may speak of: the model's tokenizer, and files read as the model's inputs are. */
function surroundingsOf(model: LoadedModel, preprocessing: Preprocessing): BaselineSurroundings {
  return {
    tokenizer: () => tokenizerOf(model, preprocessing),
    token: (name) => namedToken(name as keyof typeof emptyTokens, model, preprocessing),
    sample: (place) => readSample(model, place, preprocessing),
    file: (path) => fileBaseline(path, model, preprocessing),
    colour: (input, colour, description) => colourBaseline(input, colour, description, preprocessing),
  };
}

async function fileBaseline(
  text: string,
  model: LoadedModel,
  preprocessing: Preprocessing,
): Promise<(input: ModelInput) => GivenBaseline> {
  const file = await onlyInput(text, model, preprocessing);
  return (input) => {
    const floats = [...input.tensors].filter(([, { type }]) => type === 'float32').map(([key]) => key);
    const explained =
      floats.length > 0 ? floats : explainedInputs(model, { kind: 'input', tensors: file.tensors, description: text });
    const tensors = new Map(explained.map((key) => [key, tensorOf(file.tensors, key, text)]));
    return { kind: 'input', tensors, description: portablePath(text, process.cwd()) };
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
  const parts = listOf(text).map(assigned);
  const isNamed = parts.some((part) => part && inputs.includes(part.name));
  if (!isNamed) return undefined;
  const read = new Map<string, (input: ModelInput) => Baseline>();
  for (const part of parts) {
    if (!part || !inputs.includes(part.name)) {
      throw new WhereforeError('unknown-name', '--baseline: a part does not name an input', {
        got: part ? `"${part.name}"` : text,
        expected: inputs.map((name) => `"${name}"`).join(', '),
      });
    }
    read.set(part.name, await parseOne(part.name, part.value, model, preprocessing));
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
  return () => ({ kind: 'input', tensor: fitted, description: portablePath(text, process.cwd()) });
}

/** An input with nothing but one of its tensors. */
function onlyNamed(input: ModelInput, name: string): ModelInput {
  return { ...input, tensors: new Map([[name, tensorOf(input.tensors, name, input.source)]]) };
}

/** A token by what it stands for, where the model's tokenizer has one. */
async function namedToken(name: keyof typeof emptyTokens, model: LoadedModel, preprocessing: Preprocessing) {
  const tokenizer = await tokenizerOf(model, preprocessing);
  const found = tokenizer && emptyToken(tokenizer, name);
  if (found) return { tokenizer, ...found };
  throw new WhereforeError('unknown-name', `--baseline ${name}: the tokenizer has no such token`, {
    got: tokenizer ? `none of ${emptyTokens[name].join(', ')}` : 'a model without a tokenizer in its wherefore.yaml',
    fix: 'name another, or give the id: tokens:ID',
  });
}
