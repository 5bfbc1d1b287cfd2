import { proposedLayers } from '../attribution/branches.ts';
import { checkLayer, isCut } from '../attribution/layer.ts';
import type { LayerCandidate } from '../attribution/layers.ts';
import { type MethodName, methods as methodTable } from '../attribution/methods/index.ts';
import type { Target } from '../attribution/targets/kinds/index.ts';
import { targetOutput } from '../attribution/targets/target.ts';
import { holdsTokens } from '../attribution/tokens.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { WhereforeError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { elementsRead } from '../onnx/graph.ts';
import type { Specialised } from '../runtime/executor.ts';
import { floatInputs } from '../runtime/float-inputs.ts';
import { formatShape, sameShape, sizeOf } from '../tensor/tensor.ts';
import { gradientObstacle } from './inspect.ts';

/** Where a question is asked: the model for this input, from the explained inputs to the target. */
export interface LayerQuestion {
  readonly model: LoadedModel;
  readonly specialised: Specialised;
  readonly explained: readonly string[];
  readonly target: Target;
}

/** A layer that a method is asked about, with what was chosen for it. */
export interface ChosenLayer {
  readonly layer: readonly string[];
  readonly notes: readonly string[];
  /** Why there is no such layer after all. */
  readonly problem?: WhereforeError;
}

/**
 * The names that a layer is written with; `input` and `all` stand for themselves.
 * @throws WhereforeError `unknown-name` with the nearest names
 */
export function namesOf(model: LoadedModel, text: string): string[] {
  if (text === 'input' || text === 'all' || model.types.has(text)) return [text];
  const names = text.split('+').map((name) => name.trim());
  for (const name of names) {
    if (model.types.has(name)) continue;
    const known = [
      ...model.graph.inputs.map((input) => input.name),
      ...model.graph.nodes.flatMap(({ outputs }) => outputs),
    ];
    const guess = nearest(name, ['input', 'all', ...known]) ?? known.find((other) => name && other.includes(name));
    throw new WhereforeError('unknown-name', `the model has no layer "${name}"`, {
      guess,
      fix: `list them with: wherefore inspect ${model.path ?? model.name} --all`,
    });
  }
  checkLayer(model.graph, { names });
  return names;
}

/** Axes behind batch and channels, each longer than 1: what can say where. */
function isOverSpace({ shape }: { readonly shape: readonly number[] }): boolean {
  return shape.length > 2 && shape.slice(2).every((length) => length > 1);
}

/**
 * Single values over space between the explained inputs and the target, in order, the best to read a map from last: the
 * layers worth explaining, before a classifier averages its class scores over space. Of three axes they are those of a
 * convolution along a signal; other values of three axes hold tokens.
 */
function spatialLayers({ specialised: { graph, facts }, explained, target }: LayerQuestion): LayerCandidate[] {
  const output = targetOutput(graph, facts, target);
  const { worth, all } = proposedLayers(graph, facts, explained, output);
  const classes = sizeOf((facts.shapes.get(output) ?? []).slice(1));
  const convolved = all.filter(({ operator }) => operator === 'Conv').map(({ shape }) => shape);
  const spatial = all.filter(
    (candidate) =>
      isOverSpace(candidate) &&
      (candidate.shape.length > 3 || convolved.some((shape) => sameShape(shape, candidate.shape))),
  );
  const features = spatial.filter(({ shape }) => shape[1] !== classes);
  const named = new Set(worth.flatMap(({ names }) => (names.length === 1 ? names : [])));
  const best = features.filter(({ name }) => named.has(name));
  return best.length > 0 ? best : features.length > 0 ? features : spatial;
}

/** The last spatial layer from which everything goes on: one value, or the levels of a feature pyramid together. */
function lastSpatialCut({
  specialised: { graph, facts },
  explained,
  target,
}: LayerQuestion): readonly string[] | undefined {
  const output = targetOutput(graph, facts, target);
  const classes = sizeOf((facts.shapes.get(output) ?? []).slice(1));
  return proposedLayers(graph, facts, explained, output).worth.findLast(({ shapes }) =>
    shapes.every((shape) => shape.length > 3 && isOverSpace({ shape }) && shape[1] !== classes),
  )?.names;
}

/** The input; for gradients of tokens where they become numbers. */
function inputLayer(question: LayerQuestion, method: MethodName): ChosenLayer {
  const { model, specialised, explained, target } = question;
  const { graph, facts } = specialised;
  const isFloat = explained.every((name) => model.types.get(name) === 'float32');
  if (isFloat || methodTable[method].needs !== 'gradient' || floatInputs(model, explained))
    return { layer: explained, notes: [] };
  const [embedding] = proposedLayers(graph, facts, explained, targetOutput(graph, facts, target)).all;
  if (!embedding) return { layer: explained, notes: [] };
  const tokens = explained.some((name) => holdsTokens(model.graph, name));
  const what = tokens ? 'tokens are no numbers to differentiate' : 'the model computes with whole numbers first';
  const layer = madeReal(question, embedding) ?? [embedding.name];
  const note = `${what}: explained at ${layer.map((name) => `"${name}"`).join(' + ')}, where they become numbers`;
  return { layer, notes: [note] };
}

/**
 * The embeddings of a quantised table that becomes numbers at several places: all values, of as many elements each, that
 * are the first floats behind the explained inputs, where these separate them from the output.
 */
function madeReal(
  { model, specialised: { graph, facts }, explained, target }: LayerQuestion,
  embedding: LayerCandidate,
): readonly string[] | undefined {
  const whole = new Set(explained);
  const real: string[] = [];
  for (const node of graph.nodes) {
    if (![...elementsRead(node)].some((name) => whole.has(name))) continue;
    for (const name of node.outputs) {
      if (model.types.get(name) === 'float32') real.push(name);
      else whole.add(name);
    }
  }
  const size = sizeOf(embedding.shape);
  const isWhole = real.length > 1 && real.every((name) => sizeOf(facts.shapes.get(name) ?? []) === size);
  return isWhole && isCut(graph, { names: real }, explained, targetOutput(graph, facts, target)) ? real : undefined;
}

/**
 * The layers that a method is asked about where the caller names none, in `explain` and in `evaluate`: methods for
 * layers over space the last one of them, others the input.
 * @param both the input, and the last spatial layer as well
 */
function defaultLayers(question: LayerQuestion, method: MethodName, both: boolean): ChosenLayer[] {
  if (methodTable[method].layers === 'spatial') {
    const last = spatialLayers(question).at(-1);
    if (last) return [{ layer: [last.name], notes: [] }];
    const problem = new WhereforeError(
      'wrong-shape',
      `${method} needs a layer with channels and space, and the model has none`,
      { fix: 'choose a method for any layer: --method integrated-gradients' },
    );
    return [{ layer: question.explained, notes: [], problem }];
  }
  const inner = both ? lastSpatialCut(question) : undefined;
  return [inputLayer(question, method), ...(inner ? [{ layer: inner, notes: [] }] : [])];
}

/**
 * The layers that a word of the caller stands for; without one {@link defaultLayers}.
 * @param both see there
 */
export function layersFor(
  question: LayerQuestion,
  text: string | undefined,
  method: MethodName,
  both: boolean,
): ChosenLayer[] {
  if (text === undefined) return defaultLayers(question, method, both);
  const { model, specialised, explained, target } = question;
  if (text !== 'input' && text !== 'all') return [{ layer: namesOf(model, text), notes: [] }];
  const first = inputLayer(question, method);
  if (text === 'input') return [first];
  const { graph, facts } = specialised;
  const { worth } = proposedLayers(graph, facts, explained, targetOutput(graph, facts, target));
  const others = worth.filter(({ names }) => !names.every((name) => first.layer.includes(name)));
  return [first, ...others.map(({ names }) => ({ layer: names, notes: [] }))];
}

/** Layers named to a person who has to choose another, the best first. */
const mostNamed = 3;

/** Why a method cannot explain a layer; undefined where it can. */
export function mismatch(
  question: LayerQuestion,
  layer: readonly string[],
  method: MethodName,
): WhereforeError | undefined {
  const { model, specialised, explained, target } = question;
  const { graph, facts } = specialised;
  const { layers, needs } = methodTable[method];
  const where = layer.join(' + ');
  if (layers === 'input' && !layer.every((name) => explained.includes(name))) {
    return new WhereforeError('invalid-argument', `${method} explains the input only`, {
      got: where,
      fix: 'choose --layer input, or another method',
    });
  }
  if (layers === 'spatial' && layer.length > 1) {
    return new WhereforeError('wrong-shape', `${method} explains one convolutional layer at a time`, {
      got: where,
      fix: 'choose one of them, or a method for any layer: --method integrated-gradients',
    });
  }
  for (const name of layer) {
    const type = model.types.get(name);
    const shape = facts.shapes.get(name) ?? [];
    if (needs === 'gradient' && type !== 'float32' && !floatInputs(model, layer)) {
      return new WhereforeError('wrong-type', `layer "${name}" has no gradient`, {
        got: `${type} elements of shape ${formatShape(shape)}`,
        expected: 'float32',
        fix: 'choose a layer of floats; wherefore inspect --all lists them',
      });
    }
    if (layers === 'spatial' && !isOverSpace({ shape })) {
      const right = spatialLayers(question).slice(-mostNamed).reverse();
      return new WhereforeError(
        'wrong-shape',
        `${method} needs a layer with channels and space, which "${name}" has not`,
        {
          got: formatShape(shape),
          expected: 'batch × channels × positions',
          fix: `choose ${right.length > 0 ? right.map((one) => `--layer ${one.name} (${formatShape(one.shape)})`).join(', ') : 'a model with convolutions'}, or --method integrated-gradients`,
        },
      );
    }
  }
  const obstacle =
    needs === 'gradient' ? gradientObstacle(graph, layer, targetOutput(graph, facts, target)) : undefined;
  if (obstacle) {
    const fitting = Object.keys(methodTable).filter((name) => methodTable[name].needs === 'outputs');
    return new WhereforeError(
      'not-differentiable',
      `${method} needs a gradient, which cannot pass ${obstacle.operator}`,
      {
        where: `node "${obstacle.node}"`,
        got: obstacle.why,
        fix: `use a method that needs outputs only: --method ${fitting.join(' or ')}`,
      },
    );
  }
  return undefined;
}
