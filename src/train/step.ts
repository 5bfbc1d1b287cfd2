import type { GradientNote } from '../autodiff/context.ts';
import { buildGradientProgram } from '../autodiff/gradient-program.ts';
import { WhereforeError } from '../errors.ts';
import type { Graph, OnnxModel } from '../onnx/graph.ts';
import { lower } from '../onnx/lowering/index.ts';
import { Executor } from '../runtime/executor.ts';
import type { Runtime, Session, Tensors } from '../runtime/runtime.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import type { Divisor, WeightedBatch } from './batch.ts';
import { checkTargets, type Loss } from './losses.ts';
import { checkOptimizer, type Optimizer, optimizerRule } from './optimizers.ts';
import { readParameters, trainableParameters } from './parameters.ts';
import { batchFeeds, type Forward, type Updated, weightsAsInputs, withLoss, withUpdate } from './step-graph.ts';

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
  /** Default `weights`. */
  readonly divisor?: Divisor;
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
  /** Where the gradient is not the plain derivative, e.g. straight through a rounding. */
  readonly notes: readonly GradientNote[];
  /** The next step starts from here. */
  restart(from: TrainingState): void;
  /** @param step counted from 1 since the start of the training; Adam corrects its bias by it */
  run(batch: WeightedBatch, step: number, learningRate: number): Promise<StepResult>;
  /** Copies of weights and optimizer state. */
  read(): Promise<TrainingState>;
  close(): Promise<void>;
}

/** The step of a training as a graph, before anything is opened. */
export interface StepProgram {
  /** Forward, loss, backward, update; weights, state, batch and scalars are its inputs. */
  readonly model: OnnxModel;
  readonly trainable: readonly string[];
  readonly initial: TrainingState;
  readonly notes: readonly GradientNote[];
  /** The scalar loss. */
  readonly loss: string;
  /** The norm of the gradient, with clipping. */
  readonly norm: string | undefined;
  /** Input of the samples' weights. */
  readonly weights: string;
  /** Inputs of a batch, and the step's scalars. */
  readonly feeds: (batch: WeightedBatch, step: number, learningRate: number) => Map<string, Tensor>;
  /** Weights and state as the inputs that they are. */
  readonly stateFeeds: (state: TrainingState) => Map<string, Tensor>;
  /** Input of a state tensor of {@link TrainingState}. */
  readonly stateInputs: ReadonlyMap<string, string>;
  /** New weight or new state → the input that it becomes. */
  readonly carry: ReadonlyMap<string, string>;
}

/**
 * Builds the training step of a model as one ONNX graph:
 * `L = Σ sᵢ·lossᵢ / Σ sᵢ·massᵢ` over the batch with sample weights s, its gradient, the optimizer's update.
 * @param example A batch of the size and shapes of every later one.
 * @throws WhereforeError as {@link trainableParameters} and `differentiate`, and when a parameter does not reach the loss
 */
export async function buildTrainingStep(options: StepOptions, example: WeightedBatch): Promise<StepProgram> {
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
  const inputs = new Map([...parameters, ...example.inputs]);
  await checkAgainstOutput(executor, model.graph, loss, output, inputs, example.targets);
  const forward = withLoss(model.graph, options, output, example);
  const feeds = new Map([...parameters, ...batchFeeds(forward, example)]);
  const { graph: fixed, facts } = await executor.specialise(forward.graph, feeds);
  const seeds = new Map([[forward.total, forward.seed]]);
  const backward = buildGradientProgram(fixed, facts, { seeds, wrt: trainable });
  const step = withUpdate(backward.graph, optimizer, trainable, backward.gradients, parameters, clipNorm);
  const kept = new Set([forward.total, ...(step.norm ? [step.norm] : []), ...step.carry.keys()]);
  const graph: Graph = { ...step.graph, outputs: step.graph.outputs.filter(({ name }) => kept.has(name)) };
  return {
    model: { ...model, graph },
    trainable,
    initial: { parameters, state: step.state },
    notes: backward.notes,
    loss: forward.total,
    norm: step.norm,
    weights: forward.weights,
    ...feedsOf(forward, step, optimizer),
    stateInputs: step.stateInputs,
    carry: step.carry,
  };
}

function feedsOf(forward: Forward, step: Updated, optimizer: Optimizer): Pick<StepProgram, 'feeds' | 'stateFeeds'> {
  const { scalars } = optimizerRule(optimizer);
  return {
    feeds(batch, count, learningRate) {
      const feeds = batchFeeds(forward, batch);
      for (const [name, value] of Object.entries(scalars(count, learningRate)))
        feeds.set(step.scalars[name], float32([], [value]));
      return feeds;
    },
    stateFeeds({ parameters, state }) {
      const named = [...state].map(([name, value]) => [step.stateInputs.get(name) as string, value] as const);
      return new Map([...parameters, ...named]);
    },
  };
}

/**
 * Builds the training step of a model and opens it. Weights are inputs, new weights are outputs that the runtime carries
 * over to the next step; only the batch goes in and the loss comes out.
 * @param example A batch of the size and shapes of every later one.
 * @throws WhereforeError as {@link buildTrainingStep}
 */
export async function openTrainingStep(options: StepOptions, example: WeightedBatch): Promise<TrainingStep> {
  const program = await buildTrainingStep(options, example);
  const session = await options.runtime.open(program.model);
  const { trainable, initial, notes, model } = program;
  return { graph: model.graph, trainable, initial, notes, ...running(session, program) };
}

/** Checks targets against the shape that the output really has, before the runtime meets them with a message of its own. */
export async function checkAgainstOutput(
  executor: Executor,
  graph: Graph,
  loss: Loss,
  output: string,
  feeds: Tensors,
  targets: Tensor,
): Promise<void> {
  const { facts } = await executor.specialise(graph, feeds);
  const shape = facts.shapes.get(output);
  if (!shape)
    throw new WhereforeError('unknown-name', `there is no output "${output}"`, {
      expected: graph.outputs.map(({ name }) => name).join(', '),
    });
  checkTargets(loss, shape, targets);
}

function running(session: Session, program: StepProgram) {
  const { initial, loss, norm, carry, stateInputs } = program;
  const fetches = [loss, ...(norm ? [norm] : [])];
  let pending: TrainingState | undefined = initial;
  const inputOf = (name: string) => stateInputs.get(name) as string;
  return {
    restart(from: TrainingState) {
      pending = from;
    },
    async run(batch: WeightedBatch, count: number, learningRate: number): Promise<StepResult> {
      const feeds = program.feeds(batch, count, learningRate);
      if (pending) for (const [name, value] of program.stateFeeds(pending)) feeds.set(name, value);
      pending = undefined;
      const results = await session.run(feeds, fetches, { carry });
      const number = (name: string) => Number((results.get(name) as Tensor).data[0]);
      return { loss: number(loss), ...(norm ? { gradientNorm: number(norm) } : {}) };
    },
    async read(): Promise<TrainingState> {
      if (pending) return pending;
      const names = [...initial.parameters.keys()];
      const stateNames = [...initial.state.keys()];
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
