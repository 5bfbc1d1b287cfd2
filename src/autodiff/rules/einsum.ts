import { stringAttribute } from '../../onnx/graph.ts';
import { convert } from '../../tensor/convert.ts';
import { maxOf } from '../../tensor/extremes.ts';
import { float32 } from '../../tensor/tensor.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { type RuleTable, smooth } from './entry.ts';

/** An equation with the ellipsis written out: a list of labels for each operand and for the output. */
export interface Equation {
  readonly operands: readonly (readonly string[])[];
  readonly output: readonly string[];
}

/**
 * Labels of an Einsum equation. The axes that `...` stands for are called `0`, `1`, … counted from the last, as
 * broadcasting counts them; without `->` the output has the labels that occur once, in alphabetical order.
 * Undefined where the operands do not fit the equation.
 */
export function parseEquation(equation: string, ranks: readonly number[]): Equation | undefined {
  const [left, right] = equation.replaceAll(' ', '').split('->');
  const terms = left.split(',');
  if (terms.length !== ranks.length) return undefined;
  const named = (term: string) => [...term.replace('...', '')].length;
  const spans = terms.map((term, i) => (term.includes('...') ? ranks[i] - named(term) : 0));
  const span = maxOf([0, ...spans]);
  const ellipsis = (count: number) => Array.from({ length: count }, (_, i) => `${count - 1 - i}`);
  const labels = (term: string, count: number) => {
    const [before, after] = term.split('...');
    return after === undefined ? [...before] : [...before, ...ellipsis(count), ...after];
  };
  const operands = terms.map((term, i) => labels(term, spans[i]));
  if (operands.some((operand, i) => operand.length !== ranks[i])) return undefined;
  if (right !== undefined) return { operands, output: labels(right, span) };
  const letters = [...left].filter((label) => /[A-Za-z]/.test(label));
  const once = letters.filter((label) => letters.indexOf(label) === letters.lastIndexOf(label)).sort();
  return { operands, output: [...ellipsis(span), ...once] };
}

/**
 * The gradient of an operand is an Einsum again: of the output's gradient and the other operands, towards the
 * operand's own labels. Labels that nothing else has (the operand was summed over them) are expanded; an axis of
 * size 1 that met a longer one is summed; a label that the operand has twice (a diagonal) meets an identity matrix.
 */
const einsum: VjpRule = (c, [g]) => {
  if (!g) return [];
  const equation = parseEquation(
    stringAttribute(c.node, 'equation', ''),
    c.node.inputs.map((name) => c.shape(name).length),
  );
  if (!equation) throw c.refuse('its equation does not fit its inputs', 'check the model with onnx.checker');
  return c.node.inputs.map((_, i) => (c.needs(i) ? operandGradient(c, g, equation, i) : undefined));
};

interface Term {
  readonly value: string;
  readonly labels: readonly string[];
  readonly shape: readonly number[];
}

function operandGradient(c: RuleContext, g: string, { operands, output }: Equation, index: number): string {
  const own = operands[index];
  const shape = c.inputShape(index);
  const terms: Term[] = [
    { value: g, labels: output, shape: c.outputShape() },
    ...operands.flatMap((labels, i) => (i === index ? [] : [{ value: c.input(i), labels, shape: c.inputShape(i) }])),
  ];
  // A second occurrence of a label gets a label of its own, tied to the first by an identity matrix.
  const distinct = own.map((label, axis) => {
    if (own.indexOf(label) === axis) return label;
    const tied = `${label}#${axis}`;
    const size = shape[axis];
    const eye = float32(
      [size, size],
      Array.from({ length: size * size }, (_, at) => (at % (size + 1) ? 0 : 1)),
    );
    const value = c.constantTensor(convert(eye, c.type(c.output())));
    terms.push({ value, labels: [label, tied], shape: [size, size] });
    return tied;
  });
  const sizes = new Map<string, number>();
  for (const term of terms) {
    term.labels.forEach((label, axis) => sizes.set(label, Math.max(sizes.get(label) ?? 1, term.shape[axis])));
  }
  // An axis of size 1 is left out, so that it is summed, and put back by the reshape.
  const kept = distinct.map((label, axis) => sizes.has(label) && shape[axis] !== 1);
  const target = distinct.filter((_, axis) => kept[axis]);
  const letters = lettersFor([...sizes.keys()]);
  const write = (labels: readonly string[]) => labels.map((label) => letters.get(label)).join('');
  const equation = `${terms.map((term) => write(term.labels)).join(',')}->${write(target)}`;
  const reduced = c.op(
    'Einsum',
    terms.map((term) => term.value),
    { equation },
  );
  const reached = distinct.map((label, axis) => (kept[axis] ? (sizes.get(label) as number) : 1));
  const placed = c.reshapeTo(
    reduced,
    target.map((label) => sizes.get(label) as number),
    reached,
  );
  return reached.every((size, axis) => size === shape[axis]) ? placed : c.expand(placed, shape);
}

/** One letter for each label: itself where it is one. */
function lettersFor(labels: readonly string[]): Map<string, string> {
  const alphabet = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  const free = alphabet.filter((letter) => !labels.includes(letter));
  return new Map(labels.map((label) => [label, alphabet.includes(label) ? label : (free.shift() as string)]));
}

export const einsumRules = { Einsum: smooth(einsum) } satisfies RuleTable;
