import { WhereforeError } from '../errors.ts';
import type { GraphBuilder } from '../onnx/builder.ts';

export interface WeightDecay {
  /** Default 0. */
  readonly weightDecay?: number;
  /** Whether biases and scales (one axis or none) decay too. Default `all`, as in PyTorch. */
  readonly decayed?: 'all' | 'matrices';
}

export interface Moments extends WeightDecay {
  /** Decay of the mean of gradients. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the mean of squared gradients. Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
}

/** How gradients change the weights, as plain data; the learning rate comes from the schedule. */
export type Optimizer =
  /** `v ← μ·v + g`, `w ← w − η·v`; nesterov: `w ← w − η·(g + μ·v)`. Decay adds `λ·w` to the gradient. */
  | ({ readonly kind: 'sgd'; readonly momentum?: number; readonly nesterov?: boolean } & WeightDecay)
  /** Kingma and Ba 2015 (arXiv 1412.6980). Decay adds `λ·w` to the gradient. */
  | ({ readonly kind: 'adam' } & Moments)
  /** Decoupled decay: `w ← (1 − η·λ)·w` first (Loshchilov and Hutter 2019, arXiv 1711.05101). */
  | ({ readonly kind: 'adamw' } & Moments);

export type Names = Readonly<Record<string, string>>;

/** One parameter at one step: names of values in the graph. */
export interface Update {
  readonly builder: GraphBuilder;
  readonly weight: string;
  readonly gradient: string;
  /** The parameter's state before the step. */
  readonly state: Names;
  /** The scalars of the step. */
  readonly scalars: Names;
  readonly decays: boolean;
}

/** One kind of optimizer. */
export interface OptimizerRule<K extends Optimizer['kind']> {
  /** Tensors kept for each parameter, of its shape, 0 at the start. */
  readonly state: (optimizer: Extract<Optimizer, { kind: K }>) => readonly string[];
  /** Numbers fed at each step, counted from 1. They are computed here in float64: `1 − βᵗ` cancels in float32. */
  readonly scalars: (
    optimizer: Extract<Optimizer, { kind: K }>,
    step: number,
    learningRate: number,
  ) => Readonly<Record<string, number>>;
  /** Appends the update and returns the names of the new weight and the new state. */
  readonly update: (
    optimizer: Extract<Optimizer, { kind: K }>,
    update: Update,
  ) => { readonly weight: string; readonly state: Names };
}

const moments = ['first-moment', 'second-moment'] as const;

/** Every optimizer. */
export const optimizers: { readonly [K in Optimizer['kind']]: OptimizerRule<K> } = {
  sgd: {
    state: ({ momentum = 0 }) => (momentum ? ['velocity'] : []),
    scalars: (_, __, learningRate) => ({ 'learning-rate': learningRate }),
    update({ momentum = 0, nesterov = false, weightDecay = 0 }, { builder, weight, gradient, state, scalars, decays }) {
      const g = decays ? plus(builder, gradient, weight, weightDecay) : gradient;
      const velocity = momentum ? plus(builder, g, state.velocity, momentum) : undefined;
      const direction = velocity ? (nesterov ? plus(builder, g, velocity, momentum) : velocity) : g;
      const moved = builder.op('Sub', [weight, builder.op('Mul', [direction, scalars['learning-rate']])]);
      const kept: Names = velocity ? { velocity } : {};
      return { weight: moved, state: kept };
    },
  },
  adam: {
    state: () => moments,
    scalars: adamScalars,
    update(optimizer, update) {
      const { weightDecay = 0 } = optimizer;
      const { builder, weight, gradient, decays } = update;
      return adamUpdate(optimizer, {
        ...update,
        gradient: decays ? plus(builder, gradient, weight, weightDecay) : gradient,
      });
    },
  },
  adamw: {
    state: () => moments,
    scalars: (optimizer, step, learningRate) => ({
      ...adamScalars(optimizer, step, learningRate),
      shrinkage: 1 - learningRate * (optimizer.weightDecay ?? 0),
    }),
    update(optimizer, update) {
      const { builder, weight, scalars, decays } = update;
      return adamUpdate(optimizer, {
        ...update,
        weight: decays ? builder.op('Mul', [weight, scalars.shrinkage]) : weight,
      });
    },
  },
};

function adamScalars({ beta1 = 0.9, beta2 = 0.999 }: Moments, step: number, learningRate: number) {
  return { 'step-size': learningRate / (1 - beta1 ** step), correction: 1 / Math.sqrt(1 - beta2 ** step) };
}

/** `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `w ← w − η/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε)`. */
function adamUpdate({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: Moments, update: Update) {
  const { builder, weight, gradient, state, scalars } = update;
  const mean = (old: string, now: string, beta: number) =>
    builder.op('Add', [
      builder.op('Mul', [old, builder.scalar(beta)]),
      builder.op('Mul', [now, builder.scalar(1 - beta)]),
    ]);
  const first = mean(state['first-moment'], gradient, beta1);
  const second = mean(state['second-moment'], builder.op('Mul', [gradient, gradient]), beta2);
  const root = builder.op('Mul', [builder.op('Sqrt', [second]), scalars.correction]);
  const quotient = builder.op('Div', [first, builder.op('Add', [root, builder.scalar(epsilon)])]);
  const moved = builder.op('Sub', [weight, builder.op('Mul', [quotient, scalars['step-size']])]);
  return { weight: moved, state: { 'first-moment': first, 'second-moment': second } };
}

/** `a + factor·b`. */
function plus(builder: GraphBuilder, a: string, b: string, factor: number): string {
  return builder.op('Add', [a, builder.op('Mul', [b, builder.scalar(factor)])]);
}

/** What an optimizer keeps for each parameter, of the parameter's shape. */
export const optimizerState = (optimizer: Optimizer): readonly string[] => optimizerRule(optimizer).state;

/** The rule of an optimizer, bound to it. */
export function optimizerRule(optimizer: Optimizer) {
  // The table's rule and the optimizer have the same kind, which the type of a lookup cannot say.
  const rule = optimizers[optimizer.kind] as unknown as OptimizerRule<Optimizer['kind']>;
  const bound = optimizer as never;
  return {
    state: rule.state(bound),
    scalars: (step: number, learningRate: number) => rule.scalars(bound, step, learningRate),
    update: (update: Omit<Update, 'decays'>, axes: number) => {
      const { weightDecay = 0, decayed = 'all' } = optimizer;
      return rule.update(bound, { ...update, decays: weightDecay > 0 && (decayed === 'all' || axes > 1) });
    },
  };
}

/** @throws WhereforeError `invalid-argument` */
export function checkOptimizer(optimizer: Optimizer): void {
  const within = (name: string, value: number | undefined, below: number) => {
    if (value !== undefined && !(value >= 0 && value < below)) {
      throw new WhereforeError('invalid-argument', `${name} of the optimizer`, {
        got: String(value),
        expected: `from 0 to below ${below}`,
      });
    }
  };
  within('weightDecay', optimizer.weightDecay, Number.POSITIVE_INFINITY);
  if (optimizer.kind === 'sgd') {
    within('momentum', optimizer.momentum, 1);
    if (optimizer.nesterov && !optimizer.momentum) {
      throw new WhereforeError('invalid-argument', 'nesterov needs momentum', {
        got: 'momentum 0',
        fix: 'set momentum, e.g. 0.9',
      });
    }
  } else {
    within('beta1', optimizer.beta1, 1);
    within('beta2', optimizer.beta2, 1);
    within('epsilon', optimizer.epsilon, 1);
  }
}
