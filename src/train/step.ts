import { differentiate } from '../autodiff/differentiate.ts';
import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph, OnnxModel } from '../onnx/graph.ts';
import { lower } from '../onnx/lowering/index.ts';
import { Executor } from '../runtime/executor.ts';
import type { Runtime, Session, Tensors } from '../runtime/runtime.ts';
import { float32, type Tensor, tensor } from '../tensor/tensor.ts';
import { appendLoss, checkTargets, type Loss } from './losses.ts';
import { checkOptimizer, type Optimizer, optimizerRule } from './optimizers.ts';
import { readParameters, trainableParameters } from './parameters.ts';
import type { Batch } from './samples.ts';

export interface StepOptions {
  readonly model: OnnxModel;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly runtime: Runtime;
  /** Output that the loss reads. Default: the model's first. */
  readonly output?: string;
  /** Default: the initializers that the model file lists as trainable. */
  readonly trainable?: readonly string[];
  /** Gradients of a larger joint Euclidean norm are scaled down to it. Default: none. */
  readonly clipNorm?: number;
}

/** Weights and what the optimizer keeps for each, by name; state is named `<parameter>/<what>`. */
export interface TrainingState {
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly state: ReadonlyMap<string, Tensor>;
}

/** What one step reports: the loss before the update, and with clipping the norm of the gradient before it. */
export interface StepResult {
  readonly loss: number;
  readonly gradientNorm?: number;
}

/** A training step that is ready to run; weights stay with the runtime between steps. */
export interface TrainingStep {
  /** The graph: forward, loss, backward, update. */
  readonly graph: Graph;
  /** Names of the trained parameters. */
  readonly trainable: readonly string[];
  /** The model's own weights and optimizer state 0. */
  readonly initial: TrainingState;
  /** The next step starts from here. */
  restart(from: TrainingState): void;
  /** @param step counted from 1 since the start of the training; Adam corrects its bias by it */
  run(batch: Required<Batch>, step: number, learningRate: number): Promise<StepResult>;
  /** Copies of weights and optimizer state. */
  read(): Promise<TrainingState>;
  close(): Promise<void>;
}

/**
 * Builds the training step of a model as one ONNX graph and opens it:
 * `L = Σ sᵢ·lossᵢ / Σ sᵢ·massᵢ` over the batch with sample weights s, its gradient, the optimizer's update.
 *
 * Weights are inputs, new weights are outputs that the runtime carries over to the next step; only the batch goes in
 * and the loss comes out.
 * @param example A batch of the size and shapes of every later one.
 * @throws WhereforeError as {@link trainableParameters} and `differentiate`, and when a parameter does not reach the loss
 */
export async function openTrainingStep(options: StepOptions, example: Required<Batch>): Promise<TrainingStep> {
  const { loss, optimizer, runtime, clipNorm } = options;
  checkOptimizer(optimizer);
  if (clipNorm !== undefined && !(clipNorm > 0)) {
    throw new WhereforeError('invalid-argument', 'clipNorm', { got: String(clipNorm), expected: 'a positive number' });
  }
  const trainable = trainableParameters(options.model, options.trainable);
  const parameters = readParameters(options.model, trainable);
  const { model } = lower(weightsAsInputs(options.model, trainable));
  const output = options.output ?? model.graph.outputs[0].name;
  const executor = new Executor(runtime, model, undefined);
  await checkAgainstOutput(executor, model.graph, loss, output, new Map([...parameters, ...example.inputs]), example.targets);
  const forward = withLoss(model.graph, loss, output, example);
  const feeds = new Map([...parameters, ...batchFeeds(forward, example)]);
  const { graph: fixed, facts } = await executor.specialise(forward.graph, feeds);
  const { graph: backward, gradients } = differentiate(fixed, facts, { seeds: new Map([[forward.total, forward.seed]]), wrt: trainable });

  const step = withUpdate(backward, optimizer, trainable, gradients, parameters, clipNorm);
  const fetches = [forward.total, ...(step.norm ? [step.norm] : [])];
  const graph: Graph = { ...step.graph, outputs: step.graph.outputs.filter(({ name }) => fetches.includes(name) || step.carry.has(name)) };
  const session = await runtime.open({ ...model, graph });
  const initial = { parameters, state: step.state };
  return { graph, trainable, initial, ...running(session, { forward, step, fetches, initial, optimizer }) };
}

/** Checks targets against the shape that the output really has, before the runtime meets them with a message of its own. */
export async function checkAgainstOutput(executor: Executor, graph: Graph, loss: Loss, output: string, feeds: Tensors, targets: Tensor): Promise<void> {
  const { facts } = await executor.specialise(graph, feeds);
  const shape = facts.shapes.get(output);
  if (!shape) throw new WhereforeError('unknown-name', `there is no output "${output}"`, { expected: graph.outputs.map(({ name }) => name).join(', ') });
  checkTargets(loss, shape, targets);
}

/** What the running step needs of the two halves of the graph. */
interface Running {
  readonly forward: Forward;
  readonly step: Updated;
  readonly fetches: readonly string[];
  readonly initial: TrainingState;
  readonly optimizer: Optimizer;
}

function running(session: Session, { forward, step, fetches, initial, optimizer }: Running) {
  const { scalars } = optimizerRule(optimizer);
  let pending: TrainingState | undefined = initial;
  const stateNames = [...initial.state.keys()];
  const inputOf = (name: string) => step.stateInputs.get(name) as string;
  return {
    restart(from: TrainingState) {
      pending = from;
    },
    async run(batch: Required<Batch>, count: number, learningRate: number): Promise<StepResult> {
      const feeds = batchFeeds(forward, batch);
      for (const [name, value] of Object.entries(scalars(count, learningRate))) feeds.set(step.scalars[name], float32([], [value]));
      if (pending) {
        for (const [name, value] of pending.parameters) feeds.set(name, value);
        for (const [name, value] of pending.state) feeds.set(inputOf(name), value);
        pending = undefined;
      }
      const results = await session.run(feeds, fetches, { carry: step.carry });
      const number = (name: string) => Number((results.get(name) as Tensor).data[0]);
      return { loss: number(forward.total), ...(step.norm ? { gradientNorm: number(step.norm) } : {}) };
    },
    async read(): Promise<TrainingState> {
      if (pending) return pending;
      const names = [...initial.parameters.keys()];
      const read = await session.read([...names, ...stateNames.map(inputOf)]);
      const get = (input: string) => read.get(input) as Tensor;
      return {
        parameters: new Map(names.map((name) => [name, get(name)])),
        state: new Map(stateNames.map((name) => [name, get(inputOf(name))])),
      };
    },
    close: () => session.release(),
  };
}

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

interface Forward {
  readonly graph: Graph;
  readonly inputs: readonly string[];
  readonly target: string;
  readonly weights: string;
  readonly total: string;
  /** Holds 1, the gradient that the loss is seeded with. */
  readonly seed: string;
}

function withLoss(graph: Graph, loss: Loss, output: string, example: Required<Batch>): Forward {
  const builder = new GraphBuilder(graph, { prefix: 'train/' });
  const target = builder.input(builder.fresh('target'), example.targets.type, example.targets.shape);
  const weights = builder.input(builder.fresh('sample-weight'), 'float32', [example.weights.length]);
  const perSample = appendLoss(builder, loss, output, target);
  const weightedSum = (name: string) =>
    builder.op('ReduceSum', [builder.op('Mul', [weights, name]), builder.ints([0])], { keepdims: 0 });
  const total = builder.op('Div', [weightedSum(perSample.loss), weightedSum(perSample.mass)], {}, { name: 'loss' });
  const seed = builder.scalar(1);
  builder.output(total, 'float32', []);
  return { graph: builder.build(), inputs: [...example.inputs.keys()], target, weights, total, seed };
}

function batchFeeds(forward: Forward, batch: Required<Batch>): Map<string, Tensor> {
  const feeds = new Map<string, Tensor>();
  for (const name of forward.inputs) {
    const value = batch.inputs.get(name);
    if (!value) throw new WhereforeError('unknown-name', `the batch has no input "${name}"`, { got: [...batch.inputs.keys()].join(', ') });
    feeds.set(name, value);
  }
  feeds.set(forward.target, batch.targets);
  feeds.set(forward.weights, float32([batch.weights.length], batch.weights));
  return feeds;
}

interface Updated {
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

function withUpdate(
  backward: Graph,
  optimizer: Optimizer,
  trainable: readonly string[],
  gradients: ReadonlyMap<string, string | undefined>,
  parameters: Tensors,
  clipNorm: number | undefined,
): Updated {
  const builder = new GraphBuilder(backward, { prefix: 'train/' });
  const rule = optimizerRule(optimizer);
  const found = trainable.map((name) => {
    const gradient = gradients.get(name);
    if (gradient) return gradient;
    throw new WhereforeError('invalid-argument', `parameter "${name}" has no part in the loss`, { fix: 'leave it out of `trainable`' });
  });
  const clipped = clipNorm === undefined ? { gradients: found, norm: undefined } : clip(builder, found, clipNorm);
  const scalars = Object.fromEntries(Object.keys(rule.scalars(1, 1)).map((name) => [name, builder.input(builder.fresh(name), 'float32', [])]));
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
    const updated = rule.update({ builder, weight: name, gradient: clipped.gradients[i], state: slots, scalars }, shape.length);
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
