import * as z from 'zod/mini';
import { WhereforeError } from '../../../errors.ts';
import { formatShape } from '../../../tensor/tensor.ts';
import { type OfOutput, ofOutput, type TargetKind } from '../kind.ts';
import { wholeNumber } from '../parts.ts';
import { checkIndex, flatElement } from '../target-source.ts';

/** One element of an output: the value of a regression, an entry of anything. */
export interface OutputTarget extends OfOutput {
  readonly kind: 'output';
  readonly index: readonly number[];
}

/** Names of outputs may hold what a formula means by something else (`a/b:0`), but no spaces and brackets. */
const element = /^([^\s()[\]]+)\[([-\d,\s]*)\]$/;

export const output = {
  schema: z.object({ kind: z.literal('output'), index: z.array(z.int()), ...ofOutput }),
  forms: [
    {
      text: 'OUTPUT[i,j,…]',
      // `probability:0[1]` is an element of an output that TensorFlow has named.
      first: (text) => /^[^\s()[\]]+:\d+\[[-\d,\s]*\]$/.test(text),
      matches: (text) => element.test(text),
      read: (text) => {
        const [, name, index] = element.exec(text) as RegExpExecArray;
        return { kind: 'output', output: name, index: index.trim() === '' ? [] : index.split(',').map(wholeNumber) };
      },
    },
  ],
  compile: (source, target) => {
    if (target.index.length !== source.shape.length) {
      throw new WhereforeError('out-of-range', `the index of output "${source.output}" has the wrong number of axes`, {
        got: `[${target.index.join(',')}]`,
        expected: `${source.shape.length} indices for ${formatShape(source.shape)} (the batch axis is left out)`,
      });
    }
    let flat = 0;
    target.index.forEach((given, axis) => {
      const size = source.shape[axis];
      const position = given < 0 ? given + size : given;
      checkIndex(source, position, size, `on axis ${axis}, element`);
      flat = flat * size + position;
    });
    return flatElement(source, source.scores, flat);
  },
  describe: ({ output: name = 'output', index }) => `${name}[${index.join(',')}]`,
  write: ({ output: name, index }) => name && `${name}[${index.join(',')}]`,
  about: ({ index }) => index.slice(-1),
} satisfies TargetKind<OutputTarget>;
