import { WhereforeError } from '../../errors.ts';
import { type Tensors, throwIfCancelled } from '../../runtime/runtime.ts';
import { byteLength, type Tensor, tensor } from '../../tensor/tensor.ts';
import {
  buildTrainingStep,
  openTrainingStep,
  planTraining,
  type StepProgram,
  type TrainingPlan,
  type TrainingState,
  type TrainingStep,
  type TrainOptions,
} from '../../train/index.ts';
import { type Adjoint, openReverseStep, type ReverseStep } from './reverse-step.ts';

export interface UnrolledOptions {
  /** The training, with the arguments that it was made with. */
  readonly training: TrainOptions;
  /**
   * Gradients of the measured quantities with respect to the trained weights, at these weights.
   * @param parameters the weights at the end of the training
   */
  readonly measured: (parameters: Tensors) => Promise<readonly Tensors[]>;
  /** Loss of each step as it was recorded; the training that is computed again must give the same. Default: not compared. */
  readonly losses?: Float64Array;
  /** Quantities that one graph takes. Default 8. */
  readonly width?: number;
  readonly signal?: AbortSignal;
  /** Steps computed of all, forwards and backwards. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Unrolled {
  /** `∂f_q/∂w_i` of quantity q and row i at `q · rows + i`: the change of f for a unit of the row's weight. */
  readonly scores: Float64Array;
  readonly rows: number;
  readonly quantities: number;
  /** Loss of each step's batch, as it was computed again. */
  readonly losses: Float64Array;
  /** Bytes of weights and optimizer state that were kept at once. */
  readonly keptBytes: number;
}

/**
 * The exact effect of the weight of every training row on measured quantities of *this* model: reverse-mode
 * differentiation through its whole training (Ilyas and Engstrom 2025, "MAGIC", arXiv 2504.16430).
 *
 * `∂f/∂w_i = Σ_t (∂f/∂θ_{t+1}, ∂f/∂m_{t+1}) · ∂(θ_{t+1}, m_{t+1})/∂w_i`, for every optimizer, schedule, clipping and
 * divisor that training has. Steps are computed again in stretches of √T, so that 2√T states are kept instead of T.
 *
 * A score answers for the training with this seed and this order of rows; the mean over seeds is another question.
 * @throws WhereforeError `invalid-data` when the training that is computed again is not the one recorded, `not-finite`
 *   when an adjoint overflows, `cancelled`
 */
export async function unrolledScores(options: UnrolledOptions): Promise<Unrolled> {
  const { training: settings } = options;
  const plan = planTraining(settings);
  const example = await plan.example();
  const program = await buildTrainingStep(settings, example);
  const forward = await openTrainingStep(settings, example);
  const rows = settings.samples.length;
  try {
    const stretch = Math.ceil(Math.sqrt(plan.steps));
    const progress = progressOf(options, plan.steps);
    const { anchors, losses, final } = await runForward(forward, plan, stretch, progress);
    compareLosses(options.losses, losses);
    const gradients = await options.measured(final.parameters);
    if (gradients.length === 0) throw new WhereforeError('invalid-argument', 'there is no quantity to differentiate');
    const adjoints = gradients.map((gradient) => startingAdjoint(program, gradient));
    const width = Math.min(options.width ?? 8, gradients.length);
    const reverse = await openReverseStep(program, settings.runtime, example, width);
    const scores = new Float64Array(gradients.length * rows);
    try {
      for (let k = anchors.length - 1; k >= 0; k--) {
        const first = k * stretch;
        const states = await statesOf(
          forward,
          plan,
          anchors[k],
          { first, last: Math.min(first + stretch, plan.steps) },
          progress,
        );
        await goBack({ reverse, plan, states, first, adjoints, scores, rows, progress });
      }
    } finally {
      await reverse.close();
    }
    const keptBytes = (anchors.length + stretch) * stateBytes(program.initial);
    return { scores, rows, quantities: gradients.length, losses, keptBytes };
  } finally {
    await forward.close();
  }
}

type Progress = () => void;

/** Every step runs forwards twice and backwards once. */
function progressOf({ signal, onProgress }: UnrolledOptions, steps: number): Progress {
  let done = 0;
  return () => {
    throwIfCancelled(signal);
    onProgress?.(++done, 3 * steps);
  };
}

/** The whole training, and its states at the start of every stretch. */
async function runForward(forward: TrainingStep, plan: TrainingPlan, stretch: number, progress: Progress) {
  const anchors: TrainingState[] = [];
  const losses = new Float64Array(plan.steps);
  for (let step = 0; step < plan.steps; step++) {
    if (step % stretch === 0) anchors.push(await forward.read());
    losses[step] = await runStep(forward, plan, step);
    progress();
  }
  return { anchors, losses, final: await forward.read() };
}

async function runStep(forward: TrainingStep, plan: TrainingPlan, step: number): Promise<number> {
  const batch = await plan.batchAt(step);
  return batch ? (await forward.run(batch, step + 1, plan.learningRateAt(step))).loss : 0;
}

/** The states that the steps `first … last − 1` start from. */
async function statesOf(
  forward: TrainingStep,
  plan: TrainingPlan,
  anchor: TrainingState,
  { first, last }: { readonly first: number; readonly last: number },
  progress: Progress,
): Promise<TrainingState[]> {
  forward.restart(anchor);
  const states = [anchor];
  for (let step = first; step < last - 1; step++) {
    await runStep(forward, plan, step);
    states.push(await forward.read());
    progress();
  }
  progress();
  return states;
}

interface Back {
  readonly reverse: ReverseStep;
  readonly plan: TrainingPlan;
  readonly states: readonly TrainingState[];
  readonly first: number;
  /** Replaced by those at the start of the stretch. */
  readonly adjoints: Adjoint[];
  readonly scores: Float64Array;
  readonly rows: number;
  readonly progress: Progress;
}

/** Goes back over one stretch, with as many quantities at a time as the graph takes. */
async function goBack({ reverse, plan, states, first, adjoints, scores, rows, progress }: Back): Promise<void> {
  for (let from = 0; from < adjoints.length; from += reverse.width) {
    const count = Math.min(reverse.width, adjoints.length - from);
    reverse.restart(adjoints.slice(from, from + count));
    for (let at = states.length - 1; at >= 0; at--) {
      const step = first + at;
      const batch = await plan.batchAt(step);
      // No step was taken: everything before it is as it is behind it.
      if (!batch) continue;
      const sensitivity = await reverse.run(states[at], batch, step + 1, plan.learningRateAt(step));
      const positions = plan.positionsAt(step);
      const { weights, divisors = weights } = batch;
      for (let q = 0; q < count; q++) {
        for (let i = 0; i < positions.length; i++) {
          // The sample's weight in the loss is its own times that of its row.
          scores[(from + q) * rows + positions[i]] += divisors[i] * sensitivity[q * plan.size + i];
        }
      }
      if (from + count === adjoints.length) progress();
    }
    const next = await reverse.read();
    for (let q = 0; q < count; q++) adjoints[from + q] = next[q];
  }
}

/** `∂f/∂θ` at the end of the training; f does not read the optimizer's state. */
function startingAdjoint(program: StepProgram, gradient: Tensors): Adjoint {
  const adjoint = new Map<string, Tensor>();
  for (const [name, value] of program.initial.parameters) {
    const given = gradient.get(name);
    if (!given)
      throw new WhereforeError('unknown-name', `the measured quantity has no gradient of "${name}"`, {
        got: [...gradient.keys()].join(', '),
      });
    adjoint.set(name, tensor('float32', value.shape, given.data as Float32Array));
  }
  for (const [name, value] of program.initial.state)
    adjoint.set(program.stateInputs.get(name) as string, tensor('float32', value.shape));
  return adjoint;
}

function compareLosses(recorded: Float64Array | undefined, losses: Float64Array): void {
  if (!recorded) return;
  const mistake = (where: string, got: string, expected: string) =>
    new WhereforeError('invalid-data', 'the training that is computed again is not the one recorded', {
      where,
      got,
      expected,
      fix: 'give the same model, rows, settings and number of threads as at the training',
    });
  if (recorded.length !== losses.length) throw mistake('its length', `${losses.length} steps`, `${recorded.length}`);
  const differs = losses.findIndex((loss, step) => !Object.is(loss, recorded[step]));
  if (differs >= 0) throw mistake(`step ${differs + 1}`, `loss ${losses[differs]}`, `${recorded[differs]}`);
}

function stateBytes({ parameters, state }: TrainingState): number {
  let bytes = 0;
  for (const value of [...parameters.values(), ...state.values()]) bytes += byteLength(value);
  return bytes;
}
