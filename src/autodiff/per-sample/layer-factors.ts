import { float32 } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';
import { type Factor, inOrder, written } from './factors.ts';
import { layerRows } from './layer-moments.ts';
import { type Layer, type LayerUses, sidesOf } from './layers.ts';

/**
 * How the gradients of a layer's rows are told, by whichever takes the fewest numbers of a row: what flows back `[N, T, outputs]`
 * and the inputs `[N, T, inputs]`; the same with indices `[N, T]` in place of the inputs of a table; or written out,
 * `[N, outputs · inputs]`.
 */
export type FactorForm =
  | { readonly kind: 'pair'; readonly positions: number }
  | { readonly kind: 'indexed'; readonly positions: number }
  | { readonly kind: 'dense' };

/** Arrays of a form, in the order in which {@link layerFactors} gives them: what follows the name of the layer, and the numbers of a row. */
export function arraysOf(
  { outputs, inputs }: Pick<Layer, 'outputs' | 'inputs'>,
  form: FactorForm,
): readonly { readonly part: string; readonly width: number }[] {
  if (form.kind === 'dense') return [{ part: '', width: outputs * inputs }];
  const flowing = { part: '/outputs', width: form.positions * outputs };
  if (form.kind === 'indexed') return [flowing, { part: '/indices', width: form.positions }];
  return [flowing, { part: '/inputs', width: form.positions * inputs }];
}

/** The form with the fewest numbers. */
export function formOf({ layer, uses }: LayerUses): FactorForm {
  const [{ pair }, ...others] = uses;
  const { positions, groups } = pair;
  const sides = sidesOf(layer);
  const [output, input] = [pair[sides.outputs], pair[sides.inputs]];
  if (others.length > 0 || groups > 1 || output.kind !== 'rows') return { kind: 'dense' };
  if (input.kind === 'one-hot' && !layer.bias) return { kind: 'indexed', positions };
  const isShorter = positions * (layer.outputs + layer.inputs) < layer.outputs * layer.inputs;
  return input.kind === 'rows' && isShorter ? { kind: 'pair', positions } : { kind: 'dense' };
}

/** The arrays of a form, `[N, width]` each. */
export function layerFactors(c: RuleContext, item: LayerUses, form: FactorForm): readonly string[] {
  const { layer, uses } = item;
  const [{ pair, hasBias }] = uses;
  const flat = (value: string) => c.reshape(value, [pair.rows, -1]);
  if (form.kind === 'dense') return [flat(layerRows(c, item))];
  const sides = sidesOf(layer);
  const [output, input]: Factor[] = [pair[sides.outputs], pair[sides.inputs]];
  const flowing = flat(inOrder(c, written(c, output), 'last'));
  if (input.kind === 'one-hot') return [flowing, flat(c.op('Cast', [input.indices], { to: 1 }))];
  const inputs = inOrder(c, written(c, input), 'last');
  if (!layer.bias) return [flowing, flat(inputs)];
  const ones = new Float32Array(pair.rows * pair.positions).fill(hasBias ? 1 : 0);
  const column = c.constantTensor(float32([pair.rows, pair.positions, 1], ones));
  return [flowing, flat(c.op('Concat', [inputs, column], { axis: 2 }))];
}
