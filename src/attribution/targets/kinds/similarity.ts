import * as z from 'zod/mini';
import { WhereforeError } from '../../../errors.ts';
import { float32, sizeOf } from '../../../tensor/tensor.ts';
import { type OfOutput, ofOutput, type TargetKind } from '../kind.ts';
import { tensorInput } from '../target-source.ts';

/** Cosine between an embedding and a given one, `⟨y, r⟩ / (‖y‖ ‖r‖)`: why does this input resemble that one? */
export interface SimilarityTarget extends OfOutput {
  readonly kind: 'similarity';
  readonly to: readonly number[];
  readonly description: string;
}

export const similarity = {
  schema: z.object({
    kind: z.literal('similarity'),
    to: z.array(z.number()),
    description: z.string(),
    ...ofOutput,
  }),
  forms: [
    {
      text: 'similar:INPUT',
      prefix: 'similar',
      read: async (source, surroundings) => {
        if (source === '') {
          throw new WhereforeError('invalid-argument', '--target similar: nothing to compare with', {
            expected: 'similar:INPUT, e.g. similar:other.png',
          });
        }
        const { output, values } = await surroundings.embedding(source);
        return { kind: 'similarity', to: values, description: source.split(/[\\/]/).pop() || source, output };
      },
    },
  ],
  compile: (source, { to }) => {
    const { builder } = source;
    const size = sizeOf(source.shape);
    const norm = to.reduce((length, value) => Math.hypot(length, value), 0);
    if (to.length !== size || !(norm > 0)) {
      throw new WhereforeError('wrong-shape', `the other embedding does not fit output "${source.output}"`, {
        got: norm > 0 ? `${to.length} numbers` : 'zeros',
        expected: `${size} numbers, not all 0`,
      });
    }
    const direction = new Float32Array(size);
    for (let i = 0; i < size; i++) direction[i] = to[i] / norm;
    const unit = tensorInput(source, 'direction', float32([size, 1], direction));
    const rows = builder.op('Flatten', [source.scores], { axis: 1 });
    const along = builder.op('MatMul', [rows, unit]);
    const length = builder.op('ReduceL2', [rows, builder.ints([1])], { keepdims: 1 });
    return builder.op('Reshape', [builder.op('Div', [along, length]), builder.ints([-1])]);
  },
  describe: ({ description }, { of }) => `similarity${of} to ${of ? 'that of ' : ''}${description}`,
  write: () => undefined,
} satisfies TargetKind<SimilarityTarget>;
