import { floatAttribute, intAttribute, stringAttribute } from '../../onnx/graph.ts';
import { codeOfDataType } from '../../onnx/types.ts';
import { int64 } from '../../tensor/tensor.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { type RuleTable, smooth } from './entry.ts';
import { part, reversed } from './placement.ts';
import { activationsOf, clipped } from './recurrent-activations.ts';
import {
  type CellGradient,
  type Direction,
  gruCell,
  lstmCell,
  outer,
  rnnCell,
  steps,
  sumOf,
} from './recurrent-cells.ts';

interface CellKind {
  readonly gates: number;
  /** The operator's default activation functions. */
  readonly activations: readonly string[];
  readonly backward: (c: RuleContext, direction: Direction) => CellGradient;
}

const input = { x: 0, w: 1, r: 2, bias: 3, lengths: 4, initialState: 5, initialCell: 6, peepholes: 7 } as const;

/**
 * Backward pass of a recurrent layer: the forward node stays (its states are the states before each step), the
 * backward recurrence is unrolled over the known number of steps. What does not depend on the step before, such as
 * gates, their slopes and the gradients of weights, is computed for the whole sequence at once.
 *
 * Steps behind the end of a shorter sequence have zero output, hence no gradient flows into them and they give none.
 */
const recurrent =
  (kind: CellKind): VjpRule =>
  (c, [gradientOfAll, gradientOfLast, gradientOfCell]) => {
    if (intAttribute(c.node, 'layout', 0) === 1) {
      throw c.refuse(
        'ONNX Runtime does not run recurrent layers with the batch first (layout 1)',
        'export the model with layout 0',
      );
    }
    const [time, batch] = c.inputShape(input.x);
    const [directions, , hidden] = c.inputShape(input.r);
    const lengths = lengthsOf(c, time);
    const states = c.requestOutput(0, [time, directions, batch, hidden], c.type(c.input(input.x)));
    const activations = activationsOf(c, kind.activations, directions);
    const perDirection = activations.length / directions;
    const clip = c.node.attributes.clip ? floatAttribute(c.node, 'clip', 0) : undefined;

    const results = Array.from({ length: directions }, (_, k) => {
      const isReverse = k === 1 || stringAttribute(c.node, 'direction', 'forward') === 'reverse';
      const inOrder = (a: string) => (isReverse ? inReverse(c, a, lengths) : a);
      const ofDirection = (a: string, axis: number, shape: readonly number[]) =>
        c.reshape(directions === 1 ? a : part(c, a, axis, k, k + 1), shape);
      const weight = (index: number, shape: readonly number[]) => ofDirection(c.input(index), 0, shape);
      const initial = (index: number) =>
        c.hasInput(index) ? weight(index, [1, batch, hidden]) : c.zeros([1, batch, hidden], c.input(input.x));
      const size = kind.gates * hidden;
      const [inputBias, stateBias] = c.hasInput(input.bias)
        ? c.ops('Split', [weight(input.bias, [2 * size]), c.ints([size, size])], { axis: 0 }, 2)
        : [];
      const ran = inOrder(ofDirection(states, 1, [time, batch, hidden]));
      const earlier = time === 1 ? [] : [part(c, ran, 0, 0, time - 1)];
      const x = inOrder(c.input(input.x));
      const own = activations.slice(k * perDirection, (k + 1) * perDirection);
      const last = (g: string | undefined) => g && ofDirection(g, 0, [1, batch, hidden]);
      const all = gradientOfAll && inOrder(ofDirection(gradientOfAll, 1, [time, batch, hidden]));
      const peepholes = c.hasInput(input.peepholes)
        ? (c.ops(
            'Split',
            [weight(input.peepholes, [3 * hidden]), c.ints([hidden, hidden, hidden])],
            { axis: 0 },
            3,
          ) as [string, string, string])
        : undefined;
      const direction: Direction = {
        time,
        batch,
        hidden,
        x,
        previous:
          time === 1
            ? initial(input.initialState)
            : c.op('Concat', [initial(input.initialState), ...earlier], { axis: 0 }),
        w: weight(input.w, [size, c.inputShape(input.x)[2]]),
        r: weight(input.r, [size, hidden]),
        inputBias,
        stateBias,
        initialCell: kind.gates === 4 ? initial(input.initialCell) : '',
        peepholes,
        // An LSTM's last activation is that of the cell, which is not clipped.
        activations: own.map((activation, i) => (i === 2 ? activation : clipped(activation, clip))),
        intoState: intoSteps(c, all, last(gradientOfLast), lengths, time),
        intoCell: intoSteps(c, undefined, last(gradientOfCell), lengths, time),
      };
      return { direction, inOrder, gradient: kind.backward(c, direction) };
    });

    /** The parts of all directions, one after another along the first axis, in the shape of the input. */
    const together = (index: number, ofOne: (result: (typeof results)[number]) => string): string | undefined => {
      if (!c.hasInput(index) || !c.needs(index)) return undefined;
      const parts = results.map(ofOne);
      return c.reshape(parts.length === 1 ? parts[0] : c.op('Concat', parts, { axis: 0 }), c.inputShape(index));
    };
    const summed = (a: string) => c.reduceSum(a, [0, 1], false);
    const byInput = c.needs(input.x)
      ? sumOf(
          c,
          results.map(({ direction, inOrder, gradient }) => inOrder(c.op('MatMul', [gradient.projected, direction.w]))),
        )
      : undefined;
    return [
      byInput,
      together(input.w, ({ direction, gradient }) => outer(c, gradient.projected, direction.x)),
      together(input.r, ({ gradient }) => gradient.r()),
      together(input.bias, ({ gradient }) =>
        c.op('Concat', [summed(gradient.projected), summed(gradient.recurrent)], { axis: 0 }),
      ),
      undefined,
      together(input.initialState, ({ gradient }) => gradient.initialState),
      together(input.initialCell, ({ gradient }) => gradient.initialCell as string),
      together(input.peepholes, ({ gradient }) => gradient.peepholes?.() as string),
    ];
  };

/** The sequence lengths as int64 [batch], or undefined where every sequence is known to fill all steps. */
function lengthsOf(c: RuleContext, time: number): string | undefined {
  if (!c.hasInput(input.lengths)) return undefined;
  const known = c.constant(c.input(input.lengths)) && c.numbers(input.lengths, 'sequence lengths');
  if (known?.every((length) => length === time)) return undefined;
  return c.op('Cast', [c.input(input.lengths)], { to: codeOfDataType.int64 });
}

/** A sequence from its end to its beginning; behind the end of a shorter one nothing moves. Its own inverse. */
function inReverse(c: RuleContext, sequence: string, lengths: string | undefined): string {
  return lengths
    ? c.op('ReverseSequence', [sequence, lengths], { time_axis: 0, batch_axis: 1 })
    : reversed(c, sequence, [0]);
}

/** Gradients that flow into each step: those of the step's own output, and that of the last state at the last step. */
function intoSteps(
  c: RuleContext,
  all: string | undefined,
  last: string | undefined,
  lengths: string | undefined,
  time: number,
): (string | undefined)[] {
  if (!all && !last) return new Array<undefined>(time).fill(undefined);
  if (!lengths) {
    const own = all ? steps(c, all, time) : [];
    return Array.from({ length: time }, (_, t) => sumOf(c, [own[t], t === time - 1 ? last : undefined]));
  }
  const step = c.constantTensor(
    int64(
      [time, 1, 1],
      Array.from({ length: time }, (_, t) => t),
    ),
  );
  const ends = c.op('Unsqueeze', [lengths, c.ints([0, 2])]);
  const where = (op: string, bound: string) => c.indicator(c.op(op, [step, bound]), c.input(input.x));
  const running = all && c.mul(all, where('Less', ends));
  const ending = last && c.mul(last, where('Equal', c.sub(ends, c.ints([1]))));
  return steps(c, sumOf(c, [running, ending]) as string, time);
}

/** Recurrent layers, in one or both directions. */
export const recurrentLayers = {
  RNN: smooth(recurrent({ gates: 1, activations: ['Tanh'], backward: rnnCell })),
  GRU: smooth(
    recurrent({
      gates: 3,
      activations: ['Sigmoid', 'Tanh'],
      backward: (c, direction) => gruCell(c, direction, intAttribute(c.node, 'linear_before_reset', 0) !== 0),
    }),
  ),
  LSTM: smooth(
    recurrent({
      gates: 4,
      activations: ['Sigmoid', 'Tanh', 'Tanh'],
      backward: (c, direction) => lstmCell(c, direction, intAttribute(c.node, 'input_forget', 0) !== 0),
    }),
  ),
} satisfies RuleTable;
