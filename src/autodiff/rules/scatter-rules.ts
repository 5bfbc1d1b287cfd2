import { intAttribute, stringAttribute } from '../../onnx/graph.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { kinked, type RuleTable, smooth } from './entry.ts';

/** A scatter along one axis: all of `updates`, `indices` and gradients of updates have one shape. */
interface Scatter {
  readonly data: string;
  readonly indices: string;
  readonly updates: string;
  readonly result: string;
  readonly axis: number;
  readonly dataShape: readonly number[];
  readonly updatesShape: readonly number[];
}

/** With reduction "none", repeated indices have no defined result (ONNX), and so no defined gradient. */
const scatterElementsRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  const [data, indices, updates] = c.node.inputs;
  const axis = intAttribute(c.node, 'axis', 0);
  const shapes = { dataShape: c.inputShape(0), updatesShape: c.inputShape(2) };
  return scatterGradients(c, g, { data, indices, updates, result: c.output(), axis, ...shapes });
};

/**
 * With reduction "none", repeated indices have no defined result (ONNX), and so no defined gradient. Lowering makes a
 * ScatterElements of the other reductions.
 */
const scatterNdRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  const [, indices, updates] = c.node.inputs;
  const reduction = stringAttribute(c.node, 'reduction', 'none');
  if (reduction !== 'none') throw c.refuse(`its reduction "${reduction}" was not lowered`, 'lower the model first');
  return [
    c.needs(0) ? c.op('ScatterND', [g, indices, c.zeros(c.inputShape(2), updates)]) : undefined,
    undefined,
    c.needs(2) ? c.op('GatherND', [g, indices]) : undefined,
  ];
};

function scatterGradients(c: RuleContext, g: string, s: Scatter): (string | undefined)[] {
  const gather = (from: string) => c.op('GatherElements', [from, s.indices], { axis: s.axis });
  const scatter = (into: string, updates: string, reduction: string) =>
    c.op('ScatterElements', [into, s.indices, updates], { axis: s.axis, reduction });
  const zeros = (shape: readonly number[]) => c.zeros(shape, c.input(0));
  const reduction = stringAttribute(c.node, 'reduction', 'none');
  switch (reduction) {
    case 'none':
      return [
        c.needs(0) ? scatter(g, zeros(s.updatesShape), 'none') : undefined,
        undefined,
        c.needs(2) ? gather(g) : undefined,
      ];
    case 'add':
      return [g, undefined, c.needs(2) ? gather(g) : undefined];
    case 'mul':
      return productGradients(c, g, s, gather, scatter);
    case 'min':
    case 'max': {
      // Ties share the gradient evenly.
      const fromData = c.indicator(c.op('Equal', [s.data, s.result]), c.input(0));
      const fromUpdates = c.indicator(c.op('Equal', [s.updates, gather(s.result)]), c.input(0));
      const share = c.div(g, scatter(fromData, fromUpdates, 'add'));
      return [c.mul(share, fromData), undefined, c.needs(2) ? c.mul(gather(share), fromUpdates) : undefined];
    }
    default:
      throw c.refuse(`there is no rule for its reduction "${reduction}"`, 'explain a layer behind this node');
  }
}

/**
 * y = data · Π updates at the same place. The derivative by one factor is the product of the others; it is taken from
 * the product of the factors that are not zero, so that zeros need no division: with one zero among the updates of a
 * place only that update has a derivative, with more none has. The second derivative is exact where no update is zero.
 */
function productGradients(
  c: RuleContext,
  g: string,
  s: Scatter,
  gather: (from: string) => string,
  scatter: (into: string, updates: string, reduction: string) => string,
): (string | undefined)[] {
  const one = c.scalar(1, c.input(0));
  const byData = c.needs(0) ? c.mul(g, scatter(c.expand(one, s.dataShape), s.updates, 'mul')) : undefined;
  if (!c.needs(2)) return [byData];
  const isZero = c.op('Equal', [s.updates, c.scalar(0, c.input(0))]);
  const zero = c.indicator(isZero, c.input(0));
  const factors = c.op('Where', [isZero, one, s.updates]);
  const product = scatter(s.data, factors, 'mul');
  const zeros = scatter(c.zeros(s.dataShape, c.input(0)), zero, 'add');
  const alone = c.indicator(c.op('Equal', [gather(zeros), zero]), c.input(0));
  return [byData, undefined, c.mul(alone, c.div(gather(c.mul(g, product)), factors))];
}

export const scattering = {
  ScatterElements: kinked(scatterElementsRule),
  ScatterND: smooth(scatterNdRule),
} satisfies RuleTable;
