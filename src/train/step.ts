import type { GradientNote } from '../autodiff/context.ts';
import { differentiate } from '../autodiff/differentiate.ts';
import { WhereforeError } from '../errors.ts';
import type { Graph, OnnxModel } from '../onnx/graph.ts';
import { lower } from '../onnx/lowering/index.ts';
import { Executor } from '../runtime/executor.ts';
import type { Runtime, Session, Tensors } from '../runtime/runtime.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import { checkTargets, type Loss } from './losses.ts';
import { checkOptimizer, type Optimizer, optimizerRule } from './optimizers.ts';
import { readParameters, trainableParameters } from './parameters.ts';
import type { Batch } from './samples.ts';
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
  await checkAgainstOutput(
    executor,
    model.graph,
    loss,
    output,
    new Map([...parameters, ...example.inputs]),
    example.targets,
  );
  const forward = withLoss(model.graph, loss, output, example);
  const feeds = new Map([...parameters, ...batchFeeds(forward, example)]);
  const { graph: fixed, facts } = await executor.specialise(forward.graph, feeds);
  const {
    graph: backward,
    gradients,
    notes,
  } = differentiate(fixed, facts, {
    seeds: new Map([[forward.total, forward.seed]]),
    wrt: trainable,
  });

  const step = withUpdate(backward, optimizer, trainable, gradients, parameters, clipNorm);
  const fetches = [forward.total, ...(step.norm ? [step.norm] : [])];
  const graph: Graph = {
    ...step.graph,
    outputs: step.graph.outputs.filter(({ name }) => fetches.includes(name) || step.carry.has(name)),
  };
  const session = await runtime.open({ ...model, graph });
  const initial = { parameters, state: step.state };
  return { graph, trainable, initial, notes, ...running(session, { forward, step, fetches, initial, optimizer }) };
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
      for (const [name, value] of Object.entries(scalars(count, learningRate)))
        feeds.set(step.scalars[name], float32([], [value]));
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
