import { WhereforeError } from '../errors.ts';
import { elementsRead, type Graph, operatorKey } from '../onnx/graph.ts';
import { traitsOf } from '../onnx/operators.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Whether a missing value (NaN) of an input comes to an operator that says what becomes of it. */
export function handlesMissing(graph: Graph, input: string): boolean {
  const reached = new Set([input]);
  for (const node of graph.nodes) {
    if (![...elementsRead(node)].some((name) => reached.has(name))) continue;
    if (traitsOf(operatorKey(node)).handlesMissing) return true;
    for (const name of node.outputs) reached.add(name);
  }
  return false;
}

/** Whether a tensor holds a missing value. */
export function holdsMissing({ type, data }: Tensor): boolean {
  return (type === 'float32' || type === 'float64') && (data as Float32Array).some(Number.isNaN);
}

/**
 * Checks that an input holds finite numbers, or missing values that the model handles.
 * @throws WhereforeError `not-finite` with the place of the first other one
 */
export function checkInputNumbers(graph: Graph, name: string, { type, shape, data }: Tensor, where?: string): void {
  if (type !== 'float32' && type !== 'float64') return;
  let mayMiss: boolean | undefined;
  const values = data as Float32Array;
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    if (Number.isNaN(values[i]) && (mayMiss ??= handlesMissing(graph, name))) continue;
    throw new WhereforeError('not-finite', `input "${name}" holds a value that is not a finite number`, {
      where,
      got: `${values[i]} at [${indexOf(i, shape)}]`,
      fix: Number.isNaN(values[i])
        ? 'replace missing values before explaining: nothing in the model handles them'
        : 'replace it before explaining',
    });
  }
}

function indexOf(element: number, shape: readonly number[]): string {
  const index: number[] = [];
  let rest = element;
  for (const size of [...shape].reverse()) {
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return index.join(',');
}
