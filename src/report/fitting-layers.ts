import { proposedLayers } from '../attribution/branches.ts';
import { checkLayer } from '../attribution/layer.ts';
import { type Target, targetOutput } from '../attribution/target/target.ts';
import type { LoadedModel } from '../data/load-model.ts';
import { nearest } from '../data/nearest.ts';
import { WhereforeError } from '../errors.ts';
import { type MethodName, methodTable } from '../explainer/methods.ts';
import type { Specialised } from '../runtime/executor.ts';
import { formatShape } from '../tensor/tensor.ts';
import { gradientObstacle } from './inspect.ts';

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
    const guess = nearest(name, known) ?? known.find((other) => name && other.includes(name));
    throw new WhereforeError('unknown-name', `the model has no layer "${name}"`, {
      fix: `${guess ? `did you mean "${guess}"? ` : ''}List them with: wherefore inspect ${model.path ?? model.name} --all`,
    });
  }
  checkLayer(model.graph, { names });
  return names;
}

/** The layers that a text names, for one method. */
export function layersFor(
  model: LoadedModel,
  { graph, facts }: Specialised,
  text: string,
  explained: readonly string[],
  target: Target,
  method: MethodName,
): { layer: readonly string[]; notes: readonly string[] }[] {
  if (text !== 'input' && text !== 'all') return [{ layer: namesOf(model, text), notes: [] }];
  const { worth, all } = proposedLayers(graph, facts, explained, targetOutput(graph, facts, target));
  let first: { layer: readonly string[]; notes: readonly string[] } = { layer: explained, notes: [] };
  const [embedding] = all;
  if (
    methodTable[method].needs === 'gradient' &&
    explained.some((name) => model.types.get(name) !== 'float32') &&
    embedding
  ) {
    const note = `tokens are no numbers to differentiate: explained at "${embedding.name}", where they become numbers`;
    first = { layer: [embedding.name], notes: [note] };
  }
  if (text === 'input') return [first];
  const others = worth.filter(({ names }) => !names.every((name) => first.layer.includes(name)));
  return [first, ...others.map(({ names }) => ({ layer: names, notes: [] }))];
}

/** Why a method cannot explain a layer; undefined where it can. */
export function mismatch(
  model: LoadedModel,
  { graph, facts }: Specialised,
  {
    layer,
    explained,
    method,
    output,
  }: {
    readonly layer: readonly string[];
    readonly explained: readonly string[];
    readonly method: MethodName;
    readonly output: string;
  },
): WhereforeError | undefined {
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
    if (needs === 'gradient' && type !== 'float32') {
      return new WhereforeError('wrong-type', `layer "${name}" has no gradient`, {
        got: `${type} elements of shape ${formatShape(shape)}`,
        expected: 'float32',
        fix: 'choose a layer of floats; wherefore inspect --all lists them',
      });
    }
    if (layers === 'spatial' && shape.length < 3) {
      return new WhereforeError(
        'wrong-shape',
        `${method} needs a layer with channels and space, which "${name}" has not`,
        {
          got: formatShape(shape),
          expected: 'batch × channels × positions',
          fix: 'choose a convolution or pooling layer, or --method integrated-gradients',
        },
      );
    }
  }
  const obstacle = needs === 'gradient' ? gradientObstacle(graph, layer, output) : undefined;
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
