import type { GraphBuilder } from '../onnx/builder.ts';
import { floatAttribute, type Graph, intAttribute, type Node, operatorKey, stringAttribute } from '../onnx/graph.ts';
import { codeOfDataType } from '../onnx/types.ts';
import { toNumbers } from '../tensor/convert.ts';
import { lookup } from '../tensor/lookup.ts';
import { int64 } from '../tensor/tensor.ts';
import type { Facts } from './facts.ts';
import { type StatedActivation, statedActivations } from './rules/recurrent-activations.ts';
import { replaceNodes, Steps } from './steps.ts';

/** Layers that would become more nodes than this stay as they are. */
const mostNodes = 20_000;

type Activate = (s: Steps, z: string) => string;

const plain = (op: string): ((stated: Required<StatedActivation>) => Activate) => {
  return () => (s, z) => s.op(op, [z]);
};

const activations: Readonly<Record<string, ((stated: Required<StatedActivation>) => Activate) | undefined>> = {
  ...Object.fromEntries(['Sigmoid', 'Tanh', 'Relu', 'Softsign', 'Softplus'].map((op) => [op, plain(op)])),
  ...Object.fromEntries(
    ['LeakyRelu', 'ThresholdedRelu', 'Elu'].map((op) => [
      op,
      ({ alpha }: Required<StatedActivation>): Activate =>
        (s, z) =>
          s.op(op, [z], undefined, { alpha: { float: alpha } }),
    ]),
  ),
  HardSigmoid: ({ alpha, beta }) => {
    return (s, z) => s.op('HardSigmoid', [z], undefined, { alpha: { float: alpha }, beta: { float: beta } });
  },
  Affine: ({ alpha, beta }) => {
    return (s, z) => s.op('Add', [s.op('Mul', [z, s.number(alpha)]), s.number(beta)]);
  },
  ScaledTanh: ({ alpha, beta }) => {
    return (s, z) => s.op('Mul', [s.op('Tanh', [s.op('Mul', [z, s.number(beta)])]), s.number(alpha)]);
  },
};

/** What a cell computes with: weights of one direction, `projected` the input's share of all gates at one step. */
interface Cell {
  readonly s: Steps;
  readonly node: Node;
  readonly r: string;
  readonly stateBias: string | undefined;
  readonly peepholes: readonly string[];
  readonly functions: readonly Activate[];
}

interface State {
  readonly hidden: string;
  readonly cell?: string;
}

type Step = (cell: Cell, projected: string, state: State) => State;

const add = (s: Steps, a: string, b: string | undefined) => (b ? s.op('Add', [a, b]) : a);
const oneMinus = (s: Steps, a: string) => s.op('Sub', [s.number(1), a], s.shapeOf(a));

/** h = f(W x + R h + b) */
const rnnStep: Step = ({ s, r, stateBias, functions: [f] }, projected, { hidden }) => ({
  hidden: f(s, s.op('Add', [projected, add(s, s.product(hidden, r), stateBias)])),
});

/** c = f ⊙ c + i ⊙ c̃, h = o ⊙ tanh c, with gates in the order i o f c. */
const lstmStep: Step = (
  { s, node, r, stateBias, peepholes, functions: [f, g, h] },
  projected,
  { hidden, cell = '' },
) => {
  const gates = s.op('Add', [projected, add(s, s.product(hidden, r), stateBias)]);
  const [zi, zo, zf, zc] = s.split(gates, 2, 4);
  const peeped = (z: string, k: number, state: string) =>
    peepholes.length ? s.op('Add', [z, s.op('Mul', [state, peepholes[k]])]) : z;
  const i = f(s, peeped(zi, 0, cell));
  const forget = intAttribute(node, 'input_forget', 0) ? oneMinus(s, i) : f(s, peeped(zf, 2, cell));
  const next = s.op('Add', [s.op('Mul', [forget, cell]), s.op('Mul', [i, g(s, zc)])]);
  return { hidden: s.op('Mul', [f(s, peeped(zo, 1, next)), h(s, next)]), cell: next };
};

/** h = (1 − z) ⊙ h̃ + z ⊙ h, with gates in the order z r h. */
const gruStep: Step = ({ s, node, r, stateBias, functions: [f, g] }, projected, { hidden }) => {
  const [xz, xr, xh] = s.split(projected, 2, 3);
  const [rz, rr, rh] = s.split(r, 0, 3);
  const [bz, br, bh] = stateBias ? s.split(stateBias, 0, 3) : [];
  const z = f(s, s.op('Add', [xz, add(s, s.product(hidden, rz), bz)]));
  const reset = f(s, s.op('Add', [xr, add(s, s.product(hidden, rr), br)]));
  const recurrent = intAttribute(node, 'linear_before_reset', 0)
    ? s.op('Mul', [reset, add(s, s.product(hidden, rh), bh)])
    : add(s, s.product(s.op('Mul', [reset, hidden]), rh), bh);
  const candidate = g(s, s.op('Add', [xh, recurrent]));
  return { hidden: s.op('Add', [s.op('Mul', [oneMinus(s, z), candidate]), s.op('Mul', [z, hidden])]) };
};

const kinds: Readonly<Record<string, { gates: number; fallback: readonly string[]; step: Step; nodes: number }>> = {
  RNN: { gates: 1, fallback: ['Tanh'], step: rnnStep, nodes: 6 },
  GRU: { gates: 3, fallback: ['Sigmoid', 'Tanh'], step: gruStep, nodes: 28 },
  LSTM: { gates: 4, fallback: ['Sigmoid', 'Tanh', 'Tanh'], step: lstmStep, nodes: 20 },
};

/**
 * Replaces recurrent layers by their steps, so that rules for products and activations apply inside them; the outputs
 * keep their names. Layers of more than 20,000 nodes, or with activations that ONNX does not settle, stay.
 */
export function unrollRecurrent(graph: Graph, known: Facts): { graph: Graph; facts: Facts } {
  const isLayer = (node: Node) => lookup(kinds, operatorKey(node)) !== undefined;
  return replaceNodes(graph, known, isLayer, unroll, 'steps/');
}

function unroll(node: Node, builder: GraphBuilder, facts: Facts & Pick<Steps, 'shapes' | 'types'>): boolean {
  const kind = lookup(kinds, operatorKey(node));
  if (!kind || intAttribute(node, 'layout', 0) === 1) return false;
  const [x, w, r, bias, lengthsGiven, initialState, initialCell, peepholes] = node.inputs;
  const s = new Steps(builder, facts, facts.types.get(x) ?? 'float32');
  const [time, batch] = s.shapeOf(x);
  const [directions, , hidden] = s.shapeOf(r);
  const stated = statedActivations(node, kind.fallback, directions);
  const functions = stated.map((one, i) => activationOf(node, one, i % kind.fallback.length));
  if (functions.includes(undefined) || time * directions * kind.nodes > mostNodes || time === 0) return false;
  const lengths = lengthsOf(lengthsGiven, time, s, facts);
  const results = Array.from({ length: directions }, (_, k) => {
    const piece = (name: string, axis: number, shape: readonly number[]) =>
      s.reshape(s.split(name, axis, directions)[k], shape);
    const start = (name: string | undefined) =>
      name ? piece(name, 0, [1, batch, hidden]) : zeros(s, [1, batch, hidden]);
    const isReverse = k === 1 || stringAttribute(node, 'direction', 'forward') === 'reverse';
    const inOrder = (a: string) => (isReverse ? reversed(s, a, time, lengths) : a);
    const size = kind.gates * hidden;
    const [inputBias, stateBias] = bias ? s.split(piece(bias, 0, [2 * size]), 0, 2) : [];
    const per = kind.fallback.length;
    const cell: Cell = {
      s,
      node,
      r: piece(r, 0, [size, hidden]),
      stateBias,
      peepholes: peepholes ? s.split(piece(peepholes, 0, [3 * hidden]), 0, 3) : [],
      functions: functions.slice(k * per, (k + 1) * per) as Activate[],
    };
    const projected = add(s, s.product(inOrder(x), piece(w, 0, [size, s.shapeOf(x)[2]])), inputBias);
    let state: State = { hidden: start(initialState), cell: kind.gates === 4 ? start(initialCell) : undefined };
    const outputs = s.split(projected, 0, time).map((own, t) => {
      const next = kind.step(cell, own, state);
      if (!lengths) return (state = next).hidden;
      // Behind the end of a shorter sequence the state stays, and the output is 0.
      const runs = isPast(s, lengths, t, batch);
      const choose = (a: string, b: string) => s.op('Where', [runs, a, b], [1, batch, hidden]);
      state = {
        hidden: choose(next.hidden, state.hidden),
        cell: next.cell && choose(next.cell, state.cell ?? ''),
      };
      return choose(next.hidden, zeros(s, [1, batch, hidden]));
    });
    // A sequence without any step has the state 0 in the runtime, whatever it began with.
    if (lengths) {
      const ran = isPast(s, lengths, 0, batch);
      const kept = (a: string) => s.op('Where', [ran, a, zeros(s, [1, batch, hidden])], [1, batch, hidden]);
      state = { hidden: kept(state.hidden), cell: state.cell && kept(state.cell) };
    }
    return { state, all: s.reshape(inOrder(s.concat(outputs, 0)), [time, 1, batch, hidden]) };
  });
  const name = (output: string | undefined, value: () => string) => {
    if (output) builder.op('Identity', [value()], {}, { outputs: [output] });
  };
  name(node.outputs[0], () =>
    s.concat(
      results.map(({ all }) => all),
      1,
    ),
  );
  name(node.outputs[1], () =>
    s.concat(
      results.map(({ state }) => state.hidden),
      0,
    ),
  );
  name(node.outputs[2], () =>
    s.concat(
      results.map(({ state }) => state.cell ?? ''),
      0,
    ),
  );
  return true;
}

/** An activation with the clipping before it, which the last one of an LSTM, that of the cell, does not have. */
function activationOf(node: Node, stated: StatedActivation, index: number): Activate | undefined {
  const { name, alpha, beta } = stated;
  const activate =
    alpha === undefined || beta === undefined ? undefined : lookup(activations, name)?.({ name, alpha, beta });
  if (!activate || !node.attributes.clip || index === 2) return activate;
  const limit = floatAttribute(node, 'clip', 0);
  return (s, z) => activate(s, s.op('Clip', [z, s.number(-limit), s.number(limit)]));
}

/** The sequence lengths as int64 [1, batch, 1]; undefined where every sequence is known to fill all steps. */
function lengthsOf(given: string | undefined, time: number, s: Steps, facts: Facts): string | undefined {
  if (!given) return undefined;
  const known = facts.constants.get(given);
  if (known && toNumbers(known).every((length) => length === time)) return undefined;
  const whole = s.builder.op('Cast', [given], { to: codeOfDataType.int64 });
  const [batch] = s.shapeOf(given);
  return s.declare(s.builder.op('Reshape', [whole, s.ints([1, batch, 1])]), [1, batch, 1], 'int64');
}

/** Whether each sequence is longer than `t` steps, [1, batch, 1]. */
function isPast(s: Steps, lengths: string, t: number, batch: number): string {
  const step = s.declare(s.builder.constant(int64([1, 1, 1], [t])), [1, 1, 1], 'int64');
  return s.declare(s.builder.op('Greater', [lengths, step]), [1, batch, 1], 'bool');
}

function zeros(s: Steps, shape: readonly number[]): string {
  return s.op('Expand', [s.number(0), s.ints(shape)], shape);
}

/** A sequence from its end to its beginning; behind the end of a shorter one nothing moves. */
function reversed(s: Steps, a: string, time: number, lengths: string | undefined): string {
  const flat = lengths && s.builder.op('Reshape', [lengths, s.ints([-1])]);
  if (flat) return s.op('ReverseSequence', [a, flat], undefined, { time_axis: 0, batch_axis: 1 });
  const order = s.builder.constant(
    int64(
      [time],
      Array.from({ length: time }, (_, t) => time - 1 - t),
    ),
  );
  s.declare(order, [time], 'int64');
  return s.op('Gather', [a, order], undefined, { axis: 0 });
}
