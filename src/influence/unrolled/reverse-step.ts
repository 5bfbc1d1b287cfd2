import { differentiate } from '../../autodiff/differentiate.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import type { OnnxModel } from '../../onnx/graph.ts';
import { Executor } from '../../runtime/executor.ts';
import type { Runtime, Session } from '../../runtime/runtime.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { StepProgram, TrainingState, WeightedBatch } from '../../train/index.ts';

/** `∂f/∂(weights, optimizer state)` between two steps, by the name of the step's input. */
export type Adjoint = ReadonlyMap<string, Tensor>;

/** One step of training, backwards, for several measured quantities at once. */
export interface ReverseStep {
  /** Measured quantities that it takes. */
  readonly width: number;
  /** The next {@link ReverseStep.run} starts from here. */
  restart(adjoints: readonly Adjoint[]): void;
  /**
   * Goes back over one step.
   * @param before weights and state that the step started from
   * @returns `∂f_q/∂s_i` for quantity q and sample i of the batch at `q · N + i`
   */
  run(before: TrainingState, batch: WeightedBatch, step: number, learningRate: number): Promise<Float32Array>;
  /** Copies of the adjoints as they are now. */
  read(): Promise<Adjoint[]>;
  close(): Promise<void>;
}

/**
 * Differentiates a whole training step `(θ, m, s) ↦ (θ′, m′)`, whatever its optimizer, by its graph: from
 * `(∂f/∂θ′, ∂f/∂m′)` to `(∂f/∂θ, ∂f/∂m)` and `∂f/∂s`. The backward pass of the step's own backward pass holds the
 * Hessian-vector product.
 *
 * Quantities share the step that is computed again; their adjoints stay with the runtime from step to step.
 * @param width How many quantities one run takes.
 */
export async function openReverseStep(
  program: StepProgram,
  runtime: Runtime,
  example: WeightedBatch,
  width: number,
): Promise<ReverseStep> {
  const { model, inputs, sensitivity, carry } = await buildReverse(program, runtime, example, width);
  const session = await runtime.open(model);
  return running(session, { program, inputs, sensitivity, carry });
}

interface Reverse {
  readonly model: OnnxModel;
  /** For each quantity, the step's input → the input of its adjoint. */
  readonly inputs: readonly ReadonlyMap<string, string>[];
  /** `∂f_q/∂s_i`, `[Q, N]`. */
  readonly sensitivity: string;
  readonly carry: ReadonlyMap<string, string>;
}

async function buildReverse(
  program: StepProgram,
  runtime: Runtime,
  example: WeightedBatch,
  width: number,
): Promise<Reverse> {
  const feeds = new Map([...program.stateFeeds(program.initial), ...program.feeds(example, 1, 1)]);
  const { graph: step, facts } = await new Executor(runtime, program.model, undefined).specialise(
    program.model.graph,
    feeds,
  );
  let graph = { ...step, outputs: [] as typeof step.outputs };
  const inputs: Map<string, string>[] = [];
  const found: ReadonlyMap<string, string | undefined>[] = [];
  for (let q = 0; q < width; q++) {
    const builder = new GraphBuilder(graph, { prefix: 'reverse/' });
    const adjoint = new Map<string, string>();
    const seeds = new Map<string, string>();
    for (const [output, input] of program.carry) {
      const shape = facts.shapes.get(input) ?? [];
      adjoint.set(input, builder.input(builder.fresh(`adjoint/${q}/${input}`), 'float32', shape));
      seeds.set(output, adjoint.get(input) as string);
    }
    inputs.push(adjoint);
    const wrt = [...program.carry.values(), program.weights];
    const reverse = differentiate(builder.build(), facts, { seeds, wrt, noteCuts: false });
    graph = { ...reverse.graph, outputs: [] };
    found.push(reverse.gradients);
  }
  return { ...withOutputs(program, graph, inputs, found), inputs };
}

function withOutputs(
  program: StepProgram,
  graph: OnnxModel['graph'],
  inputs: readonly ReadonlyMap<string, string>[],
  found: readonly ReadonlyMap<string, string | undefined>[],
): Omit<Reverse, 'inputs'> {
  const builder = new GraphBuilder(graph, { prefix: 'reverse/' });
  const carry = new Map<string, string>();
  const rows = found.map((gradients, q) => {
    for (const [input, adjoint] of inputs[q]) {
      const gradient = gradients.get(input);
      // An output of its own each: a seed that passes through unchanged is an input of the graph.
      const next = gradient ? builder.op('Identity', [gradient]) : builder.op('Mul', [adjoint, builder.scalar(0)]);
      carry.set(builder.output(next, 'float32'), adjoint);
    }
    const sensitivity = gradients.get(program.weights) as string;
    return builder.op('Unsqueeze', [sensitivity, builder.ints([0])]);
  });
  const sensitivity = builder.output(builder.op('Concat', rows, { axis: 0 }), 'float32');
  return { model: { ...program.model, graph: builder.build() }, sensitivity, carry };
}

function running(
  session: Session,
  { program, inputs, sensitivity, carry }: Omit<Reverse, 'model'> & { readonly program: StepProgram },
): ReverseStep {
  let pending: readonly Adjoint[] | undefined;
  return {
    width: inputs.length,
    restart(adjoints) {
      pending = adjoints;
    },
    async run(before, batch, step, learningRate) {
      const feeds = new Map([...program.stateFeeds(before), ...program.feeds(batch, step, learningRate)]);
      for (const [name, value] of pending ? adjointFeeds(inputs, pending) : []) feeds.set(name, value);
      pending = undefined;
      const results = await session.run(feeds, [sensitivity], { carry });
      return (results.get(sensitivity) as Tensor<'float32'>).data;
    },
    async read() {
      const held = await session.read([...inputs.flatMap((adjoint) => [...adjoint.values()])]);
      return inputs.map(
        (adjoint) => new Map([...adjoint].map(([input, name]) => [input, held.get(name) as Tensor] as const)),
      );
    },
    close: () => session.release(),
  };
}

function* adjointFeeds(
  inputs: readonly ReadonlyMap<string, string>[],
  adjoints: readonly Adjoint[],
): Generator<[string, Tensor]> {
  for (const [q, names] of inputs.entries()) {
    // Fewer quantities than positions: the last is computed again, and not read.
    const adjoint = adjoints[Math.min(q, adjoints.length - 1)];
    for (const [input, name] of names) yield [name, adjoint.get(input) as Tensor];
  }
}
