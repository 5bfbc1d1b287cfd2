import type { RuleContext, VjpRule } from '../context.ts';

/** A row of the table of rules. */
export interface RuleEntry {
  readonly rule: VjpRule;
  /**
   * smooth: the operator has a derivative everywhere (inside its domain). kinked: it has one almost everywhere; on the
   * kinks the rule takes the subgradient that the rule's comment names. estimate: the rule is not the derivative
   * (straight-through), and notes so in every result.
   */
  readonly kind: 'smooth' | 'kinked' | 'estimate';
  /** What the rule takes at points without a derivative, for the table in the docs. */
  readonly note?: string;
}

/** Rules of one operator family, by operator key (`Conv`, `com.microsoft.FusedMatMul`). */
export type RuleTable = Readonly<Record<string, RuleEntry>>;

export const smooth = (rule: VjpRule, note?: string): RuleEntry => ({
  rule,
  kind: 'smooth',
  note,
});
export const kinked = (rule: VjpRule, note?: string): RuleEntry => ({
  rule,
  kind: 'kinked',
  note,
});
export const estimate = (rule: VjpRule): RuleEntry => ({
  rule,
  kind: 'estimate',
});

/** A rule of an operator with one input and one output of the same shape: from `g`, `x` and `y` to the gradient of x. */
export const unary =
  (gradient: (context: RuleContext, g: string, x: string, y: string) => string): VjpRule =>
  (context, [g]) => [g && gradient(context, g, context.input(0), context.output(0))];

/**
 * A rule of a broadcasting operator with two inputs: `left` and `right` give the gradient at the output's shape, which
 * is then summed over the broadcast axes.
 */
export const binary =
  (
    left: (context: RuleContext, g: string, a: string, b: string) => string,
    right: (context: RuleContext, g: string, a: string, b: string) => string,
  ): VjpRule =>
  (context, [g]) => {
    if (!g) return [];
    const [a, b] = [context.input(0), context.input(1)];
    const side = (index: number, gradient: typeof left) =>
      context.needs(index)
        ? context.unbroadcast(gradient(context, g, a, b), context.outputShape(), context.inputShape(index))
        : undefined;
    return [side(0, left), side(1, right)];
  };
