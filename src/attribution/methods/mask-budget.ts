import { WhereforeError } from '../../errors.ts';
import { formatShape } from '../../tensor/tensor.ts';
import type { InputLayout } from '../baseline.ts';
import type { MethodContext } from './method.ts';
import type { Budget } from './sureness.ts';

/** How many masks are tried where none are stated. */
export function maskBudget({
  maxSamples,
  tolerance,
}: {
  readonly maxSamples: number;
  readonly tolerance: number;
}): Budget {
  return { first: 1000, most: Math.max(1000, maxSamples), tolerance };
}

/** The explained input that is an image, with its rows and columns. */
export function imageInput({ explained, layouts, inputs }: Pick<MethodContext, 'explained' | 'layouts' | 'inputs'>): {
  name: string;
  rows: number;
  columns: number;
  layout: InputLayout;
} {
  for (const name of explained) {
    const layout = layouts.get(name);
    const shape = inputs.get(name)?.shape ?? [];
    if (layout?.spatialAxes?.length === 2)
      return { name, rows: shape[layout.spatialAxes[0]], columns: shape[layout.spatialAxes[1]], layout };
  }
  throw new WhereforeError('invalid-argument', 'this method needs an input with rows and columns', {
    got: explained.map((name) => `"${name}" ${formatShape(inputs.get(name)?.shape ?? [])}`).join(', '),
    fix: 'say in the layout which axes are rows and columns',
  });
}
