import type { RuleContext, VjpRule } from '../../../autodiff/context.ts';
import { WhereforeError } from '../../../errors.ts';
import { GraphBuilder } from '../../../onnx/builder.ts';
import { describeNode, type Node, namesRead, operatorKey, subgraphsOf } from '../../../onnx/graph.ts';
import type { Tensors } from '../../../runtime/runtime.ts';
import type { RuleSet } from '../../plan.ts';
import {
  logSoftmaxMultiplier,
  softmaxMultiplier,
  standardised,
  standardisedMultiplier,
} from './deep-lift-normalised.ts';
import { bilinearOperators, elementwiseOperators, linearOperators, maximumOperators } from './operators.ts';
import { evaluateWith, everyOperator, type Gradients, ordinary } from './ordinary.ts';
import { asReal, clampedMultiplier, quantizers } from './quantized.ts';
import { simpleLayers } from './simple-layers.ts';

/** Differences smaller than this say nothing about a slope: the derivative stands for it. */
const smallest = 1e-6;

/** The values of one graph at two inputs: a name there, and the name of the same value at the reference. */
export interface Twins {
  /** Name at the reference; the name itself where the value does not depend on the layer. */
  twin(name: string): string;
  /** The context of the same node at the reference. */
  contextAt(context: RuleContext): RuleContext;
}

/**
 * DeepLIFT's multipliers (rescale rule): every node passes `Δy` on to its inputs in full, so that at a cut
 * `Σ m ⊙ (F − F0) = f(F) − f(F0)`.
 *
 * The reference runs beside the input as a second copy of the graph. Linear operators keep their derivative; functions
 * of one element get `Δy/Δx`; products of two varying values the mean of the derivatives at both inputs (which is the
 * Shapley value of the two factors); Softmax and normalisations the same rules applied to the steps they consist of.
 */
export function deepLiftRules(reference: Tensors): RuleSet {
  return {
    key: 'deep-lift',
    feeds: new Map([...reference].map(([name, tensor]) => [referenceInput(name), tensor])),
    apply(specialised) {
      const { graph, facts } = simpleLayers(specialised);
      const builder = new GraphBuilder(graph, { prefix: 'reference/' });
      const shapes = new Map(facts.shapes);
      const types = new Map(facts.types);
      const names = new Map<string, string>();
      const copies = new Map<string, Node>();
      const add = (name: string, copy: string) => {
        names.set(name, copy);
        const [shape, type] = [shapes.get(name), types.get(name)];
        if (shape) shapes.set(copy, shape);
        if (type) types.set(copy, type);
      };
      for (const name of reference.keys()) {
        add(name, builder.input(referenceInput(name), 'float32', facts.shapes.get(name) ?? []));
      }
      for (const node of graph.nodes) {
        if (![...namesRead(node)].some((name) => names.has(name))) continue;
        if (subgraphsOf(node).length) {
          throw new WhereforeError('unsupported-operator', 'DeepLIFT does not reach into nested graphs', {
            where: describeNode(node),
            fix: 'use --method integrated-gradients',
          });
        }
        const outputs = node.outputs.map((name) => name && builder.fresh(name));
        const copy = {
          ...node,
          name: outputs.find(Boolean) ?? '',
          inputs: node.inputs.map((name) => names.get(name) ?? name),
          outputs,
        };
        builder.append(copy);
        for (const [i, name] of node.outputs.entries()) if (name) add(name, outputs[i]);
        copies.set(outputs[0], copy);
      }
      const twin = (name: string) => names.get(name) ?? name;
      const twins: Twins = {
        twin,
        contextAt: (context) => context.withNode(copies.get(twin(context.output())) as Node),
      };
      const overrides = { byOperator: everyOperator((context, gradients) => multiplier(context, gradients, twins)) };
      return { graph: builder.build(), facts: { ...facts, shapes, types }, overrides };
    },
  };
}

const referenceInput = (name: string) => `attribution/reference/${name}`;

function multiplier(c: RuleContext, gradients: Gradients, twins: Twins): Gradients {
  const key = operatorKey(c.node);
  const varying = c.node.inputs.flatMap((name, i) => (name && twins.twin(name) !== name && c.needs(i) ? [i] : []));
  if (bilinearOperators.has(key)) return varying.length > 1 ? meanOfBoth(c, gradients, twins) : ordinary(c, gradients);
  if (linearOperators.has(key)) {
    if (key === 'Where' && twins.twin(c.input(0)) !== c.input(0)) {
      c.note(
        'override',
        'the condition of Where depends on the input: where it differs at the baseline, what changes with it is in no attribution',
      );
    }
    return ordinary(c, gradients);
  }
  if (key === 'Div') return varying.includes(1) ? quotient(c, gradients, twins) : ordinary(c, gradients);
  if (elementwiseOperators.has(key) && varying.every((i) => i === 0)) return [slope(c, gradients, 0, twins)];
  const isPair = (key === 'Max' || key === 'Min' || key === 'Pow') && c.node.inputs.length === 2;
  if (isPair) return c.node.inputs.map((_, i) => (varying.includes(i) ? slope(c, gradients, i, twins) : undefined));
  if (maximumOperators.has(key)) return [maximum(c, gradients, twins)];
  const [g] = gradients;
  if (quantizers.has(key) && g && varying.every((i) => i === 0)) return [clampedMultiplier(c, g, twins.twin, smallest)];
  if (key === 'Softmax' && g) return [softmaxMultiplier(c, g, twins.twin)];
  if (key === 'LogSoftmax' && g) return [logSoftmaxMultiplier(c, g, twins.twin)];
  const parts = g && varying.every((i) => i === 0) ? standardised(c) : undefined;
  if (g && parts) return [standardisedMultiplier(c, g, parts, twins.twin)];
  note(c);
  return ordinary(c, gradients);
}

function note(c: RuleContext): void {
  c.note(
    'override',
    `DeepLIFT has no rule for ${operatorKey(c.node)}; its derivative at the input stands in, so that attributions may not add up`,
  );
}

/** Of a·b: `Δa (b + b')/2 + Δb (a + a')/2 = Δ(a·b)`, the mean of the derivatives at the input and at the reference. */
const meanOfBoth = (c: RuleContext, gradients: Gradients, { contextAt }: Twins): Gradients => {
  const [here, there] = [ordinary(c, gradients), ordinary(contextAt(c), gradients)];
  return here.map((own, i) => {
    const other = there[i];
    return own && other ? c.scale(c.add(own, other), 0.5, c.output()) : (own ?? other);
  });
};

/** Of a/b: `Δa (1/b + 1/b')/2` and `Δb · −(a + a')/(2 b b')`. */
const quotient = (c: RuleContext, [g]: Gradients, { twin }: Twins): ReturnType<VjpRule> => {
  if (!g) return [];
  const [a, b] = [c.input(0), c.input(1)];
  const reciprocals = c.add(c.op('Reciprocal', [b]), c.op('Reciprocal', [twin(b)]));
  const toA = c.scale(c.mul(g, reciprocals), 0.5, a);
  const toB = c.neg(c.div(c.scale(c.mul(g, c.add(a, twin(a))), 0.5, a), c.mul(b, twin(b))));
  return [
    c.needs(0) ? c.unbroadcast(toA, c.outputShape(), c.inputShape(0)) : undefined,
    c.needs(1) ? c.unbroadcast(toB, c.outputShape(), c.inputShape(1)) : undefined,
  ];
};

/**
 * `Δy/Δx` of input `index`; where a second input varies as well, the mean of what changes with the other one at the
 * input and at the reference (Shapley value of two).
 */
function slope(c: RuleContext, gradients: Gradients, index: number, { twin }: Twins): string | undefined {
  const [g] = gradients;
  const plain = ordinary(c, gradients)[index];
  if (!g || !plain) return undefined;
  const [x, y] = [c.input(index), c.output()];
  const other = c.node.inputs[1 - index];
  let change = c.sub(y, twin(y));
  if (c.node.inputs.length === 2 && other && twin(other) !== other) {
    const [alone, rest] = [c.node.inputs, c.node.inputs].map((inputs, k) =>
      inputs.map((name, i) => ((k === 0) === (i === index) ? twin(name) : name)),
    );
    const both = c.add(c.sub(y, evaluateWith(c, alone)), c.sub(evaluateWith(c, rest), twin(y)));
    change = c.scale(both, 0.5, y);
  }
  const passed = c.unbroadcast(c.mul(g, change), c.outputShape(), c.inputShape(index));
  const difference = c.sub(x, twin(x));
  const near = c.op('Less', [c.op('Abs', [difference]), c.scalar(smallest, x)]);
  return c.op('Where', [near, plain, c.div(passed, c.op('Where', [near, c.scalar(1, x), difference]))]);
}

/**
 * Of a maximum: what exceeds the reference's, `max(y, y') − y'`, goes to the winner at the input; what falls short of
 * it, `y − max(y, y')`, to the winner at the reference.
 */
function maximum(c: RuleContext, [g]: Gradients, { twin, contextAt }: Twins): string | undefined {
  if (!g) return undefined;
  const [x, y, x0, y0] = [c.input(0), c.output(), twin(c.input(0)), twin(c.output())].map((name) => asReal(c, name));
  const both = c.op('Max', [y, y0]);
  const [gain] = ordinary(c, [c.mul(g, c.sub(both, y0))]);
  const [loss] = ordinary(contextAt(c), [c.mul(g, c.sub(y, both))]);
  if (!gain || !loss) return undefined;
  const difference = c.sub(x, x0);
  const same = c.op('Equal', [difference, c.scalar(0, x)]);
  const passed = c.div(c.add(gain, loss), c.op('Where', [same, c.scalar(1, x), difference]));
  return c.op('Where', [same, c.scalar(0, x), passed]);
}
