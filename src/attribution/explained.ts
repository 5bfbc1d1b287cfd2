import { WhereforeError } from '../errors.ts';
import { handlesMissing } from '../runtime/missing-values.ts';
import type { Model } from '../runtime/model.ts';
import type { Tensors } from '../runtime/runtime.ts';
import type { DataType, Tensor } from '../tensor/tensor.ts';
import { type Baseline, type InputBaseline, type InputLayout, resolveBaselines } from './baseline.ts';
import { baselineKind } from './baselines/index.ts';
import { checkTokens, holdsTokens } from './tokens.ts';

/** Element types of whole numbers that are not ids of tokens: pixels, columns. */
const wholeNumbers: ReadonlySet<DataType | undefined> = new Set([
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'uint32',
  'int64',
  'uint64',
]);

/**
 * Inputs that a baseline replaces where the caller names none: those that it names; for tokens the first input of ids;
 * for numbers the inputs of floats, and where there is none those of whole numbers.
 * @throws WhereforeError `unknown-name` for a name that is no input, `invalid-argument` where there is none to explain
 */
export function explainedInputs(model: Model, baseline: Baseline | undefined): string[] {
  const named = baseline && namedInputs(baseline);
  if (named) return known(model, named);
  const inputs = model.graph.inputs.map(({ name }) => ({ name, type: model.types.get(name) }));
  const ofType = (type: DataType) => inputs.filter((input) => input.type === type).map(({ name }) => name);
  const given = baseline?.kind === 'input' ? baseline.tensor?.type : undefined;
  const tokens = [...ofType('int64'), ...ofType('int32')];
  const wantsTokens =
    baselineKind(baseline?.kind ?? '')?.replaces === 'tokens' ||
    (given === 'int64' && inputs.some(({ name }) => holdsTokens(model.graph, name)));
  // A language model's mask and positions are int64 as well; its tokens come first.
  if (wantsTokens) return some(model, 'int64', tokens.slice(0, 1));
  if (given && given !== 'float32') return some(model, given, ofType(given));
  const floats = ofType('float32');
  if (floats.length > 0 || inputs.some(({ name }) => holdsTokens(model.graph, name)))
    return some(model, 'float32', floats);
  const numbers = inputs.filter(({ type }) => wholeNumbers.has(type)).map(({ name }) => name);
  return some(model, 'float32', numbers);
}

/** The inputs that a baseline itself names. */
function namedInputs(baseline: Baseline): readonly string[] | undefined {
  if (baseline.kind === 'each') return [...baseline.baselines.keys()];
  if (baseline.kind === 'sample' || baseline.kind === 'input') return baseline.tensors && [...baseline.tensors.keys()];
  return undefined;
}

function known({ graph }: Model, named: readonly string[]): string[] {
  const names = graph.inputs.map(({ name }) => name);
  const unknown = named.find((name) => !names.includes(name));
  if (unknown === undefined && named.length > 0) return names.filter((name) => named.includes(name));
  throw new WhereforeError('unknown-name', 'the baseline is for an input that the model does not have', {
    got: unknown === undefined ? 'none' : `"${unknown}"`,
    expected: names.map((name) => `"${name}"`).join(', '),
  });
}

function some(model: Model, type: DataType, names: string[]): string[] {
  if (names.length > 0) return names;
  throw new WhereforeError('invalid-argument', `the model has no ${type} input to explain`, {
    got: model.graph.inputs.map(({ name }) => `"${name}" ${model.types.get(name)}`).join(', '),
    fix:
      type === 'float32'
        ? 'use a token baseline (--baseline tokens:ID) and a layer of floats such as the embedding'
        : undefined,
  });
}

/** Kinds of baseline that compute numbers, which ids of tokens are not. */
const ofNumbers: ReadonlySet<InputBaseline['kind']> = new Set(['zero', 'constant', 'mean', 'blur', 'noise']);

/**
 * All inputs at every baseline: one, each row of a sample, or each draw of noise.
 * @throws WhereforeError as {@link resolveBaselines}; `wrong-type` for numbers in place of tokens, `out-of-range` for
 *   tokens that the model does not know
 */
export function baselineInputs(
  { graph }: Pick<Model, 'graph'>,
  inputs: Tensors,
  explained: readonly string[],
  baseline: Baseline,
  layout: InputLayout = {},
): Map<string, Tensor>[] {
  for (const name of explained) {
    const own = baseline.kind === 'each' ? baseline.baselines.get(name) : baseline;
    if (!own || !ofNumbers.has(own.kind) || !holdsTokens(graph, name)) continue;
    throw new WhereforeError('wrong-type', `a ${own.kind} baseline needs an input of numbers`, {
      where: `input "${name}"`,
      got: 'ids of tokens',
      fix: 'use a token baseline and explain a layer of floats, e.g. the embedding',
    });
  }
  const points = resolveBaselines(inputs, explained, baseline, layout, (name) => handlesMissing(graph, name));
  for (const point of points) checkTokens(graph, point, 'the baseline');
  return points;
}
