import { operatorsThat } from '../../../onnx/operators.ts';

/** Move elements without adding any up, or turn their sign. */
export const movingOperators: ReadonlySet<string> = operatorsThat(
  ({ moves, elementwise, linear }) => moves !== undefined || (elementwise === true && linear === 'one'),
);

/** Linear in each of two inputs, so that both may vary. */
export const bilinearOperators: ReadonlySet<string> = operatorsThat(({ linear }) => linear === 'each');

/** Operators that are linear in one varying input: their derivative carries a difference or a relevance exactly. */
export const linearOperators: ReadonlySet<string> = operatorsThat(
  ({ moves, linear }) => moves !== undefined || linear !== undefined,
);

/** Activations that guided backpropagation guards. */
export const rectifiers: ReadonlySet<string> = operatorsThat(({ rectifier }) => rectifier === true);

/** Functions of one element that have a derivative and are not linear. */
export const elementwiseOperators: ReadonlySet<string> = operatorsThat(
  ({ elementwise, gradient, linear }) => elementwise === true && gradient === 'rule' && linear === undefined,
);

/** The largest element of several. */
export const maximumOperators: ReadonlySet<string> = operatorsThat(({ maximum }) => maximum === true);
