import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph, OnnxModel } from '../onnx/graph.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { float32, type Tensor, tensor } from '../tensor/tensor.ts';
import type { Divisor, WeightedBatch } from './batch.ts';
import { appendLoss, type Loss } from './losses.ts';
import { type Optimizer, optimizerRule } from './optimizers.ts';

/** The model with its trainable initializers as inputs: nothing may fold or prepack what will change. */
export function weightsAsInputs(model: OnnxModel, names: readonly string[]): OnnxModel {
  const initializers = new Map(model.graph.initializers);
  const inputs = model.graph.inputs.filter(({ name }) => !names.includes(name));
  for (const name of names) {
    const weight = initializers.get(name);
    if (!weight) throw new WhereforeError('unknown-name', `there is no parameter "${name}" in the model`);
    initializers.delete(name);
    inputs.push({ name, type: weight.type, shape: weight.shape });
  }
  return { ...model, graph: { ...model.graph, inputs, initializers } };
}

/** A model with its loss appended: names of values. */
export interface Forward {
  readonly graph: Graph;
  readonly inputs: readonly string[];
  readonly target: string;
  readonly weights: string;
  /** Weights that the sum of losses is divided by, where they are not those that it is weighted with. */
  readonly divisors: string | undefined;
  readonly total: string;
  /** Holds 1, the gradient that the loss is seeded with. */
  readonly seed: string;
}

/** Appends the loss of a batch of fixed size: `Σ sᵢ·lossᵢ / Σ dᵢ·massᵢ`, where d is s or what {@link Divisor} says. */
export function withLoss(
  graph: Graph,
  { loss, divisor = 'weights' }: { readonly loss: Loss; readonly divisor?: Divisor },
  output: string,
  example: WeightedBatch,
): Forward {
  const builder = new GraphBuilder(graph, { prefix: 'train/' });
  const target = builder.input(builder.fresh('target'), example.targets.type, example.targets.shape);
  const weights = builder.input(builder.fresh('sample-weight'), 'float32', [example.weights.length]);
  const divisors =
    divisor === 'rows' ? builder.input(builder.fresh('divisor'), 'float32', [example.weights.length]) : undefined;
  const perSample = appendLoss(builder, loss, output, target);
  const sum = (factors: string, name: string) =>
    builder.op('ReduceSum', [builder.op('Mul', [factors, name]), builder.ints([0])], { keepdims: 0 });
  const parts = [sum(weights, perSample.loss), sum(divisors ?? weights, perSample.mass)];
  // A model may have a node called "loss" itself.
  const total = builder.op('Div', parts, {}, { outputs: [builder.fresh('loss')] });
  const seed = builder.scalar(1);
  builder.output(total, 'float32', []);
  return { graph: builder.build(), inputs: [...example.inputs.keys()], target, weights, divisors, total, seed };
}

/** What a batch feeds. @throws WhereforeError `unknown-name` when it lacks an input */
export function batchFeeds(forward: Forward, batch: WeightedBatch): Map<string, Tensor> {
  const feeds = new Map<string, Tensor>();
  for (const name of forward.inputs) {
    const value = batch.inputs.get(name);
    if (!value)
      throw new WhereforeError('unknown-name', `the batch has no input "${name}"`, {
        got: [...batch.inputs.keys()].join(', '),
      });
    feeds.set(name, value);
  }
  feeds.set(forward.target, batch.targets);
  feeds.set(forward.weights, float32([batch.weights.length], batch.weights));
  const { divisors = batch.weights } = batch;
  if (forward.divisors) feeds.set(forward.divisors, float32([divisors.length], divisors));
  return feeds;
}

/** A graph with the optimizer's update appended. */
export interface Updated {
  readonly graph: Graph;
  /** New weight or state → the input that it becomes. */
  readonly carry: ReadonlyMap<string, string>;
  /** State 0 of every parameter, by `<parameter>/<what>`. */
  readonly state: ReadonlyMap<string, Tensor>;
  readonly stateInputs: ReadonlyMap<string, string>;
  /** The optimizer's scalar → the input that it is fed to. */
  readonly scalars: Readonly<Record<string, string>>;
  readonly norm: string | undefined;
}

/** The gradients of all parameters. @throws WhereforeError `invalid-argument` when one has no part in the loss */
export function connected(
  trainable: readonly string[],
  gradients: ReadonlyMap<string, string | undefined>,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of trainable) {
    const gradient = gradients.get(name);
    if (gradient === undefined)
      throw new WhereforeError('invalid-argument', `parameter "${name}" has no part in the loss`, {
        fix: 'leave it out of `trainable`',
      });
    found.set(name, gradient);
  }
  return found;
}

/** Appends the optimizer's update of every parameter; new weights and new state become outputs. */
export function withUpdate(
  backward: Graph,
  optimizer: Optimizer,
  trainable: readonly string[],
  gradients: ReadonlyMap<string, string | undefined>,
  parameters: Tensors,
  clipNorm: number | undefined,
): Updated {
  const builder = new GraphBuilder(backward, { prefix: 'train/' });
  const rule = optimizerRule(optimizer);
  const found = [...connected(trainable, gradients).values()];
  const clipped = clipNorm === undefined ? { gradients: found, norm: undefined } : clip(builder, found, clipNorm);
  const scalars = Object.fromEntries(
    Object.keys(rule.scalars(1, 1)).map((name) => [name, builder.input(builder.fresh(name), 'float32', [])]),
  );
  const carry = new Map<string, string>();
  const state = new Map<string, Tensor>();
  const stateInputs = new Map<string, string>();
  trainable.forEach((name, i) => {
    const { shape } = parameters.get(name) as Tensor;
    const slots: Record<string, string> = {};
    for (const slot of rule.state) {
      slots[slot] = builder.input(builder.fresh(`${name}/${slot}`), 'float32', shape);
      stateInputs.set(`${name}/${slot}`, slots[slot]);
      state.set(`${name}/${slot}`, tensor('float32', shape));
    }
    const updated = rule.update(
      { builder, weight: name, gradient: clipped.gradients[i], state: slots, scalars },
      shape.length,
    );
    carry.set(updated.weight, name);
    for (const slot of rule.state) carry.set(updated.state[slot], slots[slot]);
  });
  for (const [output, input] of carry) builder.output(output, 'float32', parameters.get(input)?.shape);
  if (clipped.norm) builder.output(clipped.norm, 'float32', []);
  return { graph: builder.build(), carry, state, stateInputs, scalars, norm: clipped.norm };
}

/** `g ← g · min(1, c / (‖g‖ + 1e-6))` with the joint norm of all gradients (Pascanu et al. 2013, arXiv 1211.5063). */
function clip(builder: GraphBuilder, gradients: readonly string[], limit: number) {
  const squares = gradients.map((g) => builder.op('ReduceSumSquare', [g], { keepdims: 0 }));
  const norm = builder.op('Sqrt', [builder.op('Sum', squares)], {}, { name: 'gradient-norm' });
  const ratio = builder.op('Div', [builder.scalar(limit), builder.op('Add', [norm, builder.scalar(1e-6)])]);
  const factor = builder.op('Min', [ratio, builder.scalar(1)]);
  return { norm, gradients: gradients.map((g) => builder.op('Mul', [g, factor])) };
}
