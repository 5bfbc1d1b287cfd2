import type { Node } from '../../onnx/graph.ts';
import { lookup } from '../../tensor/lookup.ts';
import type { RuleContext } from '../context.ts';

/** A value and its derivative, both computed from the same z. */
export interface Activated {
  readonly value: string;
  readonly slope: string;
}

/** An activation function of a recurrent cell, as ONNX names them. */
export type CellActivation = (c: RuleContext, z: string) => Activated;

type Parameters = { readonly alpha: number; readonly beta: number };

const number = (c: RuleContext, value: number) => c.scalar(value, c.input(0));
/** 1 where `a op bound`, else 0. */
const where = (c: RuleContext, op: 'Greater' | 'GreaterOrEqual' | 'Less', a: string, bound: number) =>
  c.indicator(c.op(op, [a, number(c, bound)]), c.input(0));
const ones = (c: RuleContext, z: string) => c.add(c.mul(z, number(c, 0)), number(c, 1));

const functions: Readonly<Record<string, (c: RuleContext, z: string, p: Parameters) => Activated>> = {
  Sigmoid: (c, z) => {
    const value = c.op('Sigmoid', [z]);
    return { value, slope: c.mul(value, c.sub(number(c, 1), value)) };
  },
  Tanh: (c, z) => {
    const value = c.op('Tanh', [z]);
    return { value, slope: c.sub(number(c, 1), c.mul(value, value)) };
  },
  Relu: (c, z) => ({ value: c.op('Relu', [z]), slope: where(c, 'Greater', z, 0) }),
  Affine: (c, z, { alpha, beta }) => ({
    value: c.add(c.mul(z, number(c, alpha)), number(c, beta)),
    slope: c.mul(ones(c, z), number(c, alpha)),
  }),
  LeakyRelu: (c, z, { alpha }) => {
    // 1 above zero, α below.
    const slope = c.add(number(c, alpha), c.mul(where(c, 'GreaterOrEqual', z, 0), number(c, 1 - alpha)));
    return { value: c.mul(z, slope), slope };
  },
  ThresholdedRelu: (c, z, { alpha }) => {
    const slope = where(c, 'GreaterOrEqual', z, alpha);
    return { value: c.mul(z, slope), slope };
  },
  ScaledTanh: (c, z, { alpha, beta }) => {
    const t = c.op('Tanh', [c.mul(z, number(c, beta))]);
    return {
      value: c.mul(t, number(c, alpha)),
      slope: c.mul(c.sub(number(c, 1), c.mul(t, t)), number(c, alpha * beta)),
    };
  },
  HardSigmoid: (c, z, { alpha, beta }) => {
    const line = c.add(c.mul(z, number(c, alpha)), number(c, beta));
    const between = c.mul(where(c, 'Greater', line, 0), where(c, 'Less', line, 1));
    return { value: c.op('Clip', [line, number(c, 0), number(c, 1)]), slope: c.mul(between, number(c, alpha)) };
  },
  Elu: (c, z, { alpha }) => {
    // α·(eᶻ − 1) below zero, z above; its slope α·eᶻ and 1. min(z, 0) keeps eᶻ finite.
    const above = where(c, 'GreaterOrEqual', z, 0);
    const below = c.sub(number(c, 1), above);
    const grown = c.mul(c.op('Exp', [c.mul(z, below)]), number(c, alpha));
    return {
      value: c.add(c.mul(z, above), c.mul(c.sub(grown, number(c, alpha)), below)),
      slope: c.add(above, c.mul(grown, below)),
    };
  },
  Softsign: (c, z) => {
    const size = c.add(c.op('Abs', [z]), number(c, 1));
    return { value: c.div(z, size), slope: c.div(number(c, 1), c.mul(size, size)) };
  },
  Softplus: (c, z) => ({ value: c.op('Softplus', [z]), slope: c.op('Sigmoid', [z]) }),
};

const usesAlpha = new Set(['Affine', 'LeakyRelu', 'ThresholdedRelu', 'ScaledTanh', 'HardSigmoid', 'Elu']);
const usesBeta = new Set(['Affine', 'ScaledTanh', 'HardSigmoid']);
const defaults: Readonly<Record<string, Partial<Parameters>>> = {
  LeakyRelu: { alpha: 0.01 },
  HardSigmoid: { alpha: 0.2, beta: 0.5 },
  Elu: { alpha: 1 },
};

/**
 * The activation functions of a node, all directions one after another; alphas and betas are handed out in order to
 * those that take one, as in ONNX.
 *
 * @param fallback the operator's default functions, for one direction
 * @throws WhereforeError `not-differentiable` for unknown functions, and for missing parameters without an agreed default
 */
export function activationsOf(c: RuleContext, fallback: readonly string[], directions: number): CellActivation[] {
  return statedActivations(c.node, fallback, directions).map(({ name, alpha, beta }) => {
    const activation = lookup(functions, name);
    if (!activation)
      throw c.refuse(
        `its activation function "${name}" is not known`,
        `use one of ${Object.keys(functions).join(', ')}`,
      );
    if (alpha === undefined || beta === undefined) {
      throw c.refuse(
        `its activation function ${name} has no parameters, and runtimes do not agree on a default`,
        'state activation_alpha and activation_beta in the model',
      );
    }
    return (context, z) => activation(context, z, { alpha, beta });
  });
}

/** An activation as a node states it: 0 for a parameter that it does not take, undefined for one that is missing. */
export interface StatedActivation extends Partial<Parameters> {
  readonly name: string;
}

/** The activations of a recurrent node, all directions one after another. */
export function statedActivations(node: Node, fallback: readonly string[], directions: number): StatedActivation[] {
  const named = stringsAttribute(node, 'activations') ?? Array.from({ length: directions }, () => fallback).flat();
  const alphas = [...(floatsAttribute(node, 'activation_alpha') ?? [])];
  const betas = [...(floatsAttribute(node, 'activation_beta') ?? [])];
  return named.map((name) => ({
    name,
    alpha: usesAlpha.has(name) ? (alphas.shift() ?? lookup(defaults, name)?.alpha) : 0,
    beta: usesBeta.has(name) ? (betas.shift() ?? lookup(defaults, name)?.beta) : 0,
  }));
}

/** The activation of a clipped value: flat where |z| ≥ clip. */
export function clipped(activation: CellActivation, clip: number | undefined): CellActivation {
  if (clip === undefined) return activation;
  return (c, z) => {
    const inside = where(c, 'Less', c.op('Abs', [z]), clip);
    const { value, slope } = activation(c, c.op('Clip', [z, number(c, -clip), number(c, clip)]));
    return { value, slope: c.mul(slope, inside) };
  };
}

function stringsAttribute(node: Node, name: string): readonly string[] | undefined {
  const attribute = node.attributes[name];
  return attribute?.kind === 'strings' ? attribute.value : undefined;
}

function floatsAttribute(node: Node, name: string): readonly number[] | undefined {
  const attribute = node.attributes[name];
  return attribute?.kind === 'floats' ? attribute.value : undefined;
}
