import type { RuleContext, VjpRule } from '../../../autodiff/context.ts';
import { operatorsWithRule, ruleOf } from '../../../autodiff/rules/index.ts';
import type { Node } from '../../../onnx/graph.ts';
import { operatorKey } from '../../../onnx/graph.ts';

export type Gradients = readonly (string | undefined)[];

/** The derivative's own rule for a node. */
export function ordinary(context: RuleContext, gradients: Gradients): Gradients {
  const entry = ruleOf(operatorKey(context.node));
  if (!entry)
    throw context.refuse('there is no rule for its operator', 'use a method that needs no gradient (occlusion)');
  return entry.rule(context, gradients);
}

/** Rules that stand for the derivative in every operator of the table. */
export function everyOperator(rule: VjpRule): Readonly<Record<string, VjpRule>> {
  return Object.fromEntries([...operatorsWithRule].map((key) => [key, rule]));
}

/** Appends a copy of the context's node with other inputs; returns its first output. */
export function evaluateWith(context: RuleContext, inputs: readonly string[]): string {
  const [output] = context.node.outputs;
  const name = context.builder.fresh(`again/${output}`);
  const node: Node = { ...context.node, name, inputs: [...inputs], outputs: [name] };
  context.builder.append(node);
  return context.declareLike(name, output);
}
